"""What each algorithm of the registry promises, held against posteriors that are known exactly.

An algorithm that is not in the table fails the first test. Replicates are independent: Markov chains that started
apart, runs of a population with seeds of their own, or groups of independent draws. Their means are compared with exact
values by the bounds of `tests.bounds`, for as many effective draws as each algorithm's entry states.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from latentinv import MALA, BlockMeans, Grid, Posterior, sample
from latentinv.inference import ALGORITHMS, make_algorithm
from latentinv.pytrees import pytree
from tests.bounds import assert_mean_is
from tests.problems import LinearPrior, generator_posterior, linear_gaussian, slowly_all

REPLICATES = 24
CHAINS = {"chains": REPLICATES, "draws_per_step": 100}


class Promise(NamedTuple):
    """What an algorithm says of its draws, and settings with which it is held to it."""

    settings: dict
    samples_target: bool = False
    """Draws follow the target, whatever it is."""
    linear_gaussian: bool = False
    """Draws are exact where the posterior is Gaussian."""
    prior_without_data: bool = True
    """Draws are those of the prior where there are no data."""
    two_modes: dict | None = None
    """Settings with which both modes get their share; None if that is not promised."""
    independent: bool = False
    """Draws of one run are independent."""
    effective: int = 0
    """Independent draws that the draws of a replicate are as good as."""


PROMISES = {
    "smc": Promise(
        {"particles": 256, "moves": 3, "leapfrogs": 8, "batch_size": 256},
        samples_target=True,
        linear_gaussian=True,
        two_modes={"particles": 256, "moves": 3, "leapfrogs": 8, "batch_size": 256},
        effective=150,
    ),
    "pcn": Promise(
        CHAINS | {"warmup": 1000, "draws": 24 * 400, "thinning": 40},
        samples_target=True,
        linear_gaussian=True,
        effective=75,
    ),
    "windowed_pcn": Promise(
        CHAINS | {"warmup": 1000, "draws": 24 * 400, "thinning": 40},
        samples_target=True,
        linear_gaussian=True,
        effective=75,
    ),
    "mala": Promise(
        CHAINS | {"warmup": 500, "draws": 24 * 400, "thinning": 10},
        samples_target=True,
        linear_gaussian=True,
        effective=90,
    ),
    "elliptical_slice": Promise(
        CHAINS | {"warmup": 500, "draws": 24 * 400, "thinning": 15},
        samples_target=True,
        linear_gaussian=True,
        effective=75,
    ),
    "hmc": Promise(
        CHAINS | {"warmup": 300, "draws": 24 * 200, "thinning": 2},
        samples_target=True,
        linear_gaussian=True,
        effective=25,
    ),
    "nuts": Promise(
        CHAINS | {"warmup": 300, "draws": 24 * 200, "thinning": 2},
        samples_target=True,
        linear_gaussian=True,
        effective=40,
    ),
    "parallel_tempering": Promise(
        CHAINS | {"rungs": 5, "warmup": 200, "draws": 24 * 100, "thinning": 5, "local_moves": 1},
        samples_target=True,
        linear_gaussian=True,
        two_modes=CHAINS | {"rungs": 5, "warmup": 200, "draws": 24 * 100, "thinning": 5, "local_moves": 1},
        effective=50,
    ),
    "dream": Promise(
        CHAINS | {"warmup": 1000, "draws": 24 * 400, "thinning": 20, "archive_capacity": 4000},
        samples_target=True,
        linear_gaussian=True,
        effective=90,
    ),
    # randomise-then-optimise is exact for linear forwards, were the optima found exactly
    "rml": Promise(
        {"samples": 480, "max_iterations": 80, "tolerance": 1e-7, "batch_size": 480},
        linear_gaussian=True,
        independent=True,
        effective=20,
    ),
    "laplace": Promise({"draws": 4800}, linear_gaussian=True, independent=True, effective=200),
    # exact for a linear forward as the ensemble grows; `test_es_mda` says how fast
    "es_mda": Promise({"members": 2400, "batch_size": 2400}, independent=True, effective=100),
    # near in divergence, not in moments
    "variational": Promise({"draws": 64}, prior_without_data=False),
    "stein": Promise({"particles": 32}, prior_without_data=False),
    # best fits, no draws
    "map": Promise({"starts": 8}, prior_without_data=False),
    "completion": Promise({"starts": 8}, prior_without_data=False),
}


LONGER = {"parallel_tempering": {"thinning": 12}, "dream": {"thinning": 50}}
"""What many latents need besides."""
EFFECTIVE_OF_MANY = {
    "pcn": 60,
    "windowed_pcn": 25,
    "mala": 50,
    "elliptical_slice": 25,
    "dream": 50,
    "parallel_tempering": 10,
}
"""`Promise.effective` where there are forty latents and more, for the algorithms whose draws are then worth less."""
HUNDREDS = {"dream": ({"thinning": 100, "warmup": 4000}, 20)}
"""What five hundred latents need besides, and what draws are then worth: steps of DREAM grow with their number."""


def _promising(what):
    return [name for name, promise in PROMISES.items() if getattr(promise, what)]


def _moments(posterior, name, settings, statistics):
    """The statistics' mean over each replicate, ``[replicate, number]``."""
    algorithm = make_algorithm(name, settings)
    if PROMISES[name].independent:
        latents = sample(posterior, algorithm, seed=1).latents
        groups = latents.reshape(REPLICATES, -1, latents.shape[1])
    elif "chains" in settings:
        run = sample(posterior, algorithm, seed=1)
        groups = run.by_chain(run.latents)
    else:
        groups = [sample(posterior, algorithm, seed=seed).latents for seed in range(REPLICATES)]
    return np.array([np.mean(statistics(np.asarray(z, float)), axis=0) for z in groups])


