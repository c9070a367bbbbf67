"""Training a generator that sees wells: what it is shown, what it pays, that it goes on, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, HardData, InputError
from latentinv.training import assess, card, measure_facies, parse_recipe
from latentinv.training._conditioning import WITHOUT, Conditioning, Known
from latentinv.training._method import Task
from latentinv.training._step import initialise, make_step
from tests.interrupted import require_equal_after_interrupt
from tests.problems import slowly

RECIPE = """
[image.simulator]
shape = [120, 120]
seed = 3

[networks]
family = "conditional"
width = 0.1

[conditioning]
pixels = 0.02
weight = 3.0

[training]
steps = 8
batch = 2
patch = [32, 32]
evaluate_every = 4
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return parse_recipe(RECIPE, tmp_path_factory.mktemp("conditional"))


def _conditioning(recipe):
    image = recipe.load_image()
    return Conditioning.of(Task(recipe, image, np.zeros((*image.facies.shape, 1), np.float32)))


def test_that_a_training_leaves_a_prior_that_sees_wells_and_goes_on_where_it_stopped(recipe, tmp_path):
    prior, grid = require_equal_after_interrupt(recipe, tmp_path), Grid((40, 33))
    assert prior.family == "conditional"
    image = recipe.load_image()
    found = assess(prior, image, (32, 32), 25, held_out=recipe.held_out_image())
    honoured = found.honouring
    assert (honoured.patches, honoured.shape, honoured.cells) == (50, (32, 32), 20)
    text = card("prior", prior, image, found)
    assert "Given 20 cells of 50 patches of 32 × 32 cells of an image that the training has not seen" in text
    assert f"{100 * honoured.honoured:.1f} % of these; without being given them {100 * honoured.chance:.1f} %" in text
    wells = HardData(grid, grid.centres(np.array([[3, 4], [30, 30]])), np.array([0, 1]), prior.facies_model)
    given, z = prior.given(wells=wells), jnp.zeros(prior.latent_size(grid))
    assert np.abs(given.generate(z, grid) - prior.generate(z, grid)).max() > 1e-4


def test_that_known_cells_are_as_many_as_the_recipe_says_and_hold_facies(recipe):
    conditioning = _conditioning(recipe)
    real = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (2000, 16, 16, 1)), jnp.float32)
    known = conditioning.known(jax.random.key(0), real)
    assert known.numbers.shape == (2000, 0)
    levels, mask = np.asarray(known.cells)[..., 0], np.asarray(known.cells)[..., 1]
    np.testing.assert_array_equal(levels, np.where(mask, np.sign(real[..., 0]), 0))
    assert set(np.unique(mask)) == {0.0, 1.0}
    shares = mask.mean(axis=(1, 2))
    # Standard error of the mean share of those that may have any: uniform over 0 to 0.04, and binomial. Five of them.
    error = np.sqrt((0.04**2 / 12 + 0.02 / 256) / (2000 * (1 - WITHOUT)))
    assert abs(shares.mean() / (1 - WITHOUT) - 0.02) < 5 * error
    # None at all: a quarter, and of the others the mean of exp(−256 s) over shares s.
    none = WITHOUT + (1 - WITHOUT) * (1 - np.exp(-256 * 0.04)) / (256 * 0.04)
    assert abs(np.mean(shares == 0) - none) < 5 * np.sqrt(none * (1 - none) / 2000) + 0.01


def test_that_the_penalty_is_the_squared_norm_over_known_cells(recipe):
    conditioning = _conditioning(recipe)
    fields = jnp.asarray([[[0.5], [-0.25]], [[1.0], [0.0]]])[:, None]  # two fields of one row
    known = Known(jnp.asarray([[[1.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [-1.0, 1.0]]])[:, None], jnp.zeros((2, 0)))
    assert float(conditioning.penalty(fields, known)) == pytest.approx(3.0 * (0.25 + 0 + 1.0) / 2)
    slope = jax.grad(lambda x: conditioning.penalty(x, known))(fields)
    assert slope[0, 0, 1, 0] == 0


@pytest.mark.parametrize(
    "more", [slowly("packing = 2\ndiscriminator_scales = 2"), slowly('architecture = "pyramid"'), ""]
)
def test_that_a_step_pays_for_what_is_not_honoured(recipe, more):
    losses, real = {}, jnp.ones((2, 32, 32, 1))
    for weight in (0.0, 1.0, 2.0):
        text = RECIPE.replace("weight = 3.0", f"weight = {weight}").replace("width = 0.1", f"width = 0.1\n{more}")
        one = parse_recipe(text, recipe.folder)
        networks, state = initialise(one, 2)
        after, losses[weight] = jax.jit(make_step(one, networks, 2, None, _conditioning(one)))(state, real)
        assert jax.tree.structure(after) == jax.tree.structure(state)
    first, second = (float(losses[weight].generator - losses[0.0].generator) for weight in (1.0, 2.0))
    assert first > 0
    assert second == pytest.approx(2 * first, rel=1e-3)
    assert float(losses[1.0].discriminator) == pytest.approx(float(losses[0.0].discriminator), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("width = 0.1", "small_windows = true"), "sees facies.*leave these out"),
        (("batch = 2", "batch = 2\nkeep_discriminator = true"), "leave these out"),
        (("pixels = 0.02", "pixels = 0.0"), "pixels"),
        (("weight = 3.0", "weight = -1.0"), "weight"),
        (("patch = [32, 32]", "patch = [8, 8]"), "smaller than the window of the discriminator"),
    ],
)
def test_that_recipes_that_cannot_condition_are_refused(change, words, tmp_path):
    with pytest.raises(InputError, match=words):
        parse_recipe(RECIPE.replace(*change), tmp_path)


