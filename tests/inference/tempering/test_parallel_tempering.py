"""Parallel tempering: its ladder, its exchanges, its evidence, and what it says of itself.

Bounds on means are those of `tests.bounds`, over independent replicates.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm, truncnorm
from scipy.stats import t as student_t

from latentinv import Grid, HardData, InputError, ParallelTempering, Posterior, sample
from latentinv.inference.moves import EXACT, SHARPEST, TemperedLikelihood
from latentinv.inference.tempering._ladder import (
    Neighbours,
    exchange,
    first_ladder,
    follow_replicas,
    neighbours,
    respace,
    swap_probability,
)
from latentinv.inference.tempering._parallel_tempering import ladder_warnings
from latentinv.priors import FaciesModel
from tests.bounds import ALARM, assert_mean_is
from tests.problems import LinearPrior, generator_posterior, linear_gaussian


def _assert_evidence(results, exact, at_most):
    """With its standard error over 24 ladders; the bias of the logarithm is far below it, at half its square."""
    error = results["log_evidence_standard_error"]
    assert error < at_most
    assert abs(results["log_evidence"] - exact) <= student_t.isf(ALARM / 2, 23) * error


@pytest.mark.parametrize("end", [1.0, EXACT])
def test_that_a_ladder_reaches_from_the_prior_to_the_target(end):
    ladder = np.asarray(first_ladder(7, end))
    assert ladder[0] == 0
    assert ladder[-1] == end
    assert np.all(np.diff(ladder) > 0)
    if end == EXACT:
        assert ladder[-2] == pytest.approx(SHARPEST, rel=1e-4)


def test_that_a_ladder_is_placed_such_that_the_barrier_is_shared():
    ladder, refusal = first_ladder(6, 1.0), jnp.array([0.0, 0.1, 0.9, 0.5, 0.0])
    steps = jnp.linspace(0.0, -5.0, 6)
    placed, tuned = respace(ladder, refusal, steps)
    assert placed[0] == 0
    assert placed[-1] == 1
    assert np.all(np.diff(placed) > 0)
    # 1.5 of barrier in five parts of 0.3: all new rungs between lie in the two pairs that refused most
    assert np.all((placed[1:5] > ladder[2]) & (placed[1:5] < ladder[4]))
    again, _ = respace(ladder, jnp.full(5, 0.4), steps)
    np.testing.assert_allclose(again, ladder, rtol=1e-4)
    assert np.all(np.diff(tuned) <= 0)


def test_that_no_rung_is_lost_beyond_the_sharpest_soft_model():
    ladder = first_ladder(6, EXACT)
    for _ in range(5):  # the jump to the target is refused, whatever the ladder
        ladder, _ = respace(ladder, jnp.array([0.1, 0.1, 0.1, 0.1, 1.0]), jnp.zeros(6))
    assert ladder[-1] == EXACT
    assert ladder[-2] <= SHARPEST * 1.001
    assert np.all(np.diff(ladder[:-1]) > 0)


@pytest.mark.assure
def test_that_exchanges_leave_every_rung_as_it_is():
    """Exact draws on every rung, exchanged twelve times, still follow the rungs' own distributions."""
    posterior, *_ = linear_gaussian(2, 1)
    likelihood, ladder = TemperedLikelihood(posterior), jnp.array([0.0, 0.1, 0.4, 1.0])
    precisions, means = _tempered_distributions(posterior, ladder)
    rng = np.random.default_rng(0)
    z = np.stack(
        [rng.multivariate_normal(m, np.linalg.inv(p), 24 * 400) for m, p in zip(means, precisions, strict=True)], 1
    )

    def exchanged(key, z):
        def once(z, number):
            probability = swap_probability(neighbours(likelihood, ladder, jax.vmap(posterior.predict)(z)))
            source, _ = exchange(jax.random.fold_in(key, number), probability, number)
            return z[source], jnp.any(source != jnp.arange(4))

        return jax.lax.scan(once, z, jnp.arange(12))

    keys = jax.random.split(jax.random.key(1), len(z))
    after, moved = jax.jit(jax.vmap(exchanged))(keys, jnp.asarray(z, jnp.float32))
    assert np.mean(moved) > 0.3
    parts = (np.asarray(after, float) - means).reshape(24, 400, 4, 2)
    variances = np.array([np.diag(np.linalg.inv(p)) for p in precisions])
    assert_mean_is(parts.mean(axis=1), 0.0, np.sqrt(variances / 400))
    assert_mean_is((parts**2).mean(axis=1), variances, variances * np.sqrt(2 / 400))


def _tempered_distributions(posterior, ladder):
    """Precision and mean on each rung, from the gradient of the log-likelihood, which is linear."""
    force = jax.grad(posterior.log_likelihood)
    origin = np.asarray(force(jnp.zeros(2)), float)
    curvature = np.asarray(jax.jacobian(force)(jnp.zeros(2)), float)
    precisions = [np.eye(2) - float(t) * curvature for t in ladder]
    return precisions, np.stack(
        [np.linalg.solve(p, float(t) * origin) for p, t in zip(precisions, ladder, strict=True)]
    )


def test_that_a_replica_without_any_likelihood_gives_way_to_a_possible_one_and_to_no_other():
    none, inf = jnp.float32(-3.0), -jnp.inf
    near = Neighbours(own=jnp.array([0.0, inf, inf]), above=jnp.array([none, inf]), below=jnp.array([inf, inf]))
    np.testing.assert_array_equal(swap_probability(near), [1.0, 0.0])
    possible = Neighbours(own=jnp.array([0.0, -1.0, -2.0]), above=jnp.array([inf, -2.0]), below=jnp.array([0.0, -1.0]))
    np.testing.assert_array_equal(swap_probability(possible), [0.0, 1.0])


