"""DREAM(ZS): its moves keep a target without symmetry, its archive is a fair sample, and it learns in warm-up only."""

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2, norm

from latentinv import DREAM, InputError
from latentinv.inference.chains._dream import (
    Memory,
    distinct,
    dream_ensemble,
    lead_outliers,
    learn_crossovers,
    propose_parallel,
    propose_snooker,
    remember,
)
from latentinv.inference.chains._state import WARMUP
from latentinv.inference.moves import Position, TemperedLikelihood, metropolis
from latentinv.posterior import Predictions
from tests.problems import linear_gaussian

ALARM = 1e-5
NOTHING = Predictions((), ())
SETTINGS = DREAM(chains=4, warmup=96, draws=80, thinning=4, archive_thinning=4, archive_capacity=70, draws_per_step=4)
PROPOSALS = {"parallel": lambda key, z, memory: propose_parallel(key, z, memory, 2), "snooker": propose_snooker}


def _memory(archive, rows=None, *, chains=4):
    archive = jnp.asarray(archive, jnp.float32)
    number, none = jnp.int32(len(archive) if rows is None else rows), jnp.zeros(3)
    return Memory(
        archive=archive,
        rows=number,
        offered=number,
        spread=jnp.ones(archive.shape[1]),
        crossover=jnp.full(3, 1 / 3),
        jumped=none,
        tried=none,
        log_density=jnp.zeros(chains),
        outliers=jnp.int32(0),
    )


def _bent(count, seed):
    """Draws of a bent target: z₂ lies about a parabola of z₁."""
    one, two, three = np.random.default_rng(seed).standard_normal((3, count))
    return np.stack([one, one**2 - 1 + 0.7 * two, 0.5 * three + 1], axis=1)


def _log_bent(z):
    return -0.5 * (z[0] ** 2 + ((z[1] - z[0] ** 2 + 1) / 0.7) ** 2 + ((z[2] - 1) / 0.5) ** 2)


@pytest.mark.parametrize("name", PROPOSALS)
def test_that_a_move_keeps_a_bent_target(name):
    count, steps, memory = 20_000, 12, _memory(_bent(60, seed=1) + 0.3)

    def move(key, here):
        key_proposal, key_accept = jax.random.split(key)
        proposal = PROPOSALS[name](key_proposal, here.z, memory)
        densities = _log_bent(here.z), _log_bent(proposal.z)
        there, acceptance, _ = metropolis(
            key_accept, here, Position(proposal.z, NOTHING), densities, proposal.log_factor
        )
        return there, acceptance

    def one(key, z):
        def step(here, number):
            return move(jax.random.fold_in(key, number), here)

        here, acceptance = jax.lax.scan(step, Position(z, NOTHING), jnp.arange(steps))
        return here.z, acceptance.mean()

    starts = jnp.asarray(_bent(count, seed=0), jnp.float32)
    z, acceptance = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), count), starts)
    z = np.asarray(z, float)
    assert float(acceptance.mean()) > 0.05  # and so it does move
    # Chains are independent given the archive. Exact: z₂ has mean 0 and variance 2 + 0.7².
    values = np.concatenate([z, z**2, z[:, :1] ** 2 * z[:, 1:2]], axis=1)
    exact = np.array([0, 0, 1, 1, 2.49, 1.25, 2])
    error = values.std(axis=0) / np.sqrt(count)
    assert np.all(np.abs(values.mean(axis=0) - exact) < norm.isf(ALARM / 2 / exact.size) * error)


def test_that_rows_are_drawn_without_replacement_and_all_alike():
    draws = 60_000
    rows = jax.vmap(lambda key: distinct(key, jnp.int32(5), 3))(jax.random.split(jax.random.key(3), draws))
    seen = {choice: 0 for choice in permutations(range(5), 3)}
    for row in np.asarray(rows):
        seen[tuple(row)] += 1
    expected = draws / len(seen)
    assert sum((n - expected) ** 2 / expected for n in seen.values()) < chi2.isf(ALARM, len(seen) - 1)


def test_that_a_full_archive_stays_a_uniform_sample_of_what_it_was_offered():
    replicates, capacity, filled, offers, chains = 4000, 8, 2, 10, 4

    def one(key):
        memory = _memory(jnp.arange(capacity, dtype=jnp.float32)[:, None], filled)
        for n in range(offers):
            states = filled + chains * n + jnp.arange(chains, dtype=jnp.float32)[:, None]
            memory = remember(jax.random.fold_in(key, n), states, memory)
        return memory.archive[:, 0], memory.rows, memory.offered

    archives, rows, offered = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(4), replicates))
    whole = filled + chains * offers
    assert np.all(np.asarray(rows) == capacity)
    assert np.all(np.asarray(offered) == whole)
    assert all(len(set(archive)) == capacity for archive in np.asarray(archives))
    kept = np.bincount(np.asarray(archives, int).ravel(), minlength=whole) / replicates
    share = capacity / whole
    error = np.sqrt(share * (1 - share) / replicates)
    assert np.all(np.abs(kept - share) < norm.isf(ALARM / 2 / whole) * error)


