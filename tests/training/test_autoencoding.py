"""Autoencoders: their losses, that training learns, stops and goes on, what the card says, and recipes refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.networks import misfit
from latentinv.training import TrainingImage, assess, card, parse_recipe
from latentinv.training import _autoencoding as autoencoding
from latentinv.training._method import Task
from latentinv.training._reconstruction import Reconstruction, reconstruct
from tests.interrupted import require_equal_after_interrupt
from tests.problems import random_autoencoder_prior

RECIPE = """
[image]
file = "image.npy"

[networks]
family = "autoencoder"
latent_channels = 2

[autoencoder]
widths = [8, 8]
couplings = 2
coupling_width = 8

[training]
steps = 8
batch = 4
patch = [24, 24]
evaluate_every = 4
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("autoencoder")
    np.save(folder / "image.npy", np.kron(np.random.default_rng(0).integers(0, 3, (12, 12)), np.ones((6, 6), int)))
    return parse_recipe(RECIPE, folder)


def test_that_a_training_leaves_an_autoencoder_that_goes_on_bit_for_bit_where_it_stopped(recipe, tmp_path):
    prior, grid = require_equal_after_interrupt(recipe, tmp_path), Grid((10, 11))
    assert prior.family == "autoencoder"
    assert prior.facies_model.categories == (0, 1, 2)
    assert prior.generate(prior.encode(np.ones(grid.shape, int), grid), grid).shape == (10, 11, 3)


def test_that_the_misfit_is_the_likelihood_of_facies_and_is_least_at_their_level():
    numbers = jnp.asarray([[0.7], [-0.2]])
    levels = jnp.asarray([[1.0], [-1.0]])
    chance = 1 / (1 + np.exp(-2 * np.array([0.7, -0.2])))  # tanh(u) is the level of the chance σ(2u)
    np.testing.assert_allclose(misfit(numbers, levels), [-np.log(chance[0]), -np.log(1 - chance[1])], rtol=1e-5)
    slope = jax.grad(lambda one: misfit(one[None], jnp.tanh(jnp.asarray([[0.4]])))[0])(jnp.asarray([0.4]))
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)
    three = misfit(jnp.asarray([[1.0, 2.0, 0.5]]), jnp.asarray([[-1.0, 1.0, -1.0]]))
    np.testing.assert_allclose(three, np.log(np.exp([1.0, 2.0, 0.5]).sum()) - 2.0, rtol=1e-5)


@pytest.mark.parametrize("variational", [True, False])
def test_that_the_divergence_is_that_of_the_codes_from_the_standard_normal(recipe, variational):
    text = RECIPE.replace("widths", f"variational = {str(variational).lower()}\nwidths")
    method = autoencoding.Autoencoding(
        Task(parse_recipe(text, recipe.folder), recipe.load_image(), np.zeros((1, 1, 3), np.float32))
    )
    weights = {name: 0 * one for name, one in method.initial_state().weights.items()}
    weights["encoder_last.bias"] = jnp.asarray([0.5, -0.5, -1.0, -1.0])  # means of two codes, then log-variances
    patches = jnp.ones((2, 24, 24, 3))
    _, losses = method._loss(weights, patches, jax.random.key(0))
    expected = 0.5 * (0.25 + np.exp(-1) - 1 + 1) if variational else 0.5 * 0.25
    assert float(losses.divergence) == pytest.approx(expected, rel=1e-5)
    # A decoder that gives 0 says nothing of three facies: each level of 1 costs log 3.
    assert float(losses.reconstruction) == pytest.approx(3 * np.log(3), rel=1e-5)


