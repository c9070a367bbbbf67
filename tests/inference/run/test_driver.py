"""The driver: a run in pieces equals the run in one, bit for bit, wherever it was killed."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import (
    NUTS,
    Grid,
    InputError,
    MultistartMAP,
    NonFiniteError,
    Posterior,
    StorageError,
    TemperedSMC,
    resume,
    sample,
)
from latentinv.inference import ALGORITHMS, make_algorithm, realize
from latentinv.storage import RunFile
from tests.problems import FEW, generator_posterior, random_generator_prior, slowly_all
from tests.workers import MOST_STEPS, RUN, killed_workers

SMALL = {
    "smc": {"particles": 8, "moves": 2, "leapfrogs": 4, "batch_size": 8},
    "map": {"starts": 3, "adam_iterations": 60, "lbfgs_iterations": 40, "iterations_per_step": 5},
    "completion": {"starts": 3, "adam_iterations": 100, "iterations_per_step": 5},
    "es_mda": {"members": 12, "assimilations": 16, "batch_size": 12},
    "rml": {"samples": 3, "max_iterations": 12, "tolerance": 1e-9, "weighted": True, "iterations_per_step": 2},
    "variational": {"draws": 8, "rank": 2, "iterations": 40, "elbo_samples": 2, "iterations_per_step": 5},
    "stein": {"particles": 4, "iterations": 40, "iterations_per_step": 5},
    "laplace": {"draws": 3, "starts": 2, "max_iterations": 8, "tolerance": 1e-12, "iterations_per_step": 1},
    "pcn": {"chains": 2, "warmup": 6, "draws": 12, "thinning": 2, "draws_per_step": 2},
    "windowed_pcn": {"chains": 2, "warmup": 6, "draws": 12, "thinning": 2, "draws_per_step": 2},
    "elliptical_slice": {"chains": 2, "warmup": 6, "draws": 12, "thinning": 2, "draws_per_step": 2},
    "mala": {"chains": 2, "warmup": 6, "draws": 12, "thinning": 2, "draws_per_step": 2},
    "hmc": {"chains": 2, "warmup": 6, "draws": 12, "thinning": 2, "draws_per_step": 2, "metric": "curvature"},
    "nuts": {"chains": 2, "warmup": 6, "draws": 12, "thinning": 2, "draws_per_step": 2, "metric": "curvature"},
    "parallel_tempering": {"chains": 2, "rungs": 4, "warmup": 34, "draws": 12, "thinning": 2, "draws_per_step": 2},
    "dream": {"chains": 2, "warmup": 6, "draws": 12, "thinning": 2, "draws_per_step": 2, "archive_capacity": 60},
}
MANY_STEPS = {
    "smc": {"moves": 1, "leapfrogs": 2, "final_rounds": 30},
    "map": {"iterations_per_step": 2},
    "completion": {"iterations_per_step": 2},
    "es_mda": {"assimilations": 40},
    "rml": {"max_iterations": 60},
    "laplace": {"max_iterations": 24},
    "stein": {"iterations_per_step": 1},
    "variational": {"iterations_per_step": 1},
    "pcn": {"draws": 40, "draws_per_step": 1},
    "windowed_pcn": {"draws": 40, "draws_per_step": 1},
    "elliptical_slice": {"draws": 40, "draws_per_step": 1},
    "mala": {"draws": 40, "draws_per_step": 1},
    "hmc": {"draws": 40, "draws_per_step": 1},
    "nuts": {"draws": 40, "draws_per_step": 1},
    "parallel_tempering": {"draws": 40, "draws_per_step": 1},
    "dream": {"draws": 40, "draws_per_step": 1},
}


class _Recorder:
    """A listener that keeps what it hears, and may stop the run."""

    def __init__(self, stop_at=None):
        self.heard, self.stop_at = [], stop_at

    def on_step(self, step, progress):
        self.heard.append((step, progress))
        if step == self.stop_at:
            raise KeyboardInterrupt


def _assert_same(run, reference):
    np.testing.assert_array_equal(run.latents, reference.latents)
    np.testing.assert_array_equal(run.realizations, reference.realizations)
    assert run.results == reference.results
    assert run.trace.keys() == reference.trace.keys()
    for name in reference.trace:
        np.testing.assert_array_equal(run.trace[name], reference.trace[name])


def _posterior(name):
    return generator_posterior(target="soft" if name == NUTS.name else "thresholded")


def test_that_every_algorithm_has_settings_for_these_tests():
    assert SMALL.keys() == ALGORITHMS.keys()


@pytest.mark.parametrize("name", slowly_all(quickly=FEW))
def test_that_storing_and_listening_change_no_draw(name, tmp_path):
    algorithm = make_algorithm(name, SMALL[name])
    recorder = _Recorder()
    plain = sample(_posterior(name), algorithm, seed=5)
    stored = sample(_posterior(name), algorithm, seed=5, output=tmp_path / "run.h5", listener=recorder)
    _assert_same(stored, plain)
    assert [step for step, _ in recorder.heard] == list(range(1, stored.steps + 1))
    assert recorder.heard[-1][1].done == pytest.approx(1.0)
    _assert_same(resume(tmp_path / "run.h5"), plain)


@pytest.mark.parametrize("name", slowly_all(quickly=FEW))
def test_that_a_posterior_given_other_data_follows_them_with_the_programs_it_has(name):
    algorithm, posterior = make_algorithm(name, SMALL[name]), _posterior(name)
    sample(posterior, algorithm, seed=5)
    before = posterior.observed
    posterior = posterior.with_data(posterior.simulate(jax.random.key(1), jnp.ones(posterior.latent_size)))
    assert not np.array_equal(posterior.observed[0], before[0])
    fresh = Posterior(posterior.prior, posterior.grid, posterior.observations, target=posterior.target)
    _assert_same(sample(posterior, algorithm, seed=5), sample(fresh, algorithm, seed=5))


@pytest.mark.parametrize("name", slowly_all(quickly=FEW))
def test_that_a_run_interrupted_twice_equals_one_that_was_not(name, tmp_path):
    algorithm = make_algorithm(name, SMALL[name])
    reference = sample(_posterior(name), algorithm, seed=2)
    path = tmp_path / "run.h5"
    with pytest.raises(KeyboardInterrupt):
        sample(_posterior(name), algorithm, seed=2, output=path, listener=_Recorder(stop_at=2))
    with pytest.raises(KeyboardInterrupt):
        resume(path, listener=_Recorder(stop_at=4))
    assert not RunFile.open(path).finished
    _assert_same(resume(path), reference)


KILLS = [(name, 10 if name == "smc" else 4) for name in ALGORITHMS]


@pytest.mark.assure
@pytest.mark.parametrize(("name", "wanted"), KILLS)
def test_that_kills_at_random_moments_change_no_bit(name, wanted, tmp_path):
    algorithm = make_algorithm(name, SMALL[name] | MANY_STEPS[name])
    reference = sample(_posterior(name), algorithm, seed=9)
    assert reference.steps > MOST_STEPS * wanted  # so that no worker can find the run finished
    path = tmp_path / "run.h5"
    with pytest.raises(KeyboardInterrupt):
        sample(_posterior(name), algorithm, seed=9, output=path, listener=_Recorder(stop_at=1))
    kills = []
    for _ in killed_workers(RUN, path, seed=4, count=wanted):
        run = RunFile.open(path)
        assert not run.finished
        kills.append(run.steps)
    assert len(kills) == wanted
    assert kills[0] == 0
    assert kills == sorted(kills)
    assert kills[-1] > 0
    _assert_same(resume(path), reference)


FULL_DISK = """
import resource, signal, sys
from latentinv import StorageError, TemperedSMC, sample
from tests.inference.run.test_driver import SMALL
from tests.problems import generator_posterior

