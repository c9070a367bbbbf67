"""The facies model: its hard and soft readings of a field agree, and stay numbers at the extremes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.priors import FaciesModel

TWO = FaciesModel((0, 1), (0.0,))
THREE = FaciesModel((5, 2, 9), (-1.0, 0.5))
MODELS = pytest.mark.parametrize("model", [TWO, THREE], ids=["two", "three"])


def test_that_facies_follow_the_thresholds_and_a_value_on_one_belongs_above():
    field = jnp.array([-3.0, -1.0, 0.0, 0.5, 8.0])
    np.testing.assert_array_equal(THREE.index(field), [0, 1, 1, 2, 2])
    np.testing.assert_array_equal(THREE.facies(field), [5, 2, 2, 9, 9])
    np.testing.assert_array_equal(TWO.facies(field), [0, 0, 1, 1, 1])


def test_that_a_double_precision_array_from_numpy_is_read_without_a_warning():
    field = np.array([[-3.0, 0.25]])
    np.testing.assert_array_equal(THREE.facies(field), [[5, 2]])
    assert THREE.log_probability(field, 2.0).shape == (1, 2, 3)
    np.testing.assert_allclose(THREE.margin(field, np.array([[0, 1]])), [[2.0, 0.25]])


def test_that_the_margin_is_the_distance_to_the_nearest_threshold_of_the_facies():
    field = jnp.array([-3.0, -0.75, 0.25, 2.0])
    np.testing.assert_allclose(THREE.margin(field, jnp.array([0, 1, 1, 2])), [2.0, 0.25, 0.25, 1.5])
    np.testing.assert_allclose(THREE.margin(field, jnp.array([1, 0, 2, 1])), [-2.0, -0.25, -0.25, -1.5])


@MODELS
def test_that_the_margin_is_positive_just_where_the_facies_is(model):
    field = jnp.asarray(np.random.default_rng(0).normal(0, 2, 500), jnp.float32)
    for index in range(len(model.categories)):
        np.testing.assert_array_equal(model.margin(field, jnp.full(500, index)) > 0, model.index(field) == index)


@MODELS
@pytest.mark.parametrize("slope", [0.0, 1e-6, 0.3, 6.0, 20.0, 1e6])
def test_that_the_soft_probabilities_sum_to_one(model, slope):
    field = jnp.asarray(np.concatenate([np.linspace(-5, 5, 101), [-1e30, -1e6, 1e6, 1e30]]), jnp.float32)
    total = jnp.exp(model.log_probability(field, slope)).sum(axis=-1)
    np.testing.assert_allclose(total, 1.0, atol=2e-6)


def test_that_two_facies_are_the_logistic_model():
    field = np.linspace(-4, 4, 33)
    np.testing.assert_allclose(np.exp(TWO.log_probability(field, 3.0))[:, 1], 1 / (1 + np.exp(-3.0 * field)), rtol=2e-6)


def test_that_the_middle_facies_is_the_difference_of_two_logistic_curves():
    field = np.linspace(-4, 4, 33)
    expected = 1 / (1 + np.exp(-3.0 * (field + 1.0))) - 1 / (1 + np.exp(-3.0 * (field - 0.5)))
    np.testing.assert_allclose(np.exp(THREE.log_probability(field, 3.0))[:, 1], expected, rtol=1e-5)


@MODELS
def test_that_a_steep_slope_reads_as_the_thresholds_do(model):
    field = jnp.asarray(np.random.default_rng(1).normal(0, 2, 200), jnp.float32)
    hard = jax.nn.one_hot(model.index(field), len(model.categories))
    np.testing.assert_allclose(np.exp(model.log_probability(field, 1e6)), hard, atol=1e-6)


def test_that_at_slope_zero_the_extreme_facies_share_all():
    np.testing.assert_allclose(np.exp(THREE.log_probability(jnp.array(7.0), 0.0)), [0.5, 0.0, 0.5])


@MODELS
@pytest.mark.parametrize("slope", [0.0, 1e-9, 20.0, 1e4])
@pytest.mark.parametrize("value", [-1e30, -1e6, 0.0, 1e6, 1e30])
def test_that_probabilities_and_their_gradients_are_finite_at_extreme_values(model, slope, value):
    def probability(field):
        return jnp.exp(model.log_probability(field, slope))

    value = jnp.float32(value)
    assert np.all(np.isfinite(probability(value)))
    assert np.all(np.isfinite(jax.jacobian(probability)(value)))


def test_that_the_log_probability_of_a_middle_facies_keeps_its_digits_far_away():
    """Far below, log P = slope · (field − lower) + log(1 − exp(slope · (lower − upper)))."""
    log_probability = THREE.log_probability(jnp.float32(-1e4), 20.0)[1]
    np.testing.assert_allclose(log_probability, 20.0 * (-1e4 + 1.0), rtol=1e-6)


@MODELS
def test_that_the_readings_work_under_jit_and_vmap(model):
    fields = jnp.asarray(np.random.default_rng(2).normal(size=(4, 3, 5)), jnp.float32)
    soft = jax.jit(jax.vmap(lambda field: model.log_probability(field, 4.0)))(fields)
    np.testing.assert_allclose(soft, model.log_probability(fields, 4.0), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(jax.jit(jax.vmap(model.facies))(fields), model.facies(fields))


@pytest.mark.parametrize(
    ("categories", "thresholds", "sentence"),
    [
        ((1,), (), "1 facies and 0 thresholds were given; expected at least two"),
        ((0, 1, 2), (0.0,), "3 facies and 1 thresholds were given"),
        ((0, 1, 2), (1.0, 1.0), "do not increase; give them in increasing order"),
        ((0, 1, 0), (0.0, 1.0), "contain one twice; give each facies its own code"),
        ((0, 1), (float("nan"),), "are not all finite"),
    ],
)
def test_that_an_impossible_facies_model_is_refused(categories, thresholds, sentence):
    with pytest.raises(InputError, match=sentence):
        FaciesModel(categories, thresholds)
