"""The benchmark of crosshole radar, at a size of seconds."""

import jax
import numpy as np
import pytest

from benchmarks import crosshole
from latentinv import Grid, MultistartMAP, StorageError, TemperedSMC
from latentinv.priors import FaciesModel
from tests.problems import LinearPrior

pytestmark = pytest.mark.assure

SMALL = Grid((125, 60), 0.1)


def cheap_prior():
    """Facies of rough Gaussian fields, which compile faster than a generator's."""
    matrix = np.random.default_rng(2).standard_normal((SMALL.size, 6)) / np.sqrt(6)
    return LinearPrior(matrix, FaciesModel((0, 1), (0.0,)))


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    return {
        "true_facies": (rng.random(SMALL.shape) < 0.3).astype(np.uint8),
        "noise_ns": rng.standard_normal(576),
        "published_noise_free_ns": np.zeros((24, 24)),
    }


def test_that_the_published_operator_is_reproduced():
    try:
        case = crosshole.crosshole_case()
    except StorageError as error:
        pytest.skip(str(error))
    assert crosshole.operator_error(case) < 0.02


def test_that_the_operator_is_compared_off_the_faces_with_columns_read_first(case):
    sources, receivers = crosshole.antennas()
    assert sources.shape == receivers.shape == (576, 2)
    np.testing.assert_array_equal(sources[:24, 1], np.full(24, 0.5))
    scrambled = case["true_facies"].ravel(order="F").reshape(SMALL.shape)
    slowness = 1 / np.where(scrambled == 1, 0.06, 0.08)
    times = np.asarray(crosshole.ray_lengths(SMALL, sources, receivers) @ slowness.ravel())
    on_faces = sources[:, 1] == receivers[:, 1]
    published = (times + np.where(on_faces, 100.0, 0.25)).reshape(24, 24)
    assert crosshole.operator_error({**case, "published_noise_free_ns": published}) == pytest.approx(0.25)


def test_that_starts_are_judged_by_their_thresholded_fields(case, monkeypatch):
    prior = cheap_prior()
    settings = {"adam_iterations": 4, "lbfgs_iterations": 2, "iterations_per_step": 2}
    monkeypatch.setattr(crosshole, "optimiser", lambda count: MultistartMAP(starts=count, **settings))
    figures = crosshole.starts(prior, case, crosshole.parse(["--truths", "1", "--starts", "3"]))
    assert figures["starts"] == 3
    assert figures["success_share"] == 0.0  # six iterations do not find a field
    assert figures["worst_rmse_ns"] >= figures["median_rmse_ns"] > crosshole.SUCCESS_NS
    assert figures["gradients_per_start"] >= 6


def test_that_the_times_of_the_truth_miss_the_data_by_the_noise(case):
    prior = cheap_prior()
    z = jax.random.normal(jax.random.key(1), (prior.latent_size(SMALL),))
    truth = np.asarray(prior.facies(prior.generate(z, SMALL)))
    posterior = crosshole.inversion(prior, crosshole.observed_times(prior, truth, case["noise_ns"]))
    exact, _ = crosshole.fits(posterior, z[None])
    assert exact[0] == pytest.approx(np.sqrt(np.mean(case["noise_ns"] ** 2)), rel=1e-3)


def test_that_the_shipped_truth_is_measured(case, monkeypatch):
    prior = cheap_prior()
    settings = {"moves": 1, "leapfrogs": 1, "local_moves": 1, "probes": 1, "final_rounds": 1, "max_levels": 1}
    monkeypatch.setattr(crosshole, "sampler", lambda particles: TemperedSMC(particles=particles, **settings))
    figures = crosshole.shipped(prior, case, crosshole.parse(["--particles", "4", "--replicates", "2"]))
    assert {"shipped_rmse_ns", "shipped_pixel_accuracy", "rhat_max", "minutes"} <= figures.keys()
    assert figures["draws"] == 8
    assert 0 < figures["shipped_pixel_accuracy"] < 1


def test_that_an_unknown_part_is_refused():
    with pytest.raises(SystemExit):
        crosshole.parse(["--parts", "operator,everything"])
