"""Fits of differences from a known distribution, beside the maximum likelihood of SciPy; steps at edges by hand."""

import numpy as np
import pytest
import scipy.stats

from latentinv.errors import InputError
from latentinv.realism import edge_step_quantiles, fit_generalised_laplace, neighbour_differences
from tests.realism.images import random_facies, stripes


def fields_with(differences):
    return np.cumsum(differences, axis=-1)


@pytest.mark.parametrize("shape", [0.6, 1.0, 2.0, 4.0])
def test_that_the_distribution_the_differences_were_drawn_from_is_found(shape):
    distribution = scipy.stats.gennorm(shape, scale=0.3)
    differences = distribution.rvs((50, 20, 81), random_state=np.random.default_rng(40))
    measured = neighbour_differences(fields_with(differences), 1)
    fitted = fit_generalised_laplace(measured.pooled())
    resampled = measured.pooled(np.random.default_rng(41).multinomial(50, np.full(50, 0.02), size=400))
    errors = fit_generalised_laplace(resampled)
    # Six standard errors, found by resampling images to 1 part in 20: 1e-7 for two checks.
    assert abs(fitted.shape - shape) < 6 * errors.shape.std()
    assert abs(fitted.scale - 0.3) < 6 * errors.scale.std()


def test_that_moments_and_likelihood_agree_on_the_distribution():
    differences = scipy.stats.gennorm(1.3).rvs((1, 50, 81), random_state=np.random.default_rng(42))
    fields = fields_with(differences)
    fitted = fit_generalised_laplace(neighbour_differences(fields, 1).pooled())
    shape, _, scale = scipy.stats.gennorm.fit(np.diff(fields, axis=2).ravel(), floc=0)
    # Both estimate the same of 4000 differences: their own difference is below either's standard error, 0.04.
    assert fitted.shape == pytest.approx(shape, abs=0.2)
    assert fitted.scale == pytest.approx(scale, abs=0.2)


def test_that_differences_are_taken_along_their_axis_alone():
    field = np.array([[[0.0, 1.0], [0.0, 3.0]]])
    assert neighbour_differences(field, 0).pooled().tolist() == [1.0, 2.0, 0.5]
    assert neighbour_differences(field, 1).pooled().tolist() == [2.0, 5.0, 0.0]


@pytest.mark.parametrize("shape", [(3, 8, 9), (2, 4, 5, 6)])
def test_that_steps_at_edges_go_from_the_lower_facies_to_the_higher(shape):
    facies, field = random_facies(43, shape, facies=3), np.random.default_rng(44).standard_normal(shape)
    steps = []
    for image, values in zip(facies, field, strict=True):
        for place in np.ndindex(*image.shape):
            for other in (tuple(np.add(place, unit)) for unit in np.eye(image.ndim, dtype=int)):
                if all(k < n for k, n in zip(other, image.shape, strict=True)) and image[place] != image[other]:
                    low, high = sorted([place, other], key=lambda cell: image[cell])
                    steps.append(values[high] - values[low])
    probabilities = [0, 0.1, 0.5, 1]
    np.testing.assert_allclose(edge_step_quantiles(field, facies, probabilities), np.quantile(steps, probabilities))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: neighbour_differences(random_facies(45, (1, 5, 5)), 0), "uint8, which are facies"),
        (lambda: neighbour_differences(np.zeros((1, 5, 5)), 2), "axis 2"),
        (lambda: neighbour_differences(np.zeros((1, 5, 1)), 1), "at least two cells"),
        (lambda: edge_step_quantiles(np.zeros((1, 5, 5)), np.zeros((1, 5, 5), int), [0.5]), "without edges"),
        (lambda: edge_step_quantiles(np.zeros((1, 5, 5)), np.zeros((1, 5, 6), int), [0.5]), "one shape"),
    ],
)
def test_that_what_has_no_differences_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (stripes((9, 20), 1, 4).astype(float), "79% of the neighbour differences are zero"),
        (np.tile([0.0, 1.0], (1, 9, 5)), "does not describe the fields"),
    ],
)
def test_that_differences_of_no_such_distribution_are_refused(fields, message):
    with pytest.raises(InputError, match=message):
        fit_generalised_laplace(neighbour_differences(fields, 1).pooled())
