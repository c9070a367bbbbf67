"""Studies: an exact sampler passes, one that ignores the data does not, and a study that was stopped goes on."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import BlockMeans, Grid, HardData, InputError, Laplace, Posterior, StorageError, choose_algorithm, sample
from latentinv.calibration import Study, _pools, _study_file, calibrate, posterior_predictive_checks, read_study
from latentinv.calibration._quantities import Quantities
from latentinv.calibration._study import run_study
from latentinv.inference import AbstractAlgorithm, AbstractKernel, Info, Progress
from latentinv.inference.core import evaluate
from latentinv.priors import FaciesModel
from tests.problems import LinearPrior, generator_posterior, linear_gaussian, random_sequential_prior

LEAST = 1e-4
"""p-value that a calibrated sampler falls below so seldom."""


class _State(NamedTuple):
    z: jax.Array
    done: jax.Array


@dataclass(frozen=True)
class _PriorDraws(AbstractAlgorithm):
    """Draws of the prior, whatever the data."""

    draws: int = 40
    infeasible: tuple[str, ...] = ()
    name = "prior_draws"

    def build(self):
        return _PriorKernel(self)


class _PriorKernel(AbstractKernel):
    def __init__(self, settings):
        self.settings = settings

    def samples_target(self, posterior):
        return False

    def init(self, posterior, key):
        return _State(jax.random.normal(key, (self.settings.draws, posterior.latent_size)), jnp.array(False))

    def step(self, posterior, key, state):
        return state._replace(done=jnp.array(True)), Info(non_finite=jnp.zeros(()))

    def finished(self, state):
        return bool(state.done)

    def progress(self, posterior, state, info):
        return Progress(1.0, "")

    def draws(self, posterior, state):
        return evaluate(posterior, np.asarray(state.z[: 0 if self.settings.infeasible else None]))

    def current(self, state):
        return state.z

    def results(self, posterior, state):
        infeasible = self.settings.infeasible
        return {"infeasible_data": list(infeasible)} if infeasible else {}


@dataclass(frozen=True)
class _Importance(_PriorDraws):
    """Draws by importance sampling, for a posterior whose prior honours its wells: near exact."""

    draws: int = 1000
    name = "importance"

    def build(self):
        return _ImportanceKernel(self)


class _ImportanceKernel(_PriorKernel):
    def draws(self, posterior, state):
        weights = jax.nn.softmax(_log_weights(posterior, state.z))
        kept = jax.random.choice(jax.random.key(0), len(state.z), (60,), p=weights)
        return evaluate(posterior, np.asarray(state.z[kept]))


@jax.jit
def _log_weights(posterior, latents):
    return jax.vmap(posterior.log_likelihood)(latents)


def _posterior():
    return linear_gaussian(6, 3)[0]


def test_that_an_exact_sampler_passes_and_one_blind_to_the_data_does_not(monkeypatch):
    monkeypatch.setattr(_pools, "SIMULATIONS", 12000)
    good = calibrate(Study(_posterior(), Laplace(draws=40), replicates=40, draws=15, seed=1))
    assert good.failed == 0
    assert min(good.sbc.p_value, good.tarp.p_value) > LEAST
    assert abs(good.score_excess.mean) < 5 * good.score_excess.standard_error
    assert all(abs(estimate.mean - level) < 6 * estimate.standard_error for level, estimate in good.coverage)
    assert "no miscalibration" in good.verdict()
    assert "so few show only gross errors" in good.verdict()
    assert 0.2 < dict(good.predictive)["blocks"] < 0.8
    blind = calibrate(Study(_posterior(), _PriorDraws(), replicates=40, draws=15, seed=1))
    assert blind.sbc.p_value < LEAST
    assert blind.sbc.names[blind.sbc.worst] == "log-likelihood"
    assert "not calibrated" in blind.verdict()
    assert blind.skill < good.skill


def _honouring():
    prior, grid = random_sequential_prior(sees=True), Grid((8, 8))
    cells = np.array([[1, 2], [3, 6], [6, 2]])
    posterior = Posterior(prior, grid, [HardData(grid, grid.centres(cells), np.zeros(3, int), prior.facies_model)])
    assert posterior.honoured is not None
    return posterior


def test_that_truths_are_fields_of_the_prior_as_it_is_and_draws_of_the_prior_that_honours_wells():
    posterior, drawn = _honouring(), np.arange(40) % 3 > 0
    latents = np.asarray(jax.random.normal(jax.random.key(1), (40, posterior.latent_size)))

    table, images = Quantities(posterior).of(posterior, latents, drawn)

    prior, index = posterior.prior, posterior.prior.facies_model.index
    own = index(jax.jit(jax.vmap(lambda z: prior.generate(z, posterior.grid)))(latents))
    honouring = index(jax.jit(jax.vmap(posterior.field))(latents))
    np.testing.assert_array_equal(images, np.where(drawn[:, None, None], honouring, own))
    np.testing.assert_allclose(table[:, 0], images.mean(axis=(1, 2)), rtol=1e-6)
    assert np.any(own[~drawn] != honouring[~drawn])
    assert {name.split()[0] for name in Quantities(posterior).names} == {"share", "mean", "field"}


@pytest.mark.assure
def test_that_an_exact_sampler_passes_where_the_prior_honours_wells():
    found = calibrate(Study(_honouring(), _Importance(), replicates=60, draws=15, seed=1))

    assert min(found.sbc.p_value, found.tarp.p_value) > LEAST
    assert abs(found.score_excess.mean) < 5 * found.score_excess.standard_error


def test_that_an_algorithm_set_to_too_few_draws_is_refused_at_once():
    study = Study(_posterior(), _PriorDraws(draws=8), replicates=40, draws=15)
    with pytest.raises(InputError, match="set to 8 draws, fewer than the 15"):
        run_study(study)


def test_that_a_study_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    study = Study(generator_posterior(wells=3), _PriorDraws(), replicates=5, draws=7, seed=2)
    whole, names = run_study(study)
    path = tmp_path / "study.h5"

    def stop(done, words):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(study, path, stop)
    heard = []
    again, _ = run_study(study, path, lambda done, words: heard.append(done))
    assert heard == [3, 4, 5]
    for name in set(whole._fields) - {"costs"}:
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    assert whole.pools.shape == (5, 8, len(names))
    with pytest.raises(StorageError, match="another study"):
        run_study(Study(study.posterior, _PriorDraws(), replicates=5, draws=7, seed=3), path)
    before = path.read_bytes()
    monkeypatch.setattr(_study_file, "version", lambda name: "0.0")
    with pytest.raises(StorageError, match=r"were made with latentinv .*, but this is latentinv 0\.0"):
        run_study(study, path)
    assert path.read_bytes() == before


def test_that_a_studys_posterior_keeps_its_own_data():
    posterior = generator_posterior(wells=3)
    before = posterior.observed[0]
    run_study(Study(posterior, _PriorDraws(), replicates=1, draws=7))
    np.testing.assert_array_equal(posterior.observed[0], before)


def test_that_replicates_that_could_not_be_met_count_as_failed():
    posterior, lost = generator_posterior(wells=3), _PriorDraws(infeasible=("out of reach",))
    found, _ = run_study(Study(posterior, lost, replicates=2, draws=7))
    assert not found.met.any()
    with pytest.raises(InputError, match="None of the 2 replicates gave 7 draws"):
        calibrate(Study(posterior, lost, replicates=2, draws=7))


def test_that_wells_in_blocks_do_not_contradict_each_other_once_their_data_are_taken_away():
    grid = Grid((2, 3))
    prior = LinearPrior(np.eye(6), FaciesModel((0, 1), (0.0,)))
    wells = HardData(grid, [[0.5, 0.5], [1.5, 0.5]], [0, 1], prior.facies_model)
    corners = np.array([[0.0, 0.0], [1.0, 0.0]])
    shares = BlockMeans(grid, corners, corners + 1, [1.0, 1.0], 0.01, prior.facies_model, facies=np.array([0, 1]))
    study = Study(Posterior(prior, grid, [wells, shares]), Laplace())
    other = Posterior(prior, grid, [wells.with_data(np.array([1, 1])), shares.with_data(np.array([0.0, 1.0]))])
    assert Study(other, Laplace()).digest() == study.digest()  # data are no part of a study


def test_that_a_study_without_data_or_with_data_that_cannot_be_simulated_is_refused():
    grid = Grid((2, 3))
    prior = LinearPrior(np.eye(6), FaciesModel((0, 1, 2), (-0.5, 0.5)))
    with pytest.raises(InputError, match="no data to simulate"):
        Study(Posterior(prior, grid, []), Laplace())
    wells = HardData(grid, [[0.5, 0.5]], [1], prior.facies_model)
    with pytest.raises(InputError, match="thresholded"):
        Study(Posterior(prior, grid, [wells], target="soft"), Laplace())
    with pytest.raises(InputError, match="replicates"):
        Study(Posterior(prior, grid, [wells]), Laplace(), replicates=0)


def test_that_a_predictive_check_suspects_data_far_from_all_draws_and_data_too_near():
    posterior = _posterior()
    truth = jnp.ones(posterior.latent_size)
    posterior = posterior.with_data(posterior.simulate(jax.random.key(3), truth))
    run = sample(posterior, Laplace(draws=400))
    with pytest.raises(InputError, match="The run has 0 draws and 1 data sets"):
        posterior_predictive_checks(run._replace(latents=run.latents[:0]))
    (fine,) = posterior_predictive_checks(run)
    assert 0.02 < fine.p_value < 0.98
    assert "such as the draws would give" in fine.sentence
    moved = posterior.with_data([posterior.observed[0] + 20.0])
    (far,) = posterior_predictive_checks(run._replace(posterior=moved))
    assert far.p_value == 0.0
    assert "further from the draws" in far.sentence


def test_that_a_study_that_names_no_algorithm_is_tested_with_the_one_that_would_run_it(tmp_path):
    random_sequential_prior(sees=True).save(tmp_path / "prior.h5")
    (tmp_path / "wells.csv").write_text("x,y,facies\n2.5,3.5,1\n6.5,1.5,0\n")
    (tmp_path / "study.toml").write_text(
        '[study]\nprior = "prior.h5"\ngrid = [8, 8]\n\n[[wells]]\nfile = "wells.csv"\n'
    )
    study = read_study(tmp_path / "study.toml")
    assert study.algorithm == choose_algorithm(study.posterior).algorithm
    assert study.algorithm.moves == 0


def test_that_a_study_lies_where_it_says(tmp_path):
    text = """
        [study]
        prior = "meanders"
        grid = [32, 40]
        origin = [500000.0, 6000000.0]

        [[wells]]
        points = [[500039.5, 6000031.5]]
    """
    (tmp_path / "study.toml").write_text(text)
    study = read_study(tmp_path / "study.toml")
    assert study.posterior.grid == Grid((32, 40), 1.0, (500000.0, 6000000.0))
    (tmp_path / "study.toml").write_text(text.replace("[500000.0, 6000000.0]", '"here"'))
    with pytest.raises(InputError, match="origin"):
        read_study(tmp_path / "study.toml")
