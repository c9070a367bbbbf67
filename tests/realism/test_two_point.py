"""Variograms and two-point probabilities against brute force, closed forms, GSTools and PoreSpy."""

import itertools

import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.realism import two_point_probability, variogram
from tests.realism.images import gaussian_fields, random_facies, smooth_facies, standard_errors


def pairs(shape, vector):
    """All pairs of cells a vector apart, one by one."""
    for start in np.ndindex(*shape):
        end = tuple(np.add(start, vector))
        if all(0 <= k < n for k, n in zip(end, shape, strict=True)):
            yield start, end


@pytest.mark.parametrize(
    ("shape", "vectors"),
    [((5, 6), [(0, 0), (0, 1), (3, 0), (2, 5), (-4, 1), (1, -2)]), ((3, 4, 5), [(1, 0, 0), (0, -1, 4), (2, 3, -1)])],
)
def test_that_all_pairs_a_vector_apart_are_counted_once(shape, vectors):
    rng = np.random.default_rng(7)
    fields, facies = rng.standard_normal((2, *shape)), rng.integers(0, 3, (2, *shape))
    of_fields, of_facies = variogram(fields, np.array(vectors)), two_point_probability(facies, 2, np.array(vectors))
    for (n, vector), image in itertools.product(enumerate(vectors), range(2)):
        squares = [0.5 * (fields[image][b] - fields[image][a]) ** 2 for a, b in pairs(shape, vector)]
        both = [facies[image][a] == facies[image][b] == 2 for a, b in pairs(shape, vector)]
        assert of_fields.values()[image, n] == pytest.approx(np.mean(squares))
        assert of_facies.values()[image, n] == pytest.approx(np.mean(both))
        assert of_fields.counts[image, n] == of_facies.counts[image, n] == len(both)


def test_that_an_autoregressive_process_has_its_variogram():
    rng, correlation = np.random.default_rng(8), 0.8
    innovations = rng.standard_normal((64, 32, 80)) * np.sqrt(1 - correlation**2)
    fields = np.empty_like(innovations)
    fields[..., 0] = rng.standard_normal((64, 32))
    for column in range(1, 80):
        fields[..., column] = correlation * fields[..., column - 1] + innovations[..., column]
    lags = np.arange(1, 65)
    # 64 independent images: 6.5 standard errors of Student's distribution with 63 degrees of freedom, 65 checks: 1e-6.
    along = standard_errors(variogram(fields, np.outer(lags, (0, 1))), 1 - correlation**lags)
    across = standard_errors(variogram(fields, np.array([[1, 0]])), 1.0)
    assert max(along.max(), across.max()) < 6.5


def test_that_an_exponential_field_has_its_variogram_in_every_direction():
    size, scale = 128, 4.0
    steps = np.minimum(np.arange(size), size - np.arange(size))
    covariance = np.exp(-np.hypot(*np.meshgrid(steps, steps)) / scale)
    power = np.maximum(np.fft.fft2(covariance).real, 0)
    fields = gaussian_fields(np.random.default_rng(9), 80, power)[:, :60, :60]
    vectors = np.concatenate([np.outer(range(1, 33), v) for v in ((0, 1), (1, 0), (1, 1), (-1, 1))])
    expected = 1 - np.exp(-np.linalg.norm(vectors, axis=1) / scale)
    # 128 checks with 79 degrees of freedom at 6.5 standard errors: 1e-6.
    assert standard_errors(variogram(fields, vectors), expected).max() < 6.5


def test_that_the_variogram_is_that_of_gstools():
    gstools = pytest.importorskip("gstools")
    field = np.random.default_rng(10).standard_normal((20, 33)).cumsum(axis=1)
    for axis, name in enumerate("xy"):  # GSTools calls the first axis of an array x
        lags = np.arange(1, field.shape[axis])
        ours = variogram(field[None], np.outer(lags, np.eye(2, dtype=int)[axis])).pooled()
        np.testing.assert_allclose(ours, gstools.vario_estimate_axis(field, name)[1:], rtol=1e-9)


@pytest.mark.parametrize("shape", [(30, 41), (9, 10, 11)])
def test_that_the_two_point_probability_is_that_of_porespy_once_averaged_over_directions(shape):
    porespy = pytest.importorskip("porespy", exc_type=ImportError)  # one that lacks a system library is skipped too
    facies = smooth_facies(11, (1, *shape), sd=1.5)[0]
    edges = np.arange(0, 9) - 0.5
    theirs = porespy.metrics.two_point_correlation(facies == 1, bins=np.maximum(edges, 0)).probability_scaled
    vectors = np.array(list(itertools.product(range(-8, 9), repeat=len(shape))))
    ours = two_point_probability(facies[None], 1, vectors).pooled()
    rings = np.digitize(np.linalg.norm(vectors, axis=1), edges) - 1
    np.testing.assert_allclose([ours[rings == ring].mean() for ring in range(8)], theirs, rtol=1e-9)


def test_that_the_variogram_of_a_facies_is_that_of_its_indicator():
    facies = random_facies(12, (3, 9, 10), facies=3)
    vectors = np.outer([1, 2, 5], (1, 0))
    changes = [np.mean((facies[:, h:] == 2) != (facies[:, :-h] == 2)) for h in (1, 2, 5)]
    np.testing.assert_allclose(variogram(facies == 2, vectors).pooled(), np.array(changes) / 2)


@pytest.mark.parametrize("measure", [variogram, lambda images, vectors: two_point_probability(images, 1, vectors)])
@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.array([[0, 9]]), "9 cells does not fit the 9 cells along axis 1; give at most 8"),
        (np.array([[-7, 0]]), "7 cells does not fit the 7 cells along axis 0"),
        (np.array([[0.5, 0]]), "whole numbers"),
        (np.arange(1, 4), "\\[lag, axis\\]"),
        (np.zeros((0, 2), int), "\\[lag, axis\\]"),
        (np.outer([1, 2], (0, 0, 1)), "images of 2 axes"),
    ],
)
def test_that_lags_that_do_not_fit_are_refused(measure, vectors, message):
    with pytest.raises(InputError, match=message):
        measure(np.zeros((2, 7, 9), int), vectors)
