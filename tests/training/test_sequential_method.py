"""Sequential priors in training: what is learned, that training stops and goes on, and what recipes are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.networks import Around, Draw, initial_sequential, simulate
from latentinv.training import ChannelSimulator, TrainingImage, parse_recipe
from latentinv.training import _balance as balance
from latentinv.training import _roughness as roughness
from latentinv.training import _sequential as sequential
from latentinv.training._method import Task
from latentinv.training.images import OpenPatches, image_levels
from tests.interrupted import require_equal_after_interrupt
from tests.problems import random_sequential

RECIPE = """
[image]
file = "image.npy"

[networks]
family = "sequential"

[sequential]
widths = [4, 4]
windows = [1, 1]
temperatures = [1, 0.5]

[training]
steps = 8
batch = 2
patch = [32, 32]
evaluate_every = 4
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sequential")
    np.save(folder / "image.npy", ChannelSimulator().simulate(np.random.default_rng(0), (100, 110)))
    return folder


@pytest.mark.parametrize("wells", ["", "wells = true\n"])
def test_that_a_training_leaves_a_prior_that_goes_on_bit_for_bit_where_it_stopped(wells, folder, tmp_path):
    recipe = parse_recipe(RECIPE.replace("temperatures", f"{wells}temperatures"), folder)
    prior = require_equal_after_interrupt(recipe, tmp_path)
    assert prior.family == "sequential"
    assert prior.temperatures[0] == 1.0
    assert 0.5 <= prior.temperatures[1] <= 1.0
    grid = Grid((10, 11))
    assert prior.generate(jnp.zeros(prior.latent_size(grid)), grid).shape == (10, 11)
    assert prior.facies_model.thresholds == (0.0,)


def test_that_the_first_cells_are_drawn_by_the_shares_of_the_image(folder):
    recipe = parse_recipe(RECIPE, folder)
    image = recipe.load_image()
    state = sequential.SequentialSimulation(Task(recipe, image, image_levels(image, 0.0, ordered=True))).initial_state()
    assert jax.nn.sigmoid(state.weights["first.bias"]) == pytest.approx(image.facies.mean(), rel=1e-5)


def test_that_cells_of_no_weight_are_left_out_of_the_likelihood():
    architecture, weights = random_sequential(windows=(1, 1))
    levels = jnp.sign(jax.random.normal(jax.random.key(0), (3, 12, 12, 1)))
    some = jnp.ones_like(levels).at[:, 8:].set(0)
    turned = jnp.where(some > 0, levels, -levels)
    pair = [sequential.log_likelihood(architecture, weights, x * some, some, Around()) for x in (levels, turned)]
    assert pair[0] == pytest.approx(float(pair[1]))
    untrained = initial_sequential(jax.random.key(0), architecture)
    assert sequential.log_likelihood(architecture, untrained, levels, some, Around()) == pytest.approx(
        -np.log(2), rel=1e-5
    )
    assert float(pair[0]) != pytest.approx(-np.log(2), rel=1e-2)


def test_that_patches_over_the_border_count_all_known_cells_the_same():
    array = np.random.default_rng(0).integers(0, 2, (20, 30))
    array[4:6, 7:9] = -99
    image = TrainingImage.from_array(array, "image")
    levels = image_levels(image, 0.0, ordered=True)
    for shape in ((8, 8), (32, 16), (32, 48)):
        patches = OpenPatches.of(levels, image, shape)
        counts = np.zeros(patches.around.shape[:2])
        most = [m - n + 1 for m, n in zip(counts.shape, shape, strict=True)]
        for corner in np.ndindex(*most):
            counts[tuple(slice(a, a + n) for a, n in zip(corner, shape, strict=True))] += 1
        weighted = counts * patches.around[..., 1]
        assert np.count_nonzero(weighted) == np.count_nonzero(image.known)
        np.testing.assert_allclose(weighted[weighted > 0], weighted.max(), rtol=1e-4)
        np.testing.assert_array_equal(patches.around[..., 0] != 0, weighted > 0)


