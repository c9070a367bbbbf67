"""Properties: the exact reading by facies, the soft one that tends to it, gradients, refusals in words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from latentinv import ContinuousProperty, FaciesProperty, InputError
from latentinv.data import PROPERTIES
from latentinv.priors import FaciesModel
from tests.problems import LinearPrior

THREE = FaciesModel((0, 5, 2), (-0.5, 0.7))
VALUES = (1e-6, 1e-3, 1e-4)
FIELD = jnp.array([[-2.0, -0.4, 0.0], [0.6, 0.8, 3.0]])


def probabilities(field, slope):
    """Ordered logit by differences of its distribution function, in float64."""
    field = np.asarray(field, float)[..., None]
    above = expit(slope * (field - np.asarray(THREE.thresholds)))
    ends = np.ones((*field.shape[:-1], 1))
    return -np.diff(np.concatenate([ends, above, 0 * ends], axis=-1), axis=-1)


def test_that_each_cell_has_the_value_of_its_facies():
    expected = [[1e-6, 1e-3, 1e-3], [1e-3, 1e-4, 1e-4]]
    for mean in ("arithmetic", "geometric"):
        np.testing.assert_allclose(FaciesProperty(THREE, VALUES, mean=mean).exact(FIELD), expected, rtol=1e-5)


def test_that_the_soft_reading_is_the_mean_that_was_chosen():
    share = probabilities(FIELD, 4.0)
    arithmetic = FaciesProperty(THREE, VALUES, slope=4.0).soft(FIELD)
    geometric = FaciesProperty(THREE, VALUES, mean="geometric", slope=4.0).soft(FIELD)
    np.testing.assert_allclose(arithmetic, share @ np.asarray(VALUES), rtol=1e-4)
    np.testing.assert_allclose(geometric, np.exp(share @ np.log(VALUES)), rtol=1e-4)


def test_that_sharpness_multiplies_the_slope():
    reading, half = (FaciesProperty(THREE, VALUES, slope=slope) for slope in (4.0, 2.0))
    np.testing.assert_allclose(reading.soft(FIELD, 0.5), half.soft(FIELD), rtol=1e-6)
    np.testing.assert_array_equal(ContinuousProperty().soft(FIELD, 0.5), FIELD)


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
@pytest.mark.parametrize("log_gradients", [0.0, (0.5, -1.0, 2.0)])
def test_that_the_soft_reading_tends_to_the_exact_one(mean, log_gradients):
    reading = FaciesProperty(THREE, VALUES, mean=mean, log_gradients=log_gradients, slope=500.0)
    np.testing.assert_allclose(reading.soft(FIELD), reading.exact(FIELD), rtol=1e-4)


def test_that_the_logarithm_is_linear_in_the_field_within_a_facies():
    gradients = np.array([0.5, -1.0, 2.0])
    reading = FaciesProperty(THREE, VALUES, log_gradients=gradients)
    centre = {0: -0.5, 1: 0.1, 2: 0.7}
    for value, index in ((-2.0, 0), (-0.4, 1), (0.6, 1), (3.0, 2)):
        expected = VALUES[index] * np.exp(gradients[index] * (value - centre[index]))
        assert float(reading.exact(jnp.float32(value))) == pytest.approx(expected, rel=1e-5)


def test_that_arithmetic_means_keep_signs_and_zeros():
    reading = FaciesProperty(THREE, (-300.0, 0.0, 200.0), slope=4.0)
    np.testing.assert_allclose(reading.soft(FIELD), probabilities(FIELD, 4.0) @ [-300, 0, 200], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_that_gradients_agree_with_differences_and_stay_finite_far_out(mean):
    reading = FaciesProperty(THREE, (1.0, 30.0, 3.0), mean=mean, log_gradients=(0.5, -1.0, 2.0), slope=4.0)
    slope = jax.grad(reading.soft)
    for value in (-0.6, 0.1, 0.9):
        difference = (reading.soft(jnp.float32(value + 1e-2)) - reading.soft(jnp.float32(value - 1e-2))) / 2e-2
        assert float(slope(value)) == pytest.approx(float(difference), rel=5e-3)
    for value in (-40.0, 40.0):
        assert np.isfinite(float(slope(value)))


def test_that_a_facies_out_of_the_question_does_not_spoil_the_mean():
    # exp(60 · 19.3) of the last facies is beyond float32, but 20 below its threshold it has no share.
    reading = FaciesProperty(THREE, (1.0, 2.0, 3.0), log_gradients=(0.0, -60.0, 0.0), slope=100.0)
    assert float(reading.soft(jnp.float32(-20.0))) == pytest.approx(1.0, rel=1e-5)


def test_that_what_is_not_a_number_has_no_property():
    reading = FaciesProperty(THREE, VALUES)
    assert np.isnan(reading.exact(jnp.array([jnp.nan]))).all()
    assert np.isnan(reading.soft(jnp.array([jnp.nan]))).all()


def test_that_a_continuous_property_is_the_field_or_its_exponential():
    np.testing.assert_array_equal(ContinuousProperty().soft(FIELD), FIELD)
    np.testing.assert_allclose(ContinuousProperty("exp").exact(FIELD), np.exp(FIELD), rtol=1e-6)


@pytest.mark.parametrize(
    "reading",
    [
        FaciesProperty(THREE, VALUES, mean="geometric", log_gradients=(0.5, -1.0, 2.0), slope=7.0),
        ContinuousProperty("exp"),
    ],
)
def test_that_a_property_comes_back_from_its_arrays(reading):
    prior = LinearPrior(np.eye(6), reading.facies_model)
    again = PROPERTIES[reading.kind].from_arrays(reading.to_arrays(), prior)
    np.testing.assert_array_equal(again.soft(FIELD), reading.soft(FIELD))
    np.testing.assert_array_equal(again.exact(FIELD), reading.exact(FIELD))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FaciesProperty(THREE, (1.0, 2.0)), "has 2 values, but there are 3 facies; give one for each"),
        (lambda: FaciesProperty(THREE, VALUES, mean="harmonic"), "'harmonic'; expected 'arithmetic' or 'geometric'"),
        (lambda: FaciesProperty(THREE, VALUES, log_gradients=(1.0, 2.0)), "2 log_gradients for 3 facies"),
        (lambda: FaciesProperty(THREE, (1.0, np.nan, 2.0)), "not all finite"),
        (lambda: FaciesProperty(THREE, (1.0, 0.0, 2.0), mean="geometric"), "value of 0, but its logarithm is taken"),
        (lambda: FaciesProperty(THREE, (1.0, -2.0, 2.0), log_gradients=1.0), "value of -2, but its logarithm"),
        (lambda: FaciesProperty(THREE, VALUES, slope=0.0), "slope 0 of 'the property' is not positive"),
        (lambda: ContinuousProperty("log"), "'log'; expected 'identity' or 'exp'"),
    ],
)
def test_that_a_property_that_cannot_be_used_is_refused_in_words(make, words):
    with pytest.raises(InputError, match=words):
        make()
