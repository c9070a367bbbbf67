"""What is said of draws: their quantities, costs and warnings, for chains, populations and several runs."""

import numpy as np
import pytest

from latentinv import (
    ESMDA,
    Grid,
    IndirectData,
    InputError,
    Posterior,
    PreconditionedCrankNicolson,
    TemperedSMC,
    diagnose,
    resume,
    sample,
)
from latentinv.forward import LinearForward
from latentinv.inference import effective_sample_size, rhat
from latentinv.inference.diagnostics._diagnostics import _by_chain
from latentinv.inference.diagnostics._functionals import functionals, spread_cells
from latentinv.priors import FaciesModel
from latentinv.storage import RunFile
from tests.problems import LinearPrior, generator_posterior, latents_that_honour, linear_gaussian, recorded

PCN = PreconditionedCrankNicolson(chains=3, warmup=20, draws=60, thinning=2, draws_per_step=5)


@pytest.fixture(scope="module")
def gaussian():
    return linear_gaussian(4, 2)[0]


@pytest.fixture(scope="module")
def chains(gaussian):
    return sample(gaussian, PCN, seed=1)


def test_that_functionals_are_those_of_the_fields(gaussian, chains):
    found = functionals(chains)
    fields = chains.by_chain(chains.realizations)
    assert list(found) == [
        "mean", "blocks 1", "blocks 2", *(f"pixel at x {x} m, y {y} m" for y in (0.5, 1.5) for x in (0.5, 1.5)),
        "log-likelihood",
    ]  # fmt: skip
    np.testing.assert_allclose(found["mean"], fields.mean(axis=(2, 3)), rtol=1e-5)
    np.testing.assert_allclose(found["pixel at x 1.5 m, y 0.5 m"], fields[:, :, 0, 1])
    likelihood = [float(gaussian.log_likelihood(z)) for z in chains.latents]
    np.testing.assert_allclose(found["log-likelihood"], chains.by_chain(np.array(likelihood)), rtol=1e-4)


def test_that_pixels_of_three_facies_are_whether_they_have_each_and_no_mean_of_codes():
    prior = LinearPrior(np.eye(4), FaciesModel((0, 2, 7), (-0.5, 0.5), ("clay", "silt", "sand")))
    run = recorded(Posterior(prior, Grid((2, 2)), []), np.random.default_rng(0).standard_normal((40, 4)))
    found = functionals(run)
    for code, name in ((2, "silt"), (7, "sand")):
        column = found[f"pixel at x 0.5 m, y 0.5 m: {name}"][0]
        np.testing.assert_array_equal(column, run.realizations[:, 0, 0] == code)
    assert not any(name.endswith(("m", ": clay")) for name in found if name.startswith("pixel"))


def test_that_facies_have_shares_and_honoured_wells_are_constant():
    posterior = generator_posterior(wells=4)
    run = recorded(posterior, latents_that_honour(posterior, 5))
    found = functionals(run)
    np.testing.assert_allclose(found["share of facies 1"][0], run.realizations.mean(axis=(1, 2)))
    assert np.all(found["wells, share honoured"] == 1)
    assert np.all(found["log-likelihood"] == 0)
    (wells,) = [quantity for quantity in run.diagnose().quantities if quantity.name == "wells, share honoured"]
    assert wells.constant
    assert "of them constant" in str(run.diagnose())


def test_that_the_soft_reading_of_facies_is_the_targets_log_likelihood():
    posterior = generator_posterior(wells=4, target="soft")
    latents = np.random.default_rng(0).standard_normal((3, posterior.latent_size)).astype(np.float32)
    values = functionals(recorded(posterior, latents))["log-likelihood"][0]
    np.testing.assert_allclose(values, [float(posterior.log_likelihood(z)) for z in latents], rtol=1e-4)


def test_that_pixels_spread_over_grids_of_any_shape():
    for shape in ((40, 60), (1, 7), (6, 30, 50), (2, 2)):
        cells = spread_cells(Grid(shape))
        assert len(np.unique(cells, axis=0)) == len(cells) <= 27
        assert np.all((cells >= 0) & (cells < shape))
    assert len(spread_cells(Grid((40, 60)))) == 16


def test_that_chains_are_diagnosed_by_quantity(chains):
    diagnosis, found = chains.diagnose(), functionals(chains)
    assert [quantity.name for quantity in diagnosis.quantities] == list(found)
    for quantity in diagnosis.quantities:
        values = found[quantity.name]
        assert quantity.mean == pytest.approx(values.mean())
        assert quantity.rhat == rhat(values)
        assert quantity.bulk_size == effective_sample_size(values)
        assert quantity.tail_size == effective_sample_size(values, "tail")
    assert diagnosis.worst().rhat == max(quantity.rhat for quantity in diagnosis.quantities)
    assert (diagnosis.draws, diagnosis.chains) == (60, 3)
    assert diagnosis.acceptance.shape == (3,)
    assert np.all((diagnosis.acceptance > 0) & (diagnosis.acceptance < 1))
    assert diagnosis.divergences == 0
    assert diagnosis.ladder is None


def test_that_costs_are_those_of_the_whole_run(chains):
    diagnosis = chains.diagnose()
    least = diagnosis.worst("bulk_size").bulk_size
    assert diagnosis.gradients == 0
    assert diagnosis.forward_runs == chains.results["forward_runs"] == 3 * (32 + (20 + 20 * 2) * 3)
    assert diagnosis.per_gradient() is None
    assert diagnosis.per_forward_run() == pytest.approx(least / diagnosis.forward_runs)
    assert diagnosis.per_second() == pytest.approx(least / chains.seconds)
    assert chains.seconds > 0