def test_that_patches_are_mirrored_along_the_axes_that_are_named():
    image = TrainingImage.from_array(np.arange(40 * 50).reshape(40, 50) % 3 % 2, "image")
    patches = OpenPatches.of(image_levels(image, 0.0, ordered=True), image, (40, 50))
    over = tuple((m - n) // 2 for m, n in zip(patches.around.shape, (40, 50), strict=False))
    whole = OpenPatches(patches.around[over[0] : over[0] + 40, over[1] : over[1] + 50], (40, 50))
    found = whole.cut(np.random.default_rng(0), 40, (1,))
    turned = [np.array_equal(one, np.flip(whole.around, 1)) for one in found]
    straight = [np.array_equal(one, whole.around) for one in found]
    assert 8 <= sum(turned) <= 32  # binomial of 40 halves: false alarm below 1e-4
    assert sum(turned) + sum(straight) == 40


@pytest.mark.parametrize("channels", [1, 3])
def test_that_balanced_networks_draw_the_shares_that_are_asked_for(channels):
    content = "two facies" if channels == 1 else "several facies"
    architecture, weights = random_sequential(1, content=content, channels=channels, windows=(1, 1))
    target = np.array([0.8, 0.2]) if channels == 1 else np.array([0.2, 0.5, 0.3])
    cells = np.random.default_rng(0).permutation(np.repeat(np.arange(len(target)), np.rint(1000 * target).astype(int)))
    image = TrainingImage.from_array(cells.reshape(20, 50), "shares")
    after = balance.balanced(architecture, weights, (1.0, 1.0), image)
    found = []

    def decide(drawn, told):
        key = jax.random.fold_in(jax.random.key(7), 10 * drawn.level + drawn.member)
        noise = jax.random.normal(key, (*told.shape[:-1], channels))
        draw = architecture.cell.draw(told, architecture.cell.deviates(noise))
        found.append((drawn.level, (1 + np.asarray(draw.level).mean(axis=(0, 1, 2))) / 2))
        return Draw(*draw)

    simulate(architecture, after, 16, (96, 96), decide)
    first = np.mean([share for level, share in found if level == 0], axis=0)
    np.testing.assert_allclose(first, target[1:] if channels == 1 else target, atol=0.02)


def test_that_shares_of_blocks_are_those_of_the_image():
    architecture, _ = random_sequential(windows=(1, 1, 1), blocks=1)
    facies = np.zeros((9, 16), int)
    facies[3, 5] = facies[8, 0] = 1
    image = TrainingImage.from_array(facies, "spots")
    np.testing.assert_allclose(balance.shares_of_blocks(architecture, image, 3), [142 / 144, 2 / 144])
    # Blocks of 2 × 2 cells on the grids of every second cell and coarser; the last row is in none.
    for level in range(3):
        np.testing.assert_allclose(balance.shares_of_blocks(architecture, image, level), [31 / 32, 1 / 32])
    gap = np.where(np.arange(16) < 4, -9999, facies)
    known = TrainingImage.from_array(gap, "gap", missing=[-9999])
    np.testing.assert_allclose(balance.shares_of_blocks(architecture, known, 0), [23 / 24, 1 / 24])


def test_that_some_cells_of_patches_are_shown_as_wells():
    rng, (low, high) = np.random.default_rng(0), sequential.SHARES
    shown = np.stack([sequential._places_of_wells(rng, (240, 240)) for _ in range(400)])
    shares = shown.mean(axis=(1, 2))
    assert np.mean(shares == 0) == pytest.approx(1 / 3, abs=0.1)  # and a few by chance
    assert low < np.median(shares[shares > 0]) < high
    assert shares.max() < 1.5 * high
    runs = np.mean(shown[:, 1:] & shown[:, :-1], axis=(1, 2))
    across = np.mean(shown[:, :, 1:] & shown[:, :, :-1], axis=(1, 2))
    assert np.mean(runs > 3 * across + 1e-4) == pytest.approx(2 / 9, abs=0.08)


def test_that_the_likelihood_of_cells_near_wells_depends_on_these_and_no_other_does():
    architecture, weights = random_sequential(windows=(1, 1), sees=True)
    rng = np.random.default_rng(0)
    levels = jnp.asarray(rng.choice([-1.0, 1.0], (1, 16, 16, 1)), jnp.float32)
    wells = np.zeros((1, 16, 16, 2), np.float32)
    wells[0, 2, 3] = np.asarray(sequential.facies_of_levels(levels))[0, 2, 3]

    def of(cell, wells):
        weight = jnp.zeros((1, 16, 16, 1)).at[0, *cell, 0].set(1.0)
        return float(sequential.log_likelihood(architecture, weights, levels, weight, Around(wells)))

    none, far = jnp.zeros_like(wells), (15, 15)
    assert of(far, jnp.asarray(wells)) == pytest.approx(of(far, None), abs=1e-5)
    assert of((3, 3), none) == pytest.approx(of((3, 3), None), abs=1e-5)
    assert of((3, 3), jnp.asarray(wells)) != pytest.approx(of((3, 3), None), abs=1e-3)


def test_that_costly_grids_learn_from_fewer_patches():
    architecture, _ = random_sequential(windows=(1, 1, 1), blocks=1)
    costs = [architecture.cost(level) for level in range(3)]
    # The last grid has four networks of 1 to 4 numbers to 6 and 6 to 6, at every fourth cell, by hand:
    last = sum(9 * known * 6 + 6 * 6 + 6 for known in range(1, 5)) / 4
    assert costs[2] == pytest.approx(last)
    assert sequential.counts(architecture, 32) == tuple(min(32, int(np.ceil(2 * costs[2] / cost))) for cost in costs)
    assert sequential.counts(architecture, 1) == (1, 1, 1)


def test_that_temperatures_rise_to_the_roughness_of_the_image():
    architecture, _ = random_sequential(windows=(1, 1))
    untrained = initial_sequential(jax.random.key(0), architecture)
    weights = {name: array - 2.0 if name.endswith("last.bias") else array for name, array in untrained.items()}
    smooth = TrainingImage.from_array(np.kron([[0, 1], [1, 0]], np.ones((20, 20), int)), "smooth")
    rough = TrainingImage.from_array(np.random.default_rng(0).integers(0, 2, (40, 40)), "rough")
    assert roughness.roughness(smooth) == pytest.approx(1 / 39)
    assert roughness.roughness(rough) == pytest.approx(0.5, abs=0.04)  # four standard deviations of 3 120 pairs
    cold, warm = (roughness.as_rough(architecture, weights, (1.0, 0.2), one) for one in (smooth, rough))
    assert (cold[0], warm[0]) == (1.0, 1.0)
    assert cold[1] < warm[1] == 1.0


def test_that_ordered_facies_are_refused(tmp_path):
    facies = np.kron(np.random.default_rng(0).integers(0, 3, (12, 12)), np.ones((8, 8), int))
    np.save(tmp_path / "image.npy", facies)
    recipe = parse_recipe(RECIPE.replace("[image]", "[image]\nordered = true"), tmp_path)
    image = recipe.load_image()
    with pytest.raises(InputError, match=r"ordered = true and family = 'sequential', but the image has 3 facies"):
        sequential.SequentialSimulation(Task(recipe, image, image_levels(image, 0.0, ordered=True)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("widths = [4, 4]", "widths = [4]", r"widths = \[4\], windows = \[1, 1\].*one of each for every grid"),
        ("patch = [32, 32]", "patch = [64, 66]", r"give patches of multiples of 4 × 4 cells"),
        ("temperatures = [1, 0.5]", "temperatures = [1, 1.5]", r"factors above 0, at most 1"),
        ("batch = 2", "batch = 2\nkeep_discriminator = true", r"has no discriminator"),
    ],
)
def test_that_recipes_of_no_use_are_refused(old, new, message, tmp_path):
    with pytest.raises(InputError, match=message):
        parse_recipe(RECIPE.replace(old, new), tmp_path)