def _assert_means(values, exact, sd, effective):
    """`sd` is that of one draw."""
    assert len(values) == REPLICATES
    assert_mean_is(values, exact, np.asarray(sd) / np.sqrt(effective))


def _assert_linear_gaussian(name, latents, data, more=None, effective=None):
    posterior, mean, covariance, _ = linear_gaussian(latents, data)
    settings = PROMISES[name].settings | (more or {})
    values = _moments(posterior, name, settings, lambda z: np.concatenate([z - mean, (z - mean) ** 2], axis=1))
    variance = np.diag(covariance)
    sd = np.concatenate([np.sqrt(variance), np.sqrt(2) * variance])
    effective = effective or (EFFECTIVE_OF_MANY.get(name) if latents > 2 else None)
    _assert_means(values, np.concatenate([np.zeros(latents), variance]), sd, effective or PROMISES[name].effective)


@pytest.mark.assure
@pytest.mark.parametrize("name", ["hmc", "nuts"])
def test_that_a_posterior_is_reproduced_in_the_metric_of_its_curvature(name):
    _assert_linear_gaussian(name, 40, 60, {"metric": "curvature", "draws": 24 * 100})


def test_that_every_algorithm_says_what_it_promises():
    assert PROMISES.keys() == ALGORITHMS.keys()
    posterior = generator_posterior(wells=2, target="soft")
    for name, promise in PROMISES.items():
        assert make_algorithm(name, promise.settings).build().samples_target(posterior) == promise.samples_target
        assert promise.linear_gaussian or not promise.samples_target


@pytest.mark.parametrize("name", _promising("linear_gaussian"))
def test_that_a_posterior_of_two_latents_is_reproduced(name):
    _assert_linear_gaussian(name, 2, 1)


@pytest.mark.assure
@pytest.mark.parametrize("name", _promising("linear_gaussian"))
def test_that_a_posterior_of_fifty_latents_is_reproduced(name):
    _assert_linear_gaussian(name, 50, 12, LONGER.get(name))


@pytest.mark.assure
@pytest.mark.parametrize("name", _promising("linear_gaussian"))
def test_that_a_posterior_of_five_hundred_latents_is_reproduced(name):
    more, effective = HUNDREDS.get(name, (LONGER.get(name), None))
    _assert_linear_gaussian(name, 500, 12, more, effective)


@pytest.mark.parametrize("name", slowly_all(_promising("prior_without_data"), ("pcn",)))
def test_that_without_data_the_draws_are_those_of_the_prior(name):
    posterior = Posterior(LinearPrior(np.eye(9)), Grid((3, 3)), [])
    values = _moments(posterior, name, PROMISES[name].settings, lambda z: np.concatenate([z, z**2], axis=1))
    _assert_means(values, np.repeat([0.0, 1.0], 9), np.repeat([1.0, np.sqrt(2)], 9), PROMISES[name].effective)


@pytree("matrix")
class _Exponential(LinearPrior):
    """exp z: a datum tells much of large latents and little of small ones."""

    def generate(self, z, grid):
        return jnp.exp(super().generate(z, grid))


@pytest.mark.parametrize("name", slowly_all(_promising("samples_target"), ("pcn",)))
def test_that_a_skewed_posterior_is_reproduced(name):
    _assert_skewed(name)


@pytest.mark.assure
@pytest.mark.parametrize("name", ["hmc", "nuts"])
def test_that_a_skewed_posterior_is_reproduced_in_the_metric_of_its_curvature(name):
    _assert_skewed(name, {"metric": "curvature"})


def _assert_skewed(name, more=None):
    grid = Grid((1, 1))
    blocks = BlockMeans(grid, np.zeros((1, 2)), np.ones((1, 2)), np.array([2.0]), 0.8, None)
    posterior = Posterior(_Exponential(np.eye(1)), grid, [blocks])
    z = np.linspace(-8, 8, 400_001)
    below = np.cumsum(norm.pdf(z) * norm.pdf(np.exp(z), 2.0, 0.8))
    shares = np.array([0.1, 0.5, 0.9])
    low, middle, high = quantiles = z[np.searchsorted(below / below[-1], shares)]
    assert middle - low > 1.3 * (high - middle)
    settings = PROMISES[name].settings
    if "chains" in settings:
        # A Langevin chain that starts where the exponential is steep stays there.
        elsewhere = {"start": "optimised"} if name == MALA.name else {}
        settings = settings | {"draws": 24 * 100, "warmup": 300} | elsewhere | (more or {})
    values = _moments(posterior, name, settings, lambda z: (z < quantiles).astype(float))
    _assert_means(values, shares, np.sqrt(shares * (1 - shares)), PROMISES[name].effective)


@pytree("matrix")
class _Folded(LinearPrior):
    """|z − 0.3|: each datum of it can be met in two ways."""

    def generate(self, z, grid):
        return jnp.abs(super().generate(z, grid) - 0.3)


@pytest.mark.parametrize("name", _promising("two_modes"))
def test_that_two_modes_get_their_shares(name):
    grid = Grid((1, 1))
    blocks = BlockMeans(grid, np.zeros((1, 2)), np.ones((1, 2)), np.array([1.2]), 0.1, None)
    posterior = Posterior(_Folded(np.eye(1)), grid, [blocks])
    z = np.linspace(-6, 6, 200_001)
    density = norm.pdf(z) * norm.pdf(np.abs(z - 0.3), 1.2, 0.1)
    share = density[z > 0.3].sum() / density.sum()
    values = _moments(posterior, name, PROMISES[name].two_modes, lambda z: (z > 0.3).astype(float))
    _assert_means(values, share, np.sqrt(share * (1 - share)), PROMISES[name].effective)
