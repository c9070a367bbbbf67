"""Structure functions as a term of the loss: values, nothing for equal batches, and a derivative that helps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from latentinv import InputError
from latentinv.training import parse_recipe
from latentinv.training._step import initialise, make_step
from latentinv.training.objectives import _structure as structure
from tests.interrupted import require_equal_after_interrupt

RECIPE = """
[image]
file = "porosity.npy"
continuous = true
[networks]
family = "{family}"
width = 0.1
[training]
batch = 2
patch = [32, 48]
structure = {weight}
generator_every = {every}
"""


def _fields(seed=0, sigma=2.0, shape=(3, 32, 48)):
    smooth = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), (0, sigma, 2 * sigma))
    return np.tanh(smooth / smooth.std()).astype(np.float32)


def _first(generated, real):
    return structure.running_structure(
        structure.no_structure(generated.shape[1:]), jnp.asarray(generated), jnp.asarray(real), jnp.int32(0)
    )


def _expected(fields):
    rows = []
    for axis, lags in ((1, (1, 2, 4, 8)), (2, (1, 2, 4, 8))):  # up to a quarter of 32 and of 48 cells
        for lag in lags:
            steps = np.abs(np.roll(fields, -lag, axis) - fields).astype(float)
            steps = np.delete(steps, np.arange(fields.shape[axis] - lag, fields.shape[axis]), axis)
            rows.append([steps.mean(), (steps**2).mean()])
    return np.asarray(rows)


def test_that_values_are_those_of_plain_numpy():
    fields, other = _fields(), _fields(1, 1.0)
    np.testing.assert_allclose(structure.structure_functions(jnp.asarray(fields)), _expected(fields), rtol=1e-5)
    distance = np.mean((np.log(_expected(fields) + 1e-6) - np.log(_expected(other) + 1e-6)) ** 2)
    assert float(structure.structure_distance(_first(fields, other))) == pytest.approx(distance, rel=1e-4)
    assert distance > 0.1


def test_that_lags_end_at_a_quarter_of_the_patch_and_volumes_have_three_axes():
    cube = np.random.default_rng(0).standard_normal((2, 16, 8, 3)).astype(np.float32)
    found = structure.structure_functions(jnp.asarray(cube))
    assert found.shape == (3 + 2 + 0, 2)  # lags 1, 2, 4; 1, 2; and none of 3 cells
    assert float(found[4, 1]) == pytest.approx(np.mean((cube[:, :, 2:] - cube[:, :, :-2]) ** 2), rel=1e-5)


def test_that_equal_batches_cost_nothing_and_constant_ones_have_a_finite_derivative():
    fields = _fields()
    same = _first(fields, fields)
    assert float(structure.structure_distance(same)) == 0
    assert not np.any(structure.structure_gradient(same, jnp.asarray(fields)))
    flat = np.zeros_like(fields)
    found = _first(flat, fields)
    assert np.isfinite(structure.structure_distance(found))
    assert np.all(np.isfinite(structure.structure_gradient(found, jnp.asarray(flat))))


def test_that_the_derivative_is_that_of_the_distance_of_a_first_batch():
    fields, other = _fields(), _fields(1, 1.0)
    gradient = np.asarray(structure.structure_gradient(_first(fields, other), jnp.asarray(fields)))
    direction = fields + _fields(2)  # as smooth as they are, so that few steps change their sign

    def distance(step):
        return float(structure.structure_distance(_first(fields + step * direction, other)))

    slope = (distance(3e-3) - distance(-3e-3)) / 6e-3
    assert abs(slope) > 0.1
    assert np.sum(gradient * direction) == pytest.approx(slope, rel=0.02)


def test_that_the_image_is_averaged_over_all_steps_and_fields_over_the_last():
    state, each = structure.no_structure((32, 48)), [_fields(seed) for seed in range(60)]
    step = jax.jit(structure.running_structure)
    for n, fields in enumerate(each):
        state = step(state, jnp.asarray(fields), jnp.asarray(fields), jnp.int32(n))
        if n == 9:
            np.testing.assert_allclose(state.generated, state.image, rtol=1e-5)
    alone = [np.asarray(structure.structure_functions(jnp.asarray(fields))) for fields in each]
    np.testing.assert_allclose(state.image, np.mean(alone, axis=0), rtol=1e-4)
    last = np.average(alone, axis=0, weights=structure.MEMORY ** np.arange(60)[::-1])
    off, mean = (np.abs(np.asarray(state.generated) - one).max() for one in (last, np.mean(alone, axis=0)))
    assert off < 0.3 * mean


def test_that_fields_moved_along_the_derivative_get_the_structure_of_the_image():
    real = jnp.asarray(_fields(1, 3.0))
    fields = jnp.asarray(_fields(2, 0.7))

    @jax.jit
    def moved(fields):
        found = _first(fields, real)
        return fields - 30 * structure.structure_gradient(found, fields), structure.structure_distance(found)

    before = moved(fields)[1]
    for _ in range(300):
        fields, after = moved(fields)
    assert float(after) < 0.05 * float(before)


def _loss(weight, every, folder, steps=1):
    recipe = parse_recipe(RECIPE.format(family="generator", weight=weight, every=every), folder)
    networks, state = initialise(recipe, 2)
    assert (state.structure is None) == (weight == 0)
    step, real = jax.jit(make_step(recipe, networks, 4)), jnp.asarray(_fields()[:2, ..., None])
    for _ in range(steps):
        state, losses = step(state, real)
    return state, float(losses.generator)


def test_that_a_step_adds_the_weighted_term_and_pushes_the_generator(tmp_path):
    (plain, without), (pushed, once), (_, twice) = (_loss(weight, 1, tmp_path) for weight in (0.0, 1.0, 2.0))
    term = float(structure.structure_distance(pushed.structure))
    assert term > 0.01
    assert once - without == pytest.approx(term, rel=1e-3)
    assert twice - without == pytest.approx(2 * term, rel=1e-3)
    pairs = zip(jax.tree.leaves(plain.generator), jax.tree.leaves(pushed.generator), strict=True)
    assert any(np.abs(one - other).max() > 1e-4 for one, other in pairs)


def test_that_a_training_goes_on_where_it_stopped(tmp_path):
    np.save(tmp_path / "porosity.npy", np.exp(_fields(shape=(1, 120, 100))[0]))
    text = RECIPE.format(family="generator", weight=1.0, every=1)
    recipe = parse_recipe(f"{text}steps = 8\nevaluate_every = 4\n", tmp_path)
    assert require_equal_after_interrupt(recipe, tmp_path).facies_model is None


def test_that_averages_count_updates_of_the_generator_alone(tmp_path):
    state, _ = _loss(1.0, 3, tmp_path, steps=4)  # two updates, at the first and the fourth step
    real = structure.structure_functions(jnp.asarray(_fields()[:2]))
    np.testing.assert_allclose(state.structure.image, real, rtol=1e-5)
    first, _ = _loss(1.0, 3, tmp_path, steps=3)
    assert np.abs(first.structure.generated - state.structure.generated).max() > 0


@pytest.mark.parametrize(
    "change",
    [
        ("continuous = true", ""),
        ('family = "generator"', 'family = "flow"'),
        ('family = "generator"', 'family = "sequential"'),
        ('family = "generator"', 'family = "autoencoder"'),
    ],
)
def test_that_facies_and_families_without_a_discriminator_are_refused(change, tmp_path):
    text = RECIPE.format(family="generator", weight=0.5, every=1).replace("patch = [32, 48]", "patch = [64, 64]")
    parse_recipe(text, tmp_path)
    with pytest.raises(InputError, match=r"structure = 0.5 in \[training\].*leave it out"):
        parse_recipe(text.replace(*change), tmp_path)
