"""Runs read from their files: without their forward models, finished or not, and with every draw as it was accepted."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import (
    CholeskyPrior,
    Covariance,
    Grid,
    IndirectData,
    InputError,
    Posterior,
    PreconditionedCrankNicolson,
    TemperedSMC,
    load_run,
    resume,
    sample,
)
from latentinv.forward import ExternalForward
from latentinv.inference.run import _driver
from tests.problems import generator_posterior, slowly, slowly_all
from tests.simulators.kit import Blind

GRID = Grid((3, 3))
CHAINS = PreconditionedCrankNicolson(chains=2, warmup=4, draws=16, thinning=1, draws_per_step=2)


def _heads(forward, count):
    return IndirectData(GRID, forward, np.linspace(0.5, 1.0, count), 0.5, name="heads", unit="m")


def _function(field):
    return jnp.stack([field.sum(), field[0, 0]])


FORWARDS = {"function": (_function, 2), "simulator": (ExternalForward(Blind(), GRID, 3), 3)}


class _Stop:
    def __init__(self, step):
        self.step = step

    def on_step(self, step, progress):
        if step == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("kind", slowly_all(FORWARDS, set(FORWARDS) - {"simulator"}))
def test_that_a_run_is_read_without_its_forward_model_and_resumed_only_with_it(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(_driver, "CHECKPOINT_SHARE", np.inf)  # a checkpoint after each step
    forward, count = FORWARDS[kind]
    posterior = Posterior(CholeskyPrior(Covariance("exponential", 2.0)), GRID, [_heads(forward, count)])
    with pytest.raises(KeyboardInterrupt):
        sample(posterior, CHAINS, seed=1, output=tmp_path / "run.h5", listener=_Stop(6))
    part = load_run(tmp_path / "run.h5")
    assert not part.finished
    assert 0 < len(part.latents) < 16
    with pytest.raises(InputError, match=r"'heads' is a .*give it again"):
        resume(tmp_path / "run.h5")
    run = resume(tmp_path / "run.h5", forwards={"heads": forward})
    again = load_run(tmp_path / "run.h5")
    assert again.finished
    assert again.results == run.results
    assert again.reports() == run.reports()
    assert "m, stated 0.5 m" in again.reports()[0][0].sentence
    np.testing.assert_array_equal(again.latents, run.latents)
    np.testing.assert_array_equal(again.predicted["heads"], run.predicted["heads"])
    np.testing.assert_array_equal(again.posterior.observations[0].observed, posterior.observations[0].observed)
    assert str(again.diagnose()) == str(run.diagnose())
    with pytest.raises(InputError, match="give it again"):
        again.posterior.predict(jnp.zeros(9))


@pytest.mark.parametrize("algorithm", [TemperedSMC(particles=16, moves=2, leapfrogs=4), slowly(CHAINS)])
def test_that_draws_are_recorded_as_they_were_accepted(algorithm):
    posterior = generator_posterior(wells=3)
    run = sample(posterior, algorithm, seed=2)
    (wells,) = posterior.observations
    shown = run.realizations[(slice(None), *wells.cells.T)]
    np.testing.assert_array_equal(shown == wells.codes, run.predicted["wells"] == 1)
    assert np.all(shown == wells.codes)
    assert np.all(run.log_likelihoods["wells"] == 0)
    assert len(run.latents) == 16


def test_that_the_particles_of_an_unfinished_population_are_shown(tmp_path):
    posterior, algorithm = generator_posterior(wells=3), TemperedSMC(particles=16, moves=2, leapfrogs=4)
    with pytest.raises(KeyboardInterrupt):
        sample(posterior, algorithm, seed=2, output=tmp_path / "run.h5", listener=_Stop(2))
    run = load_run(tmp_path / "run.h5")
    assert not run.finished
    assert run.steps == 1
    assert run.latents.shape == (16, posterior.latent_size)
    assert len(run.reports()) == 16