def test_that_stripes_are_given_back_after_few_steps(tmp_path):
    text = RECIPE.replace("widths = [8, 8]", "widths = [8, 16]\nlearning_rate = 0.01").replace("couplings = 2", "")
    stripes = np.broadcast_to(np.arange(60) // 6 % 2, (60, 60)).astype(np.uint8)
    image = TrainingImage.from_array(stripes, "stripes")
    method = autoencoding.Autoencoding(Task(parse_recipe(text, tmp_path), image, np.zeros((1, 1, 1), np.float32)))
    state, rng = method.initial_state(), np.random.default_rng(0)
    for _ in range(250):
        corners = rng.integers(0, 36, (4, 2))
        patches = np.stack([stripes[a : a + 24, b : b + 24] for a, b in corners])
        state, losses = method.step(state, jnp.asarray(2.0 * patches - 1)[..., None], 1.0)
    assert float(losses.reconstruction) < 0.2  # log 2 = 0.69 before it has learned
    assert float(losses.codes) == 0.0


def test_that_the_flow_learns_the_distribution_of_codes(recipe):
    method = autoencoding.Autoencoding(Task(recipe, recipe.load_image(), np.zeros((1, 1, 3), np.float32)))
    weights, before = method.initial_state().weights, []
    codes = 2.0 + 0.5 * jax.random.normal(jax.random.key(0), (8, 12, 12, 2))
    value = jax.jit(jax.value_and_grad(lambda some: -method._log_density(some, codes)))
    for _ in range(60):
        loss, slope = value(weights)
        before.append(float(loss))
        weights = jax.tree.map(lambda w, g: w - 0.1 * g, weights, slope)
    # The entropy of two Gaussians of deviation ½, from a flow that begins as N(0, I).
    assert before[0] == pytest.approx(2 * (0.5 * np.log(2 * np.pi) + 0.5 * 4.25), rel=0.05)
    assert before[-1] == pytest.approx(2 * (0.5 * np.log(2 * np.pi * np.e) + np.log(0.5)), abs=0.15)


def test_that_a_step_of_an_autoencoder_takes_over_the_memory_of_its_state(recipe):
    method = autoencoding.Autoencoding(Task(recipe, recipe.load_image(), np.zeros((1, 1, 3), np.float32)))
    state = method.initial_state()
    memory = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state)]
    assert len(set(memory)) == len(memory)
    patches, kind = jnp.ones((4, 24, 24, 3)), lambda tree: jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)
    expected = kind(state)
    found, _ = method.step(state, patches, 1.0)
    assert kind(found) == expected
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state))
    assert not patches.is_deleted()


def test_that_accuracy_counts_cells_that_have_their_facies_again():
    image = TrainingImage.from_array(np.random.default_rng(0).integers(0, 2, (40, 40)), "noise")
    prior = random_autoencoder_prior()
    found = reconstruct(prior, image, (16, 12), count=26)
    assert (found.fields, found.shape, found.latents) == (26, (16, 12), prior.latent_size(Grid((16, 12))))
    assert found.worst < found.accuracy < found.improved <= 1


def test_that_the_card_tells_the_accuracy_and_of_what():
    provenance = {"recipe": "", "steps": 3, "kept": {"step": 2.0}}
    facies = np.random.default_rng(0).integers(0, 2, (40, 40))
    image = TrainingImage.from_array(facies, "noise")
    prior = random_autoencoder_prior()
    prior = type(prior)(prior.architecture, prior.weights, prior.calibration, provenance=provenance)
    found = assess(prior, image, (32, 32), 25)
    text = card("mine", prior, image, found)
    assert isinstance(found.reconstruction, Reconstruction)
    assert "25 patches of 32 × 32 cells of the training image" in text
    assert f"| by the encoder alone, mean | {found.reconstruction.accuracy:.4f} |" in text
    assert "of an image that the training has not seen" in card("mine", prior, image, found._replace(held_out=True))


def test_that_the_image_held_out_is_another_of_the_simulator(recipe, tmp_path):
    text = RECIPE.replace('file = "image.npy"', "simulator = {shape = [40, 50], seed = 3}")
    drawn = parse_recipe(text, tmp_path)
    held_out = drawn.held_out_image()
    assert held_out.facies.shape == (40, 50)
    assert held_out.sha256 != drawn.load_image().sha256
    assert recipe.held_out_image() is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("couplings = 2", "couplings = 3"), "couplings = 3 in [autoencoder]; expected an even number"),
        (("couplings = 2", "couplings = 0\nvariational = false"), "above 0 unless variational = true"),
        (("couplings = 2", "couplings = 6"), "larger patches, of more than 12 places of codes, each of 4 cells"),
        (("widths = [8, 8]", "widths = [8]"), "widths = [8] in [autoencoder]"),
    ],
)
def test_that_a_recipe_that_makes_no_autoencoder_is_refused(change, words, tmp_path):
    with pytest.raises(InputError) as refused:
        parse_recipe(RECIPE.replace(*change), tmp_path)
    assert words in str(refused.value)


def test_that_a_plain_autoencoder_has_a_flow_of_codes_unless_told_otherwise(tmp_path):
    for variational, couplings in ((True, 0), (False, 6)):
        text = RECIPE.replace("couplings = 2", f"variational = {str(variational).lower()}").replace("24, 24", "96, 96")
        assert parse_recipe(text, tmp_path).autoencoder.of_codes == couplings
