"""Flow matching: what is regressed on, that training learns, stops and goes on, and what recipes are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.training import TrainingImage, parse_recipe, train
from latentinv.training import _flow_matching as flow_matching
from latentinv.training._method import Task
from tests.interrupted import require_equal_after_interrupt

RECIPE = """
[image]
file = "image.npy"

[networks]
family = "flow"

[flow]
widths = [8, 8]
middle = 1
steps = 2
border = 4

[training]
steps = 8
batch = 4
patch = [24, 24]
evaluate_every = 4
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    np.save(folder / "image.npy", np.kron(np.random.default_rng(0).integers(0, 3, (12, 12)), np.ones((6, 6), int)))
    return parse_recipe(RECIPE, folder)


@pytest.fixture(scope="module")
def method(recipe):
    return flow_matching.FlowMatching(Task(recipe, recipe.load_image(), np.zeros((72, 72, 3), np.float32)))


def test_that_a_training_leaves_a_flow_that_goes_on_bit_for_bit_where_it_stopped(recipe, tmp_path):
    prior = require_equal_after_interrupt(recipe, tmp_path)
    assert prior.family == "flow"
    assert prior.steps == 2
    assert prior.facies_model.categories == (0, 1, 2)
    grid = Grid((10, 11))
    assert prior.generate(jnp.zeros(prior.latent_size(grid)), grid).shape == (10, 11, 3)


def test_that_a_patch_of_noise_and_image_lies_between_them():
    noise, image = jnp.zeros((3, 4, 4, 1)), jnp.ones((3, 4, 4, 1))
    found = flow_matching._between(noise, image, jnp.array([0.0, 0.25, 1.0]))
    np.testing.assert_allclose(found[:, 0, 0, 0], [0.0, 0.25, 1.0])


def test_that_the_velocity_of_an_image_of_one_value_is_learned(tmp_path):
    """With x₁ = 1 everywhere the velocity is 1 − x₀, and from x_t it is (1 − x_t) / (1 − t) exactly."""
    text = RECIPE.replace("steps = 8", "steps = 400").replace("steps = 2", "steps = 2\nshortcuts = 0.0")
    recipe = parse_recipe(text, tmp_path)
    facies = np.zeros((40, 40), np.uint8)
    facies[0, 0] = 1
    image = TrainingImage.from_array(facies, "flat")
    method = flow_matching.FlowMatching(Task(recipe, image, np.ones((40, 40, 1), np.float32)))
    state, losses = method.initial_state(), []
    for _ in range(400):
        state, loss = method.step(state, jnp.ones((4, 24, 24, 1)), 1.0)
        losses.append(float(loss.velocity))
    assert losses[0] == pytest.approx(2.0, abs=0.2)  # E (1 − x₀)²
    assert np.mean(losses[-40:]) < 0.2 * losses[0]


def test_that_the_first_losses_are_those_of_a_velocity_of_zero(method):
    patches = jnp.asarray(np.random.default_rng(1).choice([-1.0, 1.0], (4, 24, 24, 3)), jnp.float32)
    _, losses = method.step(method.initial_state(), patches, 1.0)
    # A network that gives 0 errs by x₁ − x₀, of mean square 2; of 3 patches of 16 × 16 × 3 values, six standard errors.
    assert float(losses.velocity) == pytest.approx(2.0, abs=6 * np.sqrt(6 / (3 * 256 * 3)))
    assert float(losses.shortcut) == 0.0


def test_that_a_step_leaves_a_state_like_the_one_before_and_takes_over_its_memory(method):
    state = method.initial_state()
    memory = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state)]
    assert len(set(memory)) == len(memory)
    patches, kind = jnp.ones((4, 24, 24, 3)), lambda tree: jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)
    expected = kind(state)
    found, _ = method.step(state, patches, 1.0)
    assert kind(found) == expected
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state))
    assert not patches.is_deleted()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("patch = [24, 24]", "patch = [26, 24]"), "give patches of a multiple of 4 cells, more than 8"),
        (("border = 4", "border = 12"), "more than 24"),
        (("steps = 2", "steps = 3"), "steps = 3 in [flow]; expected a power of two"),
    ],
)
def test_that_a_recipe_that_makes_no_flow_is_refused(change, words, tmp_path):
    with pytest.raises(InputError) as refused:
        parse_recipe(RECIPE.replace(*change), tmp_path)
    assert words in str(refused.value)


def test_that_a_family_that_nothing_trains_is_refused(recipe, tmp_path):
    before, after = RECIPE.split("[flow]")
    without = f"{before.replace('flow', 'oracle')}[training]{after.split('[training]')[1]}"
    unknown = parse_recipe(without, recipe.folder)
    with pytest.raises(InputError, match=r"family = 'oracle' in .networks.; expected one of autoencoder, .*flow, gen"):
        train(unknown, tmp_path / "prior.h5")
    assert not list(tmp_path.iterdir())
