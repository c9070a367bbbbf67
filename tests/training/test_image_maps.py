"""Auxiliary maps beside a training image: read, coarsened, mirrored with patches, learned from, and what is refused."""

import dataclasses

import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.errors import StorageError
from latentinv.training import FlowlineSimulator, TrainingImage, parse_recipe, resume_training, train
from latentinv.training._method import Task
from latentinv.training._sequential import SequentialSimulation
from latentinv.training.images import AuxiliaryMap, OpenPatches, coarsen, image_levels
from tests.interrupted import require_equal_after_interrupt

RECIPE = """
[image]
file = "image.npy"
maps = {azimuth = "azimuth.npy", depth = "depth.npy"}
flips = [0, 1]

[networks]
family = "sequential"

[sequential]
widths = [4, 4]
windows = [1, 1]
wells = true
temperatures = [1, 0.5]

[training]
steps = 8
batch = 2
patch = [32, 32]
evaluate_every = 4
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    image = FlowlineSimulator().as_training_image(0, (100, 110))
    np.save(folder / "image.npy", image.facies)
    np.save(folder / "azimuth.npy", image.maps[0].values)
    np.save(folder / "depth.npy", image.maps[1].values)
    return folder


def test_that_a_training_with_maps_goes_on_bit_for_bit_where_it_stopped(folder, tmp_path):
    prior = require_equal_after_interrupt(parse_recipe(RECIPE, folder), tmp_path)
    assert [one.name for one in prior.maps] == ["azimuth", "depth"]
    grid = Grid((10, 11))
    given = prior.given(azimuth=45.0, depth=np.full((10, 11), 9.0))
    assert given.generate(np.zeros(prior.latent_size(grid), np.float32), grid).shape == (10, 11)


def test_that_a_training_is_not_resumed_with_another_map(folder, tmp_path):
    for name in ("image", "azimuth", "depth"):
        np.save(tmp_path / f"{name}.npy", np.load(folder / f"{name}.npy"))
    train(parse_recipe(RECIPE, tmp_path), tmp_path / "prior.h5")
    np.save(tmp_path / "depth.npy", np.load(folder / "depth.npy") + 1)
    with pytest.raises(InputError, match="or a map of it, has changed since this training began"):
        resume_training(tmp_path / "prior.training.h5")


def test_that_patches_show_maps_as_they_lie_beside_the_image(folder):
    recipe = parse_recipe(RECIPE.replace("flips = [0, 1]", ""), folder)
    image = recipe.load_image()
    method = SequentialSimulation(Task(recipe, image, image_levels(image, 0.0, ordered=True)))
    cut = method.patches(np.random.default_rng(0), 300)
    assert cut.shape[-1] == 1 + 3 + 2 + 1 + 1
    for first, count in ((1, 3), (4, 2)):
        shown = np.any(cut[..., first : first + count] != 0, axis=(1, 2, 3))
        # Each is left out of one patch in three: 300 draws, false alarm 1e-6.
        assert 160 < shown.sum() < 240
    inside = cut[..., 6] > 0
    np.testing.assert_array_equal(cut[..., 3][inside].astype(bool) | ~inside[inside], cut[..., 3][inside] > 0)


def test_that_the_mirror_image_of_a_direction_is_that_of_the_mirrored_field():
    """A patch of an image that is its own mirror image but for the direction is mirrored with it."""
    rng = np.random.default_rng(0)
    facies = rng.integers(0, 2, (40, 50))
    azimuth = rng.uniform(0, 180, (40, 50))
    image = TrainingImage.from_array(facies, "image").with_maps([AuxiliaryMap.from_array(azimuth, "azimuth")])
    whole = np.concatenate([image_levels(image, 0.0, ordered=True), image.shown], axis=-1)
    open_patches = OpenPatches.of(whole, image, (40, 50), (2,))
    over = tuple((m - n) // 2 for m, n in zip(open_patches.around.shape, (40, 50), strict=False))
    inner = open_patches.around[over[0] : over[0] + 40, over[1] : over[1] + 50]
    patches = OpenPatches(inner, (40, 50), (2,))
    mirrored = image.maps[0].range.encode(180 - azimuth[:, ::-1])
    upside_down = image.maps[0].range.encode(180 - azimuth[::-1])
    both = image.maps[0].range.encode(azimuth[::-1, ::-1])
    expected = [inner[..., 1:4], mirrored, upside_down, both]
    found = patches.cut(rng, 60, (0, 1))[..., 1:4]
    which = [[np.allclose(one, other, atol=1e-5) for other in expected].index(True) for one in found]
    assert set(which) == {0, 1, 2, 3}


def test_that_directions_are_averaged_over_half_a_turn():
    azimuth = AuxiliaryMap.from_array(np.array([[170.0, 10.0, 80.0, 100.0], [175.0, 5.0, 80.0, 100.0]]), "azimuth")
    np.testing.assert_allclose(np.mod(azimuth.coarsened(2).values + 1, 180), [[1.0, 91.0]], atol=1e-9)
    depth = AuxiliaryMap.from_array(np.array([[1.0, 3.0, 5.0], [1.0, 3.0, -9999.0]]), "depth")
    np.testing.assert_allclose(depth.coarsened(2).values, [[2.0]])
    image = TrainingImage.from_array(np.arange(30).reshape(5, 6) % 7 % 2, "image")
    maps = [AuxiliaryMap.from_array(np.arange(30.0).reshape(5, 6), "depth")]
    assert coarsen(image.with_maps(maps), 2).maps[0].values.shape == (2, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('family = "sequential"', 'family = "generator"'), "image has auxiliary maps and family = 'generator'"),
        (("depth =", "wells ="), "is called 'wells'; .* other than proportions, wells, blocks"),
        (("azimuth =", "Azimuth ="), "is called 'Azimuth'; write 'azimuth' if it is of directions"),
        (
            ("maps = {", 'first_row = "north"\nmaps = {'),
            "that of the map azimuth is not told",
        ),
        (('"depth.npy"', '"missing.npy"'), "map depth missing.npy is neither in its place"),
        (('"depth.npy"', "3"), "maps"),
    ],
)
def test_that_recipes_that_contradict_themselves_are_refused(change, message, folder):
    text = RECIPE.replace(*change)
    if "generator" in change[1]:
        text = text[: text.index("[sequential]")] + text[text.index("[training]") :]
    with pytest.raises((InputError, StorageError), match=message):
        parse_recipe(text, folder).load_image()


def test_that_a_map_of_other_cells_is_refused(folder, tmp_path):
    for name in ("image", "azimuth"):
        np.save(tmp_path / f"{name}.npy", np.load(folder / f"{name}.npy"))
    np.save(tmp_path / "depth.npy", np.load(folder / "depth.npy")[:50])
    with pytest.raises(InputError, match=r"map depth in depth.npy has 50 × 110 cells, the training image 100 × 110"):
        parse_recipe(RECIPE, tmp_path).load_image()


def test_that_a_map_says_where_its_first_row_lies_and_which_array_it_is(folder, tmp_path):
    for name in ("image", "azimuth"):
        np.save(tmp_path / f"{name}.npy", np.load(folder / f"{name}.npy"))
    np.savez(tmp_path / "maps.npz", z=np.load(folder / "depth.npy")[::-1], other=np.zeros(3))
    told = '{file = "maps.npz", key = "z", first_row = "north"}'
    recipe = parse_recipe(RECIPE.replace('"depth.npy"', told), tmp_path)
    np.testing.assert_array_equal(recipe.load_image().maps[1].values, np.load(folder / "depth.npy"))
    with pytest.raises(InputError, match="maps"):
        parse_recipe(RECIPE.replace('"depth.npy"', told.replace("key", "keys")), tmp_path)


def test_that_cells_without_a_value_are_told():
    values = np.where(np.eye(4, 5) > 0, -99.0, np.arange(20.0).reshape(4, 5))
    assert AuxiliaryMap.from_array(values, "depth").described == "depth, 1 to 19; 20.0% of its cells are missing (-99)"
    assert AuxiliaryMap.from_array(values, "depth", [-1]).described == "depth, -99 to 19"


def test_that_simulators_are_told_apart_by_their_kind(folder):
    table = '[image.simulator]\nkind = "flowlines"\nseed = 1\nshape = [60, 70]\nturning = 10.0\n'
    image = RECIPE[RECIPE.index("[networks]") :]
    recipe = parse_recipe(f"[image]\nflips = [0]\n{table}{image}", folder)
    assert [one.name for one in recipe.load_image().maps] == ["azimuth", "width"]
    held_out = recipe.held_out_image()
    assert held_out.fingerprint != recipe.load_image().fingerprint
    with pytest.raises(InputError, match="kind"):
        parse_recipe(f"[image]\n{table.replace('flowlines', 'rivers')}{image}", folder)
    listed = table.replace('"flowlines"', "[1]")
    with pytest.raises(InputError, match="kind"):
        parse_recipe(f"[image]\n{listed}{image}", folder)
    with pytest.raises(InputError, match="amplitude"):
        parse_recipe(f"[image]\n{table}amplitude = 3.0\n{image}", folder)
    without = dataclasses.replace(recipe.load_image(), maps=())
    assert without.fingerprint == without.sha256
