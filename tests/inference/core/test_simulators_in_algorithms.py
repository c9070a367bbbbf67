"""Simulators outside JAX in the algorithms: the same draws as inside, kills and faults that change no bit."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import t as student_t

from latentinv import (
    ESMDA,
    MALA,
    CholeskyPrior,
    Covariance,
    EllipticalSlice,
    FaciesProperty,
    Grid,
    HardData,
    IndirectData,
    InputError,
    NonFiniteError,
    Posterior,
    PreconditionedCrankNicolson,
    TemperedSMC,
    resume,
    sample,
)
from latentinv.forward import ExternalForward
from latentinv.inference.chains import _side_by_side
from latentinv.inference.core import kernel_of
from latentinv.priors import FaciesModel
from latentinv.simulators import KINDS, Processes
from tests.problems import LinearPrior
from tests.simulators.kit import FAULTS, WEIGHTS, Blind, Faulty, Sums

GRID = Grid((3, 3))
MATRIX = np.random.default_rng(3).standard_normal((9, 9)) / 3
OBSERVED = WEIGHTS @ np.random.default_rng(4).standard_normal(9) ** 2
PRIOR = CholeskyPrior(Covariance("exponential", 2.0))
CHAINS = {"chains": 3, "warmup": 30, "draws": 60, "thinning": 2, "draws_per_step": 5}
SLOW = pytest.mark.assure  # for the programs to compile
ALGORITHMS = {
    "pcn": PreconditionedCrankNicolson(**CHAINS),
    "es_mda": ESMDA(members=40, assimilations=3),
    "smc": TemperedSMC(particles=24, moves=2, local_moves=2, final_rounds=2),
}


def posterior(forward, *others, prior=None):
    heads = IndirectData(GRID, forward, OBSERVED, 0.3, name="heads", unit="m")
    return Posterior(prior or PRIOR, GRID, [heads, *others])


def external(simulator, **settings):
    return ExternalForward(simulator, GRID, 3, **settings)


def inside(property):
    return jnp.asarray(WEIGHTS, jnp.float32) @ property.ravel() ** 2


def one_candidate(monkeypatch):
    """Start all chains at the first draw, as chains at a simulator do."""
    monkeypatch.setattr(_side_by_side, "CANDIDATES", 1)
    kernel_of.cache_clear()


def assert_same(run, reference):
    np.testing.assert_array_equal(run.latents, reference.latents)
    np.testing.assert_array_equal(run.realizations, reference.realizations)
    assert run.results == reference.results
    assert run.trace.keys() == reference.trace.keys()
    for name in reference.trace:
        np.testing.assert_array_equal(run.trace[name], reference.trace[name])


class _Stopping:
    """A listener that ends the run at a step."""

    def __init__(self, step):
        self.step = step

    def on_step(self, step, progress):
        if step == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", [pytest.param("pcn", marks=SLOW), "es_mda"])
def test_that_a_simulator_gives_the_draws_of_the_same_function_in_jax(name, monkeypatch):
    one_candidate(monkeypatch)
    run = sample(posterior(external(Blind())), ALGORITHMS[name], seed=1)
    reference = sample(posterior(inside), ALGORITHMS[name], seed=1)
    # Rounding alone differs, and would have to fall on a decision's edge to change more than the last digits.
    np.testing.assert_allclose(run.latents, reference.latents, atol=2e-3)
    counts = run.results["forward_failures"]["heads"]
    assert (counts["simulations"], counts["failed"]) == (run.results["forward_runs"] + starts(name), 0)


def starts(name):
    """Simulations at the start of chains, which these do not count."""
    return CHAINS["chains"] if name == "pcn" else 0


@SLOW
def test_that_particles_that_walk_follow_the_posterior_of_a_nonlinear_simulator():
    """One latent, its posterior by quadrature: Student's bound over seeds, false alarm 1e-4 for both numbers."""
    matrix = MATRIX[:, :1]
    scene = posterior(external(Blind()), prior=LinearPrior(matrix))
    z = np.linspace(-6, 6, 20_001)
    misfit = (WEIGHTS @ (matrix * z) ** 2 - OBSERVED[:, None]) / 0.3
    density = np.exp(-0.5 * (z**2 + np.sum(misfit**2, axis=0)))
    exact = [np.sum(z**2 * density) / density.sum(), np.sum(np.cos(z) * density) / density.sum()]
    runs = [sample(scene, TemperedSMC(particles=64, moves=4, local_moves=4, final_rounds=3), seed=s) for s in range(12)]
    values = np.array([[np.mean(run.latents**2), np.mean(np.cos(run.latents))] for run in runs])
    error = values.std(axis=0, ddof=1) / np.sqrt(len(runs))
    assert np.all(np.abs(values.mean(axis=0) - exact) < student_t.isf(1e-4 / 4, len(runs) - 1) * error)
    prior = [1.0, np.exp(-0.5)]
    assert np.all(error < 0.1 * np.abs(np.subtract(exact, prior)))


