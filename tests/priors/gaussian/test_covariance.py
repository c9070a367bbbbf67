"""Covariance models beside GSTools' and their spectral measures beside the covariances they belong to."""

import gstools
import numpy as np
import pytest
from scipy import stats

from latentinv.errors import InputError
from latentinv.priors import Covariance

MODELS = {
    "exponential": (Covariance("exponential", 30.0), gstools.Exponential(dim=2, len_scale=10.0)),
    "gaussian": (Covariance("gaussian", 30.0), gstools.Gaussian(dim=2, len_scale=30.0 / np.sqrt(3), rescale=1.0)),
    "spherical": (Covariance("spherical", 30.0), gstools.Spherical(dim=2, len_scale=30.0)),
    "matern 0.7": (
        Covariance("matern", 30.0, smoothness=0.7),
        gstools.Matern(dim=2, nu=0.7, len_scale=30.0, rescale=np.sqrt(8)),
    ),
    "matern 2.5": (
        Covariance("matern", 30.0, smoothness=2.5),
        gstools.Matern(dim=2, nu=2.5, len_scale=30.0, rescale=np.sqrt(8)),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_that_correlations_are_those_of_gstools(name):
    ours, theirs = MODELS[name]
    distances = np.concatenate([[0.0], np.geomspace(1e-3, 300, 60)])
    separations = np.stack([np.zeros_like(distances), distances], axis=-1)
    np.testing.assert_allclose(ours.correlation(separations), theirs.correlation(distances), atol=2e-7)


def test_that_the_first_range_runs_along_the_azimuth():
    covariance = Covariance("spherical", (40.0, 10.0), azimuth=60.0, standard_deviation=3.0)
    along = np.array([np.sin(np.pi / 3), np.cos(np.pi / 3)])  # east and north of a bearing of 60°
    across = np.array([-along[1], along[0]])
    np.testing.assert_allclose(covariance(20 * along), 9 * (1 - 0.75 + 0.0625))
    np.testing.assert_allclose(covariance(5 * across), 9 * (1 - 0.75 + 0.0625))
    assert covariance(10.5 * across) == 0.0


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("name", MODELS)
def test_that_wave_vectors_follow_the_spectral_measure(name, ndim):
    """The mean of cos(k·h) over wave vectors is the correlation at h.

    100 000 cosines have a standard error of at most 1/√200 000 = 0.0023; over eight separations and ten cases, 4.9 of
    them are exceeded with probability 1e-4 in all.
    """
    covariance = MODELS[name][0]
    uniforms = np.random.default_rng(5).random((100_000, 3))
    vectors = covariance.wave_vectors(uniforms, ndim)
    directions = np.random.default_rng(6).normal(size=(8, ndim))
    separations = directions / np.linalg.norm(directions, axis=1, keepdims=True) * np.linspace(1, 40, 8)[:, None]
    estimated = np.cos(vectors @ separations.T)
    error = estimated.std(axis=0) / np.sqrt(len(vectors))
    limit = stats.norm.isf(1e-4 / 2 / 80)
    assert np.all(np.abs(estimated.mean(axis=0) - covariance.correlation(separations)) < limit * error)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"model": "cubic", "ranges": 1.0}, "no covariance model 'cubic'; choose one of exponential"),
        ({"model": "gaussian", "ranges": 0.0}, "one positive length in metres"),
        ({"model": "gaussian", "ranges": (1.0, np.nan)}, "one positive length in metres"),
        ({"model": "gaussian", "ranges": 1.0, "standard_deviation": 0.0}, "standard deviation 0.0; give one above 0"),
        ({"model": "gaussian", "ranges": 1.0, "azimuth": np.inf}, "degrees clockwise from north"),
        ({"model": "gaussian", "ranges": 1.0, "smoothness": 1.0}, "Only the matern model has a smoothness"),
        ({"model": "matern", "ranges": 1.0}, "Only the matern model has a smoothness"),
        ({"model": "matern", "ranges": 1.0, "smoothness": -1.0}, "smoothness -1.0; give a number above 0"),
    ],
)
def test_that_a_faulty_covariance_is_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        Covariance(**settings)


def test_that_ranges_must_suit_the_axes():
    with pytest.raises(InputError, match="2 ranges on 3 axes"):
        Covariance("gaussian", (1.0, 2.0)).correlation(np.zeros(3))