def test_that_a_proportion_is_shown_as_the_score_of_its_rank_and_becomes_a_latent(recipe, tmp_path):
    text = RECIPE.replace("weight = 3.0", "weight = 3.0\nproportion = 1")
    one = parse_recipe(text, tmp_path)
    image = one.load_image()
    places = np.random.default_rng(1)
    patches = np.stack([image.facies[i : i + 32, j : j + 32] for i, j in places.integers(0, 88, (500, 2))])
    known = _conditioning(one).known(jax.random.key(0), jnp.asarray(2.0 * patches[..., None] - 1))
    scores, shares = np.asarray(known.numbers)[:, 0], patches.mean(axis=(1, 2))
    assert np.all(np.diff(scores[np.argsort(shares)]) >= 0)
    assert abs(np.median(scores)) < 5 * 1.2533 / np.sqrt(500)  # the median's standard error
    beside = known.beside(jnp.zeros((500, 32, 32, 1)))
    assert beside.shape[-1] == 4
    np.testing.assert_array_equal(beside[:, 5, 7, 3], scores)
    prior, grid = require_equal_after_interrupt(one, tmp_path), Grid((32, 32))
    assert prior.latent_size(grid) == 1 + prior.given(proportion=0.3).latent_size(grid)
    with pytest.raises(InputError, match=r"proportion = 7 in \[conditioning\], but the image the facies 0, 1"):
        _conditioning(parse_recipe(text.replace("proportion = 1", "proportion = 7"), tmp_path))


def test_that_a_proportion_and_a_width_are_shown_together(recipe, tmp_path):
    text = RECIPE.replace("weight = 3.0", "weight = 3.0\nproportion = 1\nwidth = 0")
    one = parse_recipe(text, tmp_path)
    image = one.load_image()
    places = np.random.default_rng(1)
    patches = np.stack([image.facies[i : i + 32, j : j + 32] for i, j in places.integers(0, 88, (300, 2))])
    conditioning = _conditioning(one)
    scores = np.asarray(conditioning.known(jax.random.key(0), jnp.asarray(2.0 * patches[..., None] - 1)).numbers)
    assert scores.shape == (300, 2)
    for column, name, code in ((0, "proportion", 1), (1, "width", 0)):
        values = np.asarray(measure_facies(name, jnp.asarray(patches == code)))
        assert np.all(np.diff(scores[np.argsort(values), column]) >= 0)
    expected = np.corrcoef(scores, rowvar=False)[0, 1]
    # Much sand leaves thin clay; of 300 patches the standard error of a correlation is at most 0.058.
    assert expected < -0.3
    assert conditioning.measures.correlations[0, 1] == pytest.approx(expected, abs=5 * 0.058)
    prior, grid = require_equal_after_interrupt(one, tmp_path), Grid((32, 32))
    assert [*prior.parameters(jnp.zeros(prior.latent_size(grid)), grid)] == [
        "proportion of facies 1",
        "width of facies 0 in cells",
    ]
    assert prior.given(width=12.0, proportion=0.3).latent_size(grid) == prior.latent_size(grid) - 2


def test_that_what_no_patch_differs_in_is_refused(tmp_path):
    np.save(tmp_path / "columns.npy", np.tile(np.arange(120) % 2 + 4, (120, 1)))
    text = RECIPE.replace("weight = 3.0", "weight = 3.0\nwidth = 1")
    text = text.replace("[image.simulator]\nshape = [120, 120]\nseed = 3", '[image]\nfile = "columns.npy"')
    with pytest.raises(InputError, match=r"width = 1 in \[conditioning\], but the image the facies 4, 5"):
        _conditioning(parse_recipe(text, tmp_path))
    np.save(tmp_path / "columns.npy", np.tile(np.arange(120) % 2, (120, 1)))
    with pytest.raises(InputError, match="every patch of the image has the same, 1"):
        _conditioning(parse_recipe(text, tmp_path))