def test_that_a_replica_that_is_never_refused_goes_straight_up_and_down():
    replicas, phase = jnp.arange(4), jnp.zeros(4, int)
    seen, trips = [], 0
    for number in range(17):
        source, tried = exchange(jax.random.key(number), jnp.ones(3), jnp.int32(number))
        assert tried.tolist() == [number % 2 == 0, number % 2 == 1, number % 2 == 0]
        replicas, phase = replicas[source], phase[source]
        phase, back = follow_replicas(phase)
        seen.append(int(np.flatnonzero(replicas == 1)[0]))
        trips += int(back)
    assert seen[:9] == [0, 0, 1, 2, 3, 3, 2, 1, 0]
    assert trips == 5  # from wherever they began, the first of the replicas twice


@pytest.mark.parametrize("move", [pytest.param("pcn", marks=pytest.mark.assure), "mala"])
def test_that_the_log_evidence_is_exact(move):
    posterior, _, _, evidence = linear_gaussian(6, 4)
    settings = ParallelTempering(
        chains=24, rungs=5, warmup=120, draws=24 * 40, thinning=5, move=move, local_moves=1, draws_per_step=40
    )
    run = sample(posterior, settings, seed=3)
    _assert_evidence(run.results, evidence, at_most=0.1)
    assert run.results["round_trips"] > 24
    assert run.results["least_swap_acceptance"] > 0.3
    assert "warnings" not in run.results
    transitions = 120 + 40 * 5
    if move == "pcn":
        assert run.results["gradients"] == 0
        assert run.results["forward_runs"] == 24 * transitions * (1 + 4 * 2)
    else:
        assert run.results["gradients"] == 24 * transitions * (4 + 5)
        assert run.results["forward_runs"] == 24 * transitions
    # the rungs stay where warm-up left them
    settled = run.trace["inverse_temperature"][run.trace["stage"] == 2]
    np.testing.assert_array_equal(settled, settled[:1].repeat(len(settled), axis=0))
    assert np.all(run.trace["swap_acceptance"][-1] > 0.3)


@pytest.mark.assure
def test_that_thresholded_cells_have_their_exact_distribution_and_evidence():
    grid, threshold = Grid((2, 2)), 0.7
    prior = LinearPrior(np.eye(4), FaciesModel((0, 1), (threshold,)))
    wells = HardData(grid, grid.centres([[0, 0], [0, 1], [1, 0]]), [1, 0, 1], prior.facies_model)
    settings = ParallelTempering(chains=24, rungs=5, warmup=120, draws=24 * 40, thinning=5, draws_per_step=40)
    run = sample(Posterior(prior, grid, [wells]), settings, seed=4)
    above, below = truncnorm(threshold, np.inf), truncnorm(-np.inf, threshold)
    exact = [above, below, above, norm()]
    sd = np.array([cell.std() for cell in exact]) / np.sqrt(10)  # of the 40 draws of a ladder ten are independent
    assert_mean_is(run.by_chain(run.latents).mean(axis=1), [cell.mean() for cell in exact], sd)
    _assert_evidence(run.results, 2 * norm.logsf(threshold) + norm.logcdf(threshold), at_most=0.1)
    assert np.all(run.realizations.reshape(-1, 4)[:, :3] == [1, 0, 1])


@pytest.mark.assure
def test_that_every_draw_honours_every_well_with_a_gradient_move_too():
    settings = ParallelTempering(chains=2, rungs=6, warmup=32, draws=20, thinning=2, move="mala")
    run = sample(generator_posterior(), settings, seed=3)
    assert len(run.latents) == 20
    assert all(report.fulfilled == report.total for reports in run.reports() for report in reports)


def test_that_wells_out_of_reach_are_named():
    grid = Grid((1, 2))
    prior = LinearPrior([[1.0], [1.0]], FaciesModel((0, 1), (0.0,)))
    posterior = Posterior(prior, grid, [HardData(grid, grid.centres([[0, 0], [0, 1]]), [0, 1], prior.facies_model)])
    # of three ladders at least two miss the same one of both wells
    run = sample(posterior, ParallelTempering(chains=3, rungs=3, warmup=16, draws=3))
    assert len(run.latents) == 0
    assert any("x 0.5 m" in sentence or "x 1.5 m" in sentence for sentence in run.results["infeasible_data"])


def test_that_rungs_that_do_not_exchange_and_missing_round_trips_are_said():
    apart, alone = ladder_warnings(np.array([0.5, 0.004, 0.0]), 0, np.array([0.0, 0.02, 3.0, EXACT]))[::2]
    assert "0.02 and 3 exchanged their places in 0.4 %" in apart
    assert "No replica travelled" in alone
    assert "3 and the target" in ladder_warnings(np.array([0.5, 0.5, 0.0]), 7, np.array([0.0, 0.02, 3.0, EXACT]))[0]
    assert ladder_warnings(np.array([0.5, 0.5]), 7, np.array([0.0, 0.02, EXACT])) == []


@pytest.mark.parametrize(("setting", "value"), [("rungs", 1), ("move", "walk"), ("chains", 0), ("local_moves", -1)])
def test_that_a_senseless_setting_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        ParallelTempering(**{setting: value})


def test_that_a_move_that_needs_a_gradient_is_refused_for_thresholded_facies():
    with pytest.raises(InputError, match="target='soft'"):
        sample(generator_posterior(), ParallelTempering(move="nuts"))


def test_that_a_move_that_needs_a_gradient_is_refused_where_a_simulator_has_none(monkeypatch):
    monkeypatch.setattr(Posterior, "has_gradient", property(lambda _: False))
    with pytest.raises(InputError, match="'mala' needs gradients, but a simulator has none"):
        sample(generator_posterior(), ParallelTempering(move="mala"))
