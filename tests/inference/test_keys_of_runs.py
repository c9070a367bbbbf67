"""No key is used for two things: every key that a sampler consumes is recorded while algorithms and commands run.

Most programs are not compiled here, which would take longer than to run them.
"""

import sys
from collections import Counter

import jax
import numpy as np
import pytest

from latentinv import Grid, IndirectData, Posterior, sample
from latentinv.forward import LinearForward
from latentinv.inference import make_algorithm
from latentinv.inference.core import kernel_of
from latentinv.keys import from_seed
from tests.problems import LinearPrior, slowly_all

QUICK = ("smc", "hmc", "laplace", "variational", "stein", "es_mda")
TINY = {
    "smc": {"particles": 3, "moves": 1, "leapfrogs": 2, "local_moves": 1, "probes": 1, "final_rounds": 1},
    "map": {"starts": 4, "adam_iterations": 4, "lbfgs_iterations": 0, "exchanges": 1, "iterations_per_step": 2},
    "completion": {"starts": 2, "adam_iterations": 2, "iterations_per_step": 1},
    "es_mda": {"members": 4, "assimilations": 2},
    "rml": {"samples": 2, "max_iterations": 1, "weighted": True},
    "variational": {"guide": "mean_field", "draws": 2, "iterations": 2, "elbo_samples": 2, "iterations_per_step": 1},
    "stein": {"particles": 3, "iterations": 1},
    "laplace": {"draws": 2, "starts": 2, "max_iterations": 2},
    "dream": {
        "chains": 2,
        "warmup": 2,
        "draws": 2,
        "thinning": 1,
        "draws_per_step": 1,
        "archive_capacity": 40,
        "archive_thinning": 1,
    },
    "parallel_tempering": {"chains": 2, "rungs": 2, "warmup": 1, "draws": 2, "thinning": 1, "draws_per_step": 1},
    "nuts": {"chains": 1, "warmup": 1, "draws": 2, "thinning": 1, "draws_per_step": 1, "depth": 2},
    "hmc": {"chains": 2, "warmup": 1, "draws": 2, "thinning": 1, "draws_per_step": 1, "leapfrogs": 2},
}
CHAINS = {"chains": 2, "warmup": 1, "draws": 2, "thinning": 1, "draws_per_step": 1}


SAMPLERS = ("normal", "uniform", "randint", "categorical", "choice", "permutation", "rademacher", "bernoulli", "bits")
OTHERS = ("numpyro.infer.hmc_util",)
"""NumPyro's trees, which draw with their own keys of the one that they are given."""


@pytest.fixture
def consumed(monkeypatch):
    """How often each key was consumed."""
    keys = Counter()

    def record(data):
        keys.update(map(tuple, np.asarray(data).reshape(-1, data.shape[-1]).tolist()))

    def recorded(sampler):
        def sample(key, *arguments, **options):
            if sys._getframe(1).f_globals["__name__"] not in OTHERS:
                jax.debug.callback(record, jax.random.key_data(key))
            return sampler(key, *arguments, **options)

        return sample

    for name in SAMPLERS:
        monkeypatch.setattr(jax.random, name, recorded(getattr(jax.random, name)))
    kernel_of.cache_clear()
    with jax.disable_jit():
        yield keys
    kernel_of.cache_clear()


def _posterior():
    grid = Grid((2, 2))
    data = IndirectData(grid, LinearForward(np.eye(4)[:2], grid), np.array([0.3, -0.2]), 1.0)
    return Posterior(LinearPrior(np.eye(4)), grid, [data])


def _twice(keys):
    return [key for key, times in keys.items() if times > 1]


@pytest.mark.parametrize("name", slowly_all(quickly=QUICK))
def test_that_no_key_of_a_run_is_used_twice_nor_one_that_generate_starts_from(name, consumed):
    prior, grid = _posterior().prior, _posterior().grid
    jax.random.normal(from_seed(3, "generate"), (2, prior.latent_size(grid)))
    jax.effects_barrier()
    generated = set(consumed)
    assert generated
    consumed.clear()
    run = sample(_posterior(), make_algorithm(name, TINY.get(name, CHAINS)), seed=3)
    jax.effects_barrier()
    assert run.finished
    assert consumed
    assert not _twice(consumed)
    assert not generated & set(consumed)


def test_that_a_key_used_twice_is_found(consumed):
    key = jax.random.key(0)
    jax.random.normal(key, (2,))
    jax.random.uniform(jax.random.fold_in(key, 1))
    jax.effects_barrier()
    assert not _twice(consumed)
    jax.vmap(jax.random.normal)(jax.random.split(key))
    jax.effects_barrier()
    assert len(_twice(consumed)) == 1  # a number folded in is a split of that number
