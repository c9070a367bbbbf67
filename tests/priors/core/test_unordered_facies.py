"""Facies without order: the largest number, softly the softmax."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.priors import FaciesModel, UnorderedFaciesModel

MODEL = UnorderedFaciesModel((5, 2, 9))
FIELD = np.random.default_rng(0).normal(0, 2, (7, 8, 3)).astype(np.float32)


def test_that_the_facies_is_that_of_the_largest_number():
    field = np.array([[0.0, -1.0, -2.0], [0.5, 0.75, 0.25], [-3.0, -2.0, -1.0]])
    np.testing.assert_array_equal(MODEL.facies(field), [5, 2, 9])
    assert MODEL.field_shape((7, 8)) == FIELD.shape


def test_that_the_margin_is_what_a_number_exceeds_the_others_by():
    field = np.array([1.0, 0.25, -2.0])
    assert [float(MODEL.margin(field, np.asarray(index))) for index in range(3)] == [0.75, -0.75, -3.0]
    for index in range(3):
        np.testing.assert_array_equal(MODEL.margin(FIELD, np.full((7, 8), index)) > 0, MODEL.index(FIELD) == index)


@pytest.mark.parametrize("slope", [0.0, 0.3, 6.0, 1e6])
def test_that_probabilities_are_the_softmax_and_become_the_facies(slope):
    found = np.exp(MODEL.log_probability(FIELD, slope))
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, atol=2e-6)
    powers = np.exp(slope * (FIELD.astype(float) - FIELD.max(axis=-1, keepdims=True)))
    np.testing.assert_allclose(found, powers / powers.sum(axis=-1, keepdims=True), atol=1e-5)


def test_that_two_facies_are_read_as_by_one_number_that_is_their_difference():
    two, one = UnorderedFaciesModel((0, 1)), FaciesModel((0, 1), (0.0,))
    field, difference = jnp.asarray(FIELD[..., :2]), jnp.asarray(FIELD[..., 1] - FIELD[..., 0])
    np.testing.assert_array_equal(two.index(field), one.index(difference))
    np.testing.assert_allclose(two.log_probability(field, 4.0), one.log_probability(difference, 4.0), atol=1e-5)


def test_that_a_cell_with_a_number_missing_has_no_facies():
    field = FIELD.copy()
    field[2, 3, 1] = np.nan
    assert np.argwhere(MODEL.undefined(field)).tolist() == [[2, 3]]


@pytest.mark.parametrize("codes", [(1,), (1, 2, 1)])
def test_that_a_single_facies_or_one_twice_is_refused(codes):
    with pytest.raises(InputError, match="expected at least two, each with its own code"):
        UnorderedFaciesModel(codes)
