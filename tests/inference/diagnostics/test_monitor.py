"""How chains agree while they run: estimates from sums that do not grow, whatever pieces the draws come in."""

import numpy as np
import pytest

from latentinv import Grid, Posterior, PreconditionedCrankNicolson, resume, sample
from latentinv.inference import effective_sample_size, rhat
from latentinv.inference.diagnostics._monitor import BATCHES, Monitor
from tests.inference.diagnostics.test_convergence import _autoregressive
from tests.problems import LinearPrior, generator_posterior

POSTERIOR = Posterior(LinearPrior(np.eye(1)), Grid((1, 1)), [])


def _watched(draws, piece):
    """A monitor of the mean of one-celled fields, given so many draws at once."""
    monitor = Monitor(POSTERIOR, len(draws))
    fields = draws.T.reshape(-1, 1, 1)
    for begin in range(0, len(fields), piece * len(draws)):
        monitor.add({"field": fields[begin : begin + piece * len(draws)]})
    return monitor


def test_that_estimates_are_near_those_of_the_end():
    # Unlike at the end they are not taken from ranks; batch means of 32 batches a chain scatter by about a tenth.
    draws = _autoregressive(0.6, (4, 4096), seed=2)
    found, size = _watched(draws, 16).estimates()
    assert found[0] == pytest.approx(float(rhat(draws)), abs=0.005)
    assert size[0] == pytest.approx(float(effective_sample_size(draws)), rel=0.4)


def test_that_chains_apart_are_seen():
    draws = np.random.default_rng(0).standard_normal((3, 200)) + np.array([[0.0], [0.0], [4.0]])
    found, size = _watched(draws, 10).estimates()
    assert found[0] > 1.5
    assert size[0] < 20


def test_that_pieces_make_no_difference_and_memory_does_not_grow():
    draws = np.random.default_rng(1).standard_normal((2, 1000))
    one, other = _watched(draws, 1000), _watched(draws, 7)
    np.testing.assert_array_equal(one.estimates(), other.estimates())
    assert len(one._sums) < BATCHES


def test_that_constants_and_too_few_draws_say_nothing():
    assert _watched(np.full((2, 500), 2.0), 10).words() == ""
    assert _watched(np.random.default_rng(0).standard_normal((2, 3)), 3).words() == ""


class _Listener:
    def __init__(self, stop_at=None):
        self.words, self.stop_at = [], stop_at

    def on_step(self, step, progress):
        self.words.append(progress.words)
        if step == self.stop_at:
            raise KeyboardInterrupt


def test_that_chains_say_while_they_run_how_they_agree_resumed_or_not(tmp_path):
    posterior = generator_posterior(target="soft")
    algorithm = PreconditionedCrankNicolson(chains=2, warmup=4, draws=40, thinning=1, draws_per_step=4)
    whole, first, rest = _Listener(), _Listener(stop_at=5), _Listener()
    sample(posterior, algorithm, seed=1, listener=whole)
    assert whole.words[-1].startswith("draw 20/20 of each chain")
    assert ", R-hat " in whole.words[-1]
    assert ", effective sample size " in whole.words[-1]
    assert "R-hat" not in whole.words[0]
    with pytest.raises(KeyboardInterrupt):
        sample(posterior, algorithm, seed=1, output=tmp_path / "run.h5", listener=first)
    resume(tmp_path / "run.h5", listener=rest)
    assert rest.words[-1] == whole.words[-1]
