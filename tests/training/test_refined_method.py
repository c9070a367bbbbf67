"""Refined priors in training: what is learned, that training stops and goes on, and what recipes are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError, load_prior
from latentinv.networks import FoldedLayer, initial_refinement
from latentinv.priors.learned import GeneratorPrior
from latentinv.training import ChannelSimulator, checkpoint_path, parse_recipe, resume_training, train
from latentinv.training import _coarse_generator as coarse_generator
from latentinv.training import _refined as refined
from latentinv.training._method import Task
from tests.problems import random_refinement

RECIPE = """
[image]
file = "image.npy"

[networks]
family = "refined"
width = 0.1

[refinement]
factor = 2
border = 4
widths = [4]
windows = [1]

[flow]
widths = [4, 4]
middle = 1
steps = 2
border = 2

[training]
steps = 8
batch = 2
patch = [32, 32]
evaluate_every = 4
"""


class Interrupter:
    """A listener that interrupts the training after a step."""

    def on_step(self, step, losses):
        if step == 6:
            raise KeyboardInterrupt

    def on_comparison(self, step, comparison, kept): ...


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refined")
    np.save(folder / "image.npy", ChannelSimulator().simulate(np.random.default_rng(0), (100, 110)))
    return folder


def interrupted(recipe, folder):
    """Train whole, and with an interrupt; the second prior, which must equal the first."""
    whole = train(recipe, folder / "whole.h5")
    with pytest.raises(KeyboardInterrupt):
        train(recipe, folder / "prior.h5", listener=Interrupter())
    resume_training(checkpoint_path(folder / "prior.h5"))
    prior = load_prior(folder / "prior.h5")
    assert prior.family == "refined"
    assert prior.fingerprint() == whole.prior.fingerprint()
    grid = Grid((10, 11))
    assert prior.generate(jnp.zeros(prior.latent_size(grid)), grid).shape == (10, 11)
    return prior


def means_of(prior):
    """Means of blocks of 200 fields."""
    grid = Grid((10, 11))
    size = sum(one.size for one in prior.latent_maps(grid)[:-1])
    z = jax.random.normal(jax.random.key(0), (200, size))
    return np.asarray(jax.jit(jax.vmap(lambda one: prior.means(one, grid)))(z))


def test_that_a_training_leaves_a_prior_that_goes_on_bit_for_bit_where_it_stopped(folder, tmp_path):
    recipe = parse_recipe(RECIPE.replace("factor = 2", 'factor = 2\ncoarse = "flow"'), folder)
    prior = interrupted(recipe, tmp_path)
    assert prior.coarse.family == "flow"
    quarters = 2 * means_of(prior)  # of blocks of 2 × 2 cells
    np.testing.assert_allclose(quarters, np.round(quarters), atol=1e-6)


@pytest.mark.assure
def test_that_blocks_of_a_generator_have_the_shares_of_the_image(folder, tmp_path):
    recipe = parse_recipe(RECIPE, folder)
    prior = interrupted(recipe, tmp_path)
    assert prior.coarse.family == "generator"
    # Blocks have the image's share of sand on average: four standard errors of 200 fields
    means = means_of(prior).mean(axis=(1, 2, 3))
    target = 2 * recipe.load_image().facies.mean() - 1
    assert abs(means.mean() - target) < 4 * means.std() / np.sqrt(200) + 0.01


@pytest.mark.parametrize("channels", [1, 3])
def test_that_a_balanced_layer_gives_the_shares_that_are_asked_for(channels):
    logits = 3 * jax.random.normal(jax.random.key(1), (50, 8, 8, channels)) + jnp.arange(channels)
    target = np.array([0.8, 0.2]) if channels == 1 else np.array([0.1, 0.6, 0.3])
    last = coarse_generator.balanced(FoldedLayer(jnp.zeros((3, 3, 4, channels)), jnp.zeros(channels)), logits, target)
    shares = (1 + GeneratorPrior.levels(logits + last.bias).mean(axis=(0, 1, 2))) / 2
    np.testing.assert_allclose(shares, target[1:] if channels == 1 else target, atol=1e-3)


def test_that_the_likelihood_leaves_out_a_border():
    architecture, weights = random_refinement(factor=2, windows=(1,))
    levels = jnp.sign(jax.random.normal(jax.random.key(0), (3, 12, 12, 1)))
    means = levels.reshape(3, 6, 2, 6, 2, 1).mean(axis=(2, 4))
    whole = refined.log_likelihood(architecture, weights, means, levels, 2)
    turned = levels.at[:, :, 11].multiply(-1)  # a column that is left out, and too far for the cells that are not
    assert refined.log_likelihood(architecture, weights, means, turned, 8 // 2) == pytest.approx(
        float(refined.log_likelihood(architecture, weights, means, levels, 4)), abs=1e-6
    )
    untrained = initial_refinement(jax.random.key(0), architecture)
    assert refined.log_likelihood(architecture, untrained, means, levels, 2) == pytest.approx(-np.log(2), rel=1e-5)
    assert float(whole) != pytest.approx(-np.log(2), rel=1e-2)


def test_that_ordered_facies_are_refused(tmp_path):
    facies = np.kron(np.random.default_rng(0).integers(0, 3, (12, 12)), np.ones((8, 8), int))
    np.save(tmp_path / "image.npy", facies)
    recipe = parse_recipe(RECIPE.replace("[image]", "[image]\nordered = true"), tmp_path)
    with pytest.raises(InputError, match=r"ordered = true and family = 'refined', but the image has 3 facies"):
        refined.RefinedMethod(Task(recipe, recipe.load_image(), 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("factor = 2", "factor = 6", r"factor = 6.*expected a power of two"),
        ("widths = [4]", "widths = [4, 4]", r"widths = \[4, 4\] and windows = \[1\].*as many widths"),
        ("patch = [32, 32]", "patch = [64, 65]", r"multiple of 2 cells"),
        ("patch = [32, 32]", "patch = [28, 28]", r"give at least 32 cells"),
        (
            "factor = 2",
            'factor = 2\ncoarse = "flow"',
            r"border = 9 in \[flow\]; give patches of a multiple of 8 cells, more than 36",
        ),
        ("batch = 2", "batch = 2\nkeep_discriminator = true", r"sees coarse fields only"),
    ],
)
def test_that_recipes_of_no_use_are_refused(old, new, message, tmp_path):
    with pytest.raises(InputError, match=message):
        parse_recipe(RECIPE.replace("border = 2", "border = 9").replace(old, new), tmp_path)


def test_that_coarse_fields_of_no_known_kind_are_refused(folder):
    recipe = parse_recipe(RECIPE.replace("factor = 2", 'factor = 2\ncoarse = "sketch"'), folder)
    with pytest.raises(InputError, match=r"coarse = 'sketch' in \[refinement\]; expected one of flow, generator"):
        refined.RefinedMethod(Task(recipe, recipe.load_image(), 1))