class Filler:
    def on_step(self, step, progress):
        if step == 3:  # from here on, writing any file beyond four kilobytes fails, as on a full disk
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

try:
    sample(generator_posterior(), TemperedSMC(**SMALL["smc"]), seed=6, output=sys.argv[1], listener=Filler())
except StorageError as error:
    print(error)
"""


def test_that_a_disk_that_fills_in_the_middle_loses_nothing_that_was_saved(tmp_path):
    path = tmp_path / "run.h5"
    said = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert str(path) in said
    assert "what was saved before is intact" in said.lower()
    assert [file.name for file in tmp_path.iterdir()] == ["run.h5"]
    reference = sample(generator_posterior(), TemperedSMC(**SMALL["smc"]), seed=6)
    _assert_same(resume(path), reference)


class _Failing:
    """A listener that fails at a step, as the computation itself may."""

    def __init__(self, step, error):
        self.step, self.error = step, error

    def on_step(self, step, progress):
        if step == self.step:
            raise self.error


@pytest.mark.parametrize("error", [MemoryError(), NonFiniteError("half of the proposals became NaN or infinite")])
def test_that_a_run_that_fails_before_its_first_checkpoint_leaves_its_name_free(tmp_path, error):
    (tmp_path / "other.h5").write_bytes(b"precious")
    algorithm = MultistartMAP(**SMALL["map"])
    with pytest.raises(type(error)):
        sample(generator_posterior(), algorithm, output=tmp_path / "run.h5", listener=_Failing(1, error))
    assert [path.name for path in tmp_path.iterdir()] == ["other.h5"]
    with pytest.raises(type(error)):
        sample(generator_posterior(), algorithm, output=tmp_path / "run.h5", listener=_Failing(2, error))
    assert RunFile.open(tmp_path / "run.h5").steps == 1
    with pytest.raises(type(error)):
        resume(tmp_path / "run.h5", listener=_Failing(2, error))
    assert RunFile.open(tmp_path / "run.h5").steps == 1


def test_that_a_disk_that_is_full_at_the_first_checkpoint_leaves_what_its_sentence_asks_to_resume(tmp_path):
    algorithm, full = MultistartMAP(**SMALL["map"]), StorageError("The disk is full; free space and resume.")
    with pytest.raises(StorageError):
        sample(generator_posterior(), algorithm, output=tmp_path / "run.h5", listener=_Failing(1, full))
    assert not RunFile.open(tmp_path / "run.h5").has_state


def test_that_a_failure_removes_no_file_that_another_process_advanced(tmp_path):
    algorithm, path = MultistartMAP(**SMALL["map"]), tmp_path / "run.h5"

    class Rival:
        def on_step(self, step, progress):
            with pytest.raises(KeyboardInterrupt):
                resume(path, listener=_Recorder(stop_at=2))
            raise MemoryError

    with pytest.raises(MemoryError):
        sample(generator_posterior(), algorithm, output=path, listener=Rival())
    assert RunFile.open(path).steps == 1


def test_that_an_unfinished_run_says_how_far_it_is(tmp_path):
    path = tmp_path / "run.h5"
    with pytest.raises(KeyboardInterrupt):
        sample(generator_posterior(), TemperedSMC(**SMALL["smc"]), output=path, listener=_Recorder(stop_at=2))
    assert RunFile.open(path).message.startswith("level 1, acceptance")
    resume(path)
    assert RunFile.open(path).message == ""


def test_that_reports_are_of_the_fields_that_are_stored(tmp_path):
    run = sample(generator_posterior(), TemperedSMC(**SMALL["smc"]), seed=1)
    (wells,) = run.posterior.observations
    honoured = np.sum(run.realizations[(slice(None), *wells.cells.T)] == wells.codes, axis=1)
    assert [report.fulfilled for (report,) in run.reports()] == honoured.tolist()


def test_that_facies_codes_below_zero_are_stored_as_they_are():
    prior, grid = random_generator_prior(categories=(-1, 1)), Grid((12, 12))
    posterior = Posterior(prior, grid, [])
    assert prior.facies_model.code_type == np.int16
    drawn = realize(posterior, np.random.default_rng(0).standard_normal((2, posterior.latent_size)).astype(np.float32))
    assert set(np.unique(drawn)) == {-1, 1}


def test_that_an_existing_output_is_refused_before_any_work(tmp_path):
    path = tmp_path / "run.h5"
    path.write_bytes(b"precious")
    with pytest.raises(StorageError, match="exists already"):
        sample(generator_posterior(), TemperedSMC(), output=path)
    assert path.read_bytes() == b"precious"


def test_that_unknown_algorithms_and_settings_are_refused_by_name():
    with pytest.raises(InputError, match="no algorithm called 'magic'"):
        make_algorithm("magic", {})
    with pytest.raises(InputError, match=r"no setting 'wand'; it has, with defaults, starts \(16\)"):
        make_algorithm(MultistartMAP.name, {"wand": 1})
    with pytest.raises(InputError, match="give its settings"):
        sample(generator_posterior(), TemperedSMC)
    with pytest.raises(InputError, match="waste_free is 'no'; expected true or false"):
        sample(generator_posterior(), TemperedSMC(particles=8, waste_free="no"))


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        (["smc"], {}, "no algorithm called"),
        ("hmc", {"acceptance_target": "high"}, "acceptance_target is high; expected a share"),
        ("hmc", {"sharpness": "much"}, "sharpness is much; expected a number above 0"),
        ("smc", {"waste_free": "no"}, "waste_free is 'no'; expected true or false"),
    ],
)
def test_that_values_of_the_wrong_kind_are_refused_by_name(name, settings, words):
    with pytest.raises(InputError, match=words):
        make_algorithm(name, settings)
