"""Adversarial trainings of more than one kind: steps of the critic alone, penalties, and a generator of one size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError, load_prior
from latentinv.networks import DcganArchitecture
from latentinv.priors import DcganPrior
from latentinv.training import assess, card, parse_recipe, train
from latentinv.training._step import initialise, make_step
from tests.problems import slowly

RECIPE = """
[image.simulator]
shape = [96, 96]
seed = 0
width = 5.0
wavelength = 40.0
[networks]
family = "{family}"
width = {width}
{networks}
[training]
batch = 2
steps = 3
evaluate_every = 3
patch = [{cells}, {cells}]
{training}
"""


def recipe_of(folder, family="generator", networks="", training="", cells=32, width=0.1):
    text = RECIPE.format(family=family, networks=networks, training=training, cells=cells, width=width)
    return parse_recipe(text, folder)


BOUNDED = {"networks": 'normalisation = "none"', "training": 'loss = "wasserstein"\ngradient_penalty_between = 10'}


@pytest.mark.parametrize(
    ("family", "more"),
    [("dcgan", {}), ("generator", BOUNDED), slowly("dcgan", BOUNDED)],
    ids=["dcgan", "wasserstein", "both"],
)
def test_that_a_step_of_any_pair_leaves_a_state_like_the_one_before(family, more, tmp_path):
    recipe = recipe_of(tmp_path, family, **more)
    networks, state = initialise(recipe, 2)
    assert isinstance(networks.architecture, DcganArchitecture) == (family == "dcgan")
    real = jax.ShapeDtypeStruct((2, 32, 32, 1), jnp.float32)
    after, losses = jax.eval_shape(make_step(recipe, networks, 2), state, real)
    for name, before, behind in zip(state._fields, state, after, strict=True):
        expected, found = (jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree) for tree in (before, behind))
        assert found == expected, name
    assert [loss.shape for loss in losses] == [(), ()]


@pytest.mark.assure
def test_that_the_generator_rests_between_its_updates_and_the_critic_does_not(tmp_path):
    real = jnp.ones((2, 32, 32, 1))
    recipe = recipe_of(tmp_path, networks=BOUNDED["networks"], training=BOUNDED["training"] + "\ngenerator_every = 3")
    networks, state = initialise(recipe, 2)
    step, moved = jax.jit(make_step(recipe, networks, 2)), []
    for _ in range(5):
        after, losses = step(state, real)
        assert np.isfinite(losses).all()
        pairs = [(getattr(state, part), getattr(after, part)) for part in ("generator", "average", "discriminator")]
        changed = [any(np.any(a != b) for a, b in zip(*map(jax.tree.leaves, pair), strict=True)) for pair in pairs]
        moved.append(changed)
        state = after
    assert moved == [[True, True, True], *([[False, False, True]] * 2), [True, True, True], [False, False, True]]


@pytest.mark.assure
def test_that_the_penalty_between_is_added_with_its_weight(tmp_path):
    real = jax.random.normal(jax.random.key(0), (2, 32, 32, 1))
    found = []
    for weight in (1.0, 2.0, 4.0):
        training = f'loss = "wasserstein"\ngradient_penalty_between = {weight}'
        recipe = recipe_of(tmp_path, networks=BOUNDED["networks"], training=training)
        networks, state = initialise(recipe, 2)
        found.append(float(jax.jit(make_step(recipe, networks, 2))(state, real)[1].discriminator))
    assert found[2] - found[1] == pytest.approx(2 * (found[1] - found[0]), rel=1e-3)
    assert found[1] > found[0]


@pytest.mark.assure
def test_that_a_dcgan_trains_and_is_compared_on_parts_of_its_fields(tmp_path):
    recipe = recipe_of(tmp_path, "dcgan", cells=48, width=0.05)
    result = train(recipe, tmp_path / "prior.h5")
    prior, image = load_prior(tmp_path / "prior.h5"), recipe.load_image()
    assert isinstance(prior, DcganPrior)
    assert prior.only_shape == (48, 48)
    assert np.isfinite(result.comparison.score)
    facies = prior.facies(prior.generate(jnp.ones(prior.latent_size(Grid((48, 48)))), Grid((48, 48))))
    assert set(np.unique(facies)) <= {0, 1}
    assessment = assess(prior, image, (48, 48), 25)
    assert assessment.shape[0] < 48  # of a small image only smaller parts can be compared
    assert "no latent has a place" in card("dcgan", prior, image, assessment)


@pytest.mark.parametrize(
    ("family", "networks", "training", "sentence"),
    [
        ("generator", 'normalisation = "none"', 'loss = "wasserstein"', "nothing that bounds the slope.*= 10"),
        ("generator", 'architecture = "sgan"', "gradient_penalty_between = 10", "batch statistics.*normalisation"),
        ("dcgan", "", "gradient_penalty_between = 10", "batch statistics in the discriminator"),
        ("dcgan", 'normalisation = "spectral"', "keep_discriminator = true", "'dcgan', whose files hold no"),
        ("dcgan", "latent_channels = 0", "", "latent_channels = 0 in"),
        ("generator", "", "generator_every = 0", "generator_every = 0 in .*a whole number from 1"),
        ("generator", "", "gradient_penalty_between = -1", "gradient_penalty_between = -1.*0 or more"),
    ],
)
def test_that_a_critic_without_bounds_and_a_dcgan_without_a_place_are_refused(
    family, networks, training, sentence, tmp_path
):
    with pytest.raises(InputError, match=sentence):
        recipe_of(tmp_path, family, networks, training)


def test_that_a_spectrally_normalised_critic_needs_no_penalty(tmp_path):
    assert recipe_of(tmp_path, training='loss = "wasserstein"').training.loss == "wasserstein"


def test_that_a_patch_smaller_than_the_window_of_a_dcgan_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"the discriminator of 'dcgan'; give at least 16 cells"):
        recipe_of(tmp_path, "dcgan", cells=12)