def test_that_the_archive_grows_and_what_was_learnt_in_warm_up_is_frozen_after_it():
    posterior, *_ = linear_gaussian(2, 1)
    kernel = SETTINGS.build()
    key, learnt, states = jax.random.key(0), [], [kernel.init(posterior, jax.random.key(1))]
    first = states[0].shared
    assert int(first.rows) == 20
    assert np.all(np.asarray(first.archive[20:]) == 0)
    while not kernel.finished(states[-1]):
        states.append(kernel.step(posterior, jax.random.fold_in(key, len(states)), states[-1])[0])
        memory = states[-1].shared
        offered = 20 + 4 * (int(states[-1].transitions) // 4)
        assert int(memory.offered) == offered
        assert int(memory.rows) == min(offered, 70)
        if offered > 20 and offered <= 70:
            # a step is a whole number of archive thinnings, so the newest rows are where the chains are
            np.testing.assert_array_equal(memory.archive[offered - 4 : offered], states[-1].positions.z)
        if int(states[-1].stage) > WARMUP:
            learnt.append(np.asarray(memory.crossover))
    assert not np.allclose(learnt[0], 1 / 3)
    assert learnt[0].sum() == pytest.approx(1, abs=1e-6)
    assert all(np.array_equal(one, learnt[0]) for one in learnt)
    results = kernel.results(posterior, states[-1])
    assert results["crossover_probabilities"] == pytest.approx(learnt[0].tolist())
    assert results["forward_runs"] == 4 * (96 + 20 * 4)


@pytest.mark.assure
def test_that_draws_move_no_outlier_which_warm_up_would():
    posterior, *_ = linear_gaussian(2, 1)
    ensemble = dream_ensemble(SETTINGS, TemperedLikelihood(posterior))
    far = ensemble.begin(jnp.asarray([[0.0, 0.0], [0.0, 0.1], [0.1, 0.0], [1e4, 1e4]]))
    # An archive of one place gives jumps of no length, so that the chain cannot come back by itself.
    _, memory = ensemble.first(jax.random.key(0))
    memory = memory._replace(archive=0 * memory.archive, spread=jnp.ones(2))
    # Outliers are looked for where the number of transitions becomes a power of two, of which 64 is in warm-up.
    warmed, _, after_warm = ensemble.move(jax.random.key(5), far, memory, jnp.int32(63))
    drawn, _, after_draw = ensemble.move(jax.random.key(5), far, memory, jnp.int32(127))
    assert int(after_draw.outliers) == 0
    assert float(jnp.abs(drawn.z[3]).max()) > 1e3
    assert int(after_warm.outliers) == 1
    assert float(jnp.abs(warmed.z[3]).max()) < 1


def test_that_an_outlier_takes_the_place_of_the_best_chain_when_transitions_have_doubled():
    here = Position(jnp.arange(4.0)[:, None], ())
    sums, densities = jnp.asarray([-10.0, -11.0, -900.0, -12.0]), jnp.asarray([-1.0, -0.5, -9.0, -2.0])
    due = _memory(np.zeros((3, 1)))._replace(log_density=sums)
    there, after = lead_outliers(here, densities, due, jnp.int32(64))
    np.testing.assert_array_equal(there.z[:, 0], [0, 1, 1, 3])
    assert int(after.outliers) == 1
    np.testing.assert_array_equal(after.log_density, 0)
    for transitions in (16, 63, 65):
        there, after = lead_outliers(here, densities, due, jnp.int32(transitions))
        np.testing.assert_array_equal(there.z, here.z)
        np.testing.assert_array_equal(after.log_density, sums)


def test_that_crossovers_become_as_likely_as_their_jumps_are_long():
    memory = _memory(np.zeros((3, 2)))._replace(spread=jnp.asarray([1.0, 2.0]))
    jumps = jnp.asarray([[1.0, 0.0], [1.0, 2.0], [2.0, 4.0], [5.0, 5.0]])
    one = learn_crossovers(memory, jnp.asarray([0, 1, 1, -1]), jumps)
    np.testing.assert_allclose(one.jumped, [1, 2 + 8, 0])
    np.testing.assert_allclose(one.tried, [1, 2, 0])
    np.testing.assert_allclose(one.crossover, np.full(3, 1 / 3))  # none is judged before all have led somewhere
    two = learn_crossovers(one, jnp.asarray([2, -1, -1, -1]), jumps)
    np.testing.assert_allclose(two.crossover, np.array([1, 5, 1]) / 7, rtol=1e-6)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("pairs", 0), ("crossovers", 1.5), ("snooker", 1.0), ("archive_thinning", 0), ("archive_capacity", 11)],
)
def test_that_a_senseless_setting_of_dream_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        DREAM(**{setting: value})