def test_that_chains_apart_are_told_in_sentences(gaussian):
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((100, 4)).astype(np.float32)
    apart = recorded(gaussian, np.tile([[0.0], [3.0]], (50, 1)).astype(np.float32) + 0.1 * latents, 2)
    warnings = apart.diagnose().warnings
    assert warnings[0].startswith("The chains do not agree yet: R-hat is above 1.01 for ")
    assert "400 are advised" in warnings[1]

    still = recorded(gaussian, np.tile(latents[:2], (50, 1)), 2)
    assert "Only 2 of 100 draws are distinct" in still.diagnose().warnings[0]
    assert still.diagnose().worst().rhat == np.inf

    few = recorded(gaussian, latents[:6], 2)
    assert few.diagnose().warnings == (
        "3 draws of a chain are too few to compare; 4 are needed, and hundreds recommended.",
    )


def test_that_good_chains_have_no_warning(gaussian):
    latents = np.random.default_rng(0).standard_normal((4 * 1000, 4)).astype(np.float32)
    diagnosis = recorded(gaussian, latents, 4).diagnose()
    assert diagnosis.warnings == ()
    assert diagnosis.worst().rhat < 1.01


def test_that_data_missed_by_more_than_their_noise_are_named():
    # Each of the 200 data is off by two sd, which no single one would be blamed for.
    grid = Grid((10, 20))
    data = IndirectData(grid, LinearForward(np.eye(200), grid), np.full(200, 2.0), 1.0, name="times")
    posterior = Posterior(LinearPrior(np.zeros((200, 1))), grid, [data])
    run = recorded(posterior, np.zeros((8, 1), np.float32))
    (warning,) = [sentence for sentence in run.diagnose().warnings if "times" in sentence]
    assert warning.startswith("The draws miss 'times' by 2 times the stated noise, over all 200 data; ")
    honest = IndirectData(grid, data.forward, np.random.default_rng(0).standard_normal(200), 1.0, name="times")
    fine = recorded(Posterior(posterior.prior, grid, [honest]), np.zeros((8, 1), np.float32))
    assert not any("times" in sentence for sentence in fine.diagnose().warnings)


def test_that_one_population_is_not_compared_and_several_are(gaussian):
    smc = TemperedSMC(particles=32, moves=2, leapfrogs=4, final_rounds=1, batch_size=32)
    runs = [sample(gaussian, smc, seed=seed) for seed in range(3)]
    alone, together = runs[0].diagnose(), diagnose(runs)
    assert alone.chains is None
    assert alone.worst() is None
    assert "compare runs of several seeds: latentinv compare" in alone.words()["R-hat"]
    assert alone.ladder.inverse_temperatures[-1] == 1
    assert alone.gradients == runs[0].results["gradients"] == 32 * runs[0].trace["gradients"].sum()
    assert (together.chains, together.draws) == (3, 96)
    expected = rhat(np.concatenate([functionals(run)["mean"] for run in runs]))
    assert together.quantities[0].rhat == expected
    assert together.seconds == pytest.approx(sum(run.seconds for run in runs))


def test_that_runs_that_cannot_be_compared_are_refused(gaussian, chains):
    with pytest.raises(InputError, match="No run is given"):
        diagnose([])
    with pytest.raises(InputError, match="Run 2 repeats run 1"):
        diagnose([chains, chains._replace(latents=chains.latents.copy())])
    other = Posterior(LinearPrior(np.eye(9)), Grid((3, 3)), [])
    with pytest.raises(InputError, match="Run 2 has another posterior"):
        diagnose([chains, recorded(other, np.zeros((6, 9), np.float32), 3)])
    (levels,) = gaussian.observations
    measured_again = Posterior(gaussian.prior, gaussian.grid, [levels.with_data(levels.observed + 1)])
    with pytest.raises(InputError, match="Run 2 has another posterior"):
        diagnose([chains, recorded(measured_again, np.zeros((6, 4), np.float32), 3)])


def test_that_a_run_without_draws_says_nothing(gaussian):
    none = recorded(gaussian, np.zeros((1, 4), np.float32), 3)
    none = none._replace(latents=none.latents[:0], realizations=none.realizations[:0])
    diagnosis = none.diagnose()
    assert (diagnosis.draws, diagnosis.quantities, diagnosis.warnings, diagnosis.words()) == (0, (), (), {})
    assert "quantity" in str(diagnosis)
    rng = np.random.default_rng(5)
    some = [recorded(gaussian, rng.standard_normal((30, 4)).astype(np.float32), 3) for _ in range(2)]
    together = diagnose([some[0], none, some[1]])
    assert (together.chains, together.draws) == (6, 60)
    assert "1 of 3 runs gave no draws and are left out: 2." in together.warnings


def test_that_the_time_of_a_stored_run_adds_up_over_its_sessions(tmp_path):
    posterior, smoother = generator_posterior(), ESMDA(members=6, assimilations=6)

    class Stop:
        def on_step(self, step, progress):
            if step == 4:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample(posterior, smoother, seed=1, output=tmp_path / "run.h5", listener=Stop())
    before = RunFile.open(tmp_path / "run.h5").seconds
    run = resume(tmp_path / "run.h5")
    assert 0 < before < run.seconds == resume(tmp_path / "run.h5").seconds
    np.testing.assert_array_equal(run.predicted["wells"], sample(posterior, smoother, seed=1).predicted["wells"])


def test_that_runs_agree_whether_or_not_their_priors_name_facies():
    one, other = (
        {f"share of {name}": np.full((1, n), n), "mean": np.zeros((1, n))} for name, n in (("sand", 3), ("facies 1", 4))
    )
    together = _by_chain([one, other])
    assert list(together) == ["share of sand", "mean"]
    np.testing.assert_array_equal(together["share of sand"], [[3, 3, 3], [4, 4, 4]])