@pytest.mark.parametrize("name", [pytest.param("pcn", marks=SLOW), "es_mda", pytest.param("smc", marks=SLOW)])
def test_that_a_run_interrupted_amid_simulations_goes_on_without_a_bit_changed(name, tmp_path):
    reference = sample(posterior(external(Blind(0.05))), ALGORITHMS[name], seed=2)

    class Dying(Blind):
        calls = 0

        def simulate(self, property):
            self.calls += 1
            if self.calls == stop_at:
                raise KeyboardInterrupt
            return super().simulate(property)

    path, cache = tmp_path / "run.h5", tmp_path / "cache"
    stop_at = reference.results["forward_failures"]["heads"]["simulations"] // 3
    with pytest.raises(KeyboardInterrupt):
        sample(posterior(external(Dying(0.05), cache=cache)), ALGORITHMS[name], seed=2, output=path)
    kept = len(list(cache.glob("*/*.npz")))
    assert kept == stop_at - 1
    with pytest.raises(InputError, match="is a simulator, which a run file cannot hold"):
        resume(path)
    stop_at, simulator = None, Dying(0.05)
    again = resume(path, forwards={"heads": external(simulator, cache=cache)})
    assert_same(again, reference)
    assert kept + simulator.calls <= reference.results["forward_failures"]["heads"]["simulations"] + len(again.latents)


@pytest.mark.assure
@pytest.mark.parametrize("name", [pytest.param("pcn", marks=SLOW), "smc"])
def test_that_a_faulty_simulator_gives_the_posterior_of_a_healthy_one_where_it_works(name):
    share = 0.05
    pool = Processes(1, timeout=3.0)
    faulty = sample(posterior(external(Faulty(share), executor=pool)), ALGORITHMS[name], seed=3)
    pool.close()
    healthy = sample(posterior(external(Blind(share))), ALGORITHMS[name], seed=3)
    np.testing.assert_array_equal(faulty.latents, healthy.latents)
    np.testing.assert_array_equal(faulty.realizations, healthy.realizations)
    counts, expected = (run.results["forward_failures"]["heads"] for run in (faulty, healthy))
    assert counts["simulations"] == expected["simulations"]
    assert counts["failed"] == expected["failed"] == expected["not finite"]
    assert counts["failed"] == sum(counts.get(kind, 0) for kind in KINDS)
    assert all(counts.get(kind, 0) > 0 for kind in KINDS), counts
    assert len(KINDS) == len(FAULTS)
    said = [sentence for sentence in faulty.results["warnings"] if "simulations of 'heads' failed" in sentence]
    assert len(said) == 1
    assert f"{counts['crashed']} crashed" in said[0]


def test_that_an_approximation_keeps_no_draw_that_could_not_be_simulated():
    run = sample(posterior(external(Blind(0.2))), ESMDA(members=60, assimilations=1), seed=4)
    assert 30 < len(run.latents) < 60
    assert np.isfinite(run.predicted["heads"]).all()
    (said,) = [one for one in run.results["warnings"] if one.endswith("draws could not be simulated and were dropped.")]
    dropped, members = int(said.split()[0]), int(said.split()[2])
    assert members - dropped == len(run.latents)
    assert 0 < dropped < 20


@pytest.mark.parametrize("name", [pytest.param("pcn", marks=SLOW), "es_mda", "smc"])
def test_that_a_simulator_that_fails_more_often_than_not_stops_the_run_and_says_why(name):
    with pytest.raises(
        NonFiniteError, match=r"of the last \d+ simulations of 'heads' failed, the latest one so: not f"
    ):
        sample(posterior(external(Blind(0.9))), ALGORITHMS[name], seed=1)


def test_that_an_ensemble_too_small_to_count_failures_says_what_failed_too():
    with pytest.raises(
        NonFiniteError, match=r"8 of 8 members .* \(the latest failed simulation of 'heads' not finite: "
    ):
        sample(posterior(external(Blind(1.0))), ESMDA(members=8), seed=1)


@SLOW
def test_that_boreholes_are_honoured_beside_a_simulator_without_gradients():
    facies = FaciesModel((0, 1), (0.0,))
    prior = LinearPrior(MATRIX, facies)
    truth = np.asarray(MATRIX @ np.random.default_rng(4).standard_normal(9) > 0, int)
    reading = FaciesProperty(facies, (0.5, 1.5))
    observed = WEIGHTS @ np.where(truth == 1, 1.5, 0.5) ** 2
    heads = IndirectData(GRID, external(Blind()), observed, 0.3, property=reading, name="heads")
    wells = HardData(GRID, GRID.centres(np.array([[0, 0], [1, 2], [2, 1]])), truth[[0, 5, 7]], facies)
    both = Posterior(prior, GRID, [heads, wells])
    for algorithm in (ALGORITHMS["pcn"], ALGORITHMS["smc"]):
        run = sample(both, algorithm, seed=1)
        assert "infeasible_data" not in run.results
        assert all(report[1].fulfilled == 3 for report in run.reports())


@SLOW
def test_that_an_adjoint_is_enough_for_algorithms_with_gradients(monkeypatch):
    one_candidate(monkeypatch)
    # Few transitions, for what rounding changes grows from one to the next.
    settings = {"chains": 2, "warmup": 4, "draws": 12, "thinning": 1, "draws_per_step": 3}
    run = sample(posterior(external(Sums())), MALA(**settings), seed=1)
    reference = sample(posterior(inside), MALA(**settings), seed=1)
    np.testing.assert_allclose(run.latents, reference.latents, atol=2e-3)
    assert run.results["forward_failures"]["heads"]["failed"] == 0
    with pytest.raises(InputError, match="'mala' needs gradients, but the forward model of 'heads' has none"):
        sample(posterior(external(Blind())), MALA(**settings))


def test_that_two_simulators_are_counted_each_by_its_name():
    times = IndirectData(GRID, external(Blind(0.2)), OBSERVED, 0.3, name="times")
    run = sample(posterior(external(Blind()), times), ALGORITHMS["smc"], seed=1)
    assert run.results["forward_failures"]["heads"]["failed"] == 0
    assert run.results["forward_failures"]["times"]["failed"] > 0
    said = [sentence for sentence in run.results["warnings"] if "simulations of" in sentence]
    assert len(said) == 1
    assert "'times'" in said[0]


@SLOW
def test_that_a_move_that_has_no_such_form_is_simulated_from_within_its_program(monkeypatch):
    one_candidate(monkeypatch)
    settings = {"chains": 2, "warmup": 10, "draws": 20, "thinning": 1, "draws_per_step": 10}
    run = sample(posterior(external(Blind())), EllipticalSlice(**settings), seed=1)
    reference = sample(posterior(inside), EllipticalSlice(**settings), seed=1)
    np.testing.assert_allclose(run.latents, reference.latents, atol=2e-3)
    assert run.results["forward_failures"]["heads"]["failed"] == 0


def test_that_all_simulations_are_counted_with_those_for_the_record():
    forward = external(Blind())
    run = sample(posterior(forward), ESMDA(members=16, assimilations=2), seed=1)
    assert run.results["forward_runs"] == run.results["forward_failures"]["heads"]["simulations"] == 3 * 16


def test_that_a_few_failures_do_not_stop_a_population_without_hamiltonian_moves():
    run = sample(posterior(external(Blind(0.1))), TemperedSMC(particles=24, moves=0, local_moves=2), seed=1)
    counts = run.results["forward_failures"]["heads"]
    assert 0 < counts["failed"] < counts["simulations"] / 4
    assert len(run.latents) == 24
