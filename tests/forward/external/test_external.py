"""Simulators as forward models: layout, adjoint, Taylor remainder, batches, failures, memory, and refusals."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, IndirectData, InputError
from latentinv.forward import ExternalForward
from latentinv.simulators import KINDS, EvaluationCache, InProcess, Processes
from tests.problems import LinearPrior
from tests.simulators.kit import FAULTS, WEIGHTS, Blind, Faulty, Sums, fault_of

GRID = Grid((3, 3))
FIELDS = jax.random.normal(jax.random.key(1), (5, 3, 3))


class Counting:
    """Counts its calls, and fails while told to."""

    identity = "counting"

    def __init__(self, failures=0):
        self.calls, self.failures = 0, failures

    def simulate(self, property):
        self.calls += 1
        if self.calls <= self.failures:
            raise OSError("the licence server is away")
        return WEIGHTS @ property.ravel()


def exact(property):
    return WEIGHTS @ np.asarray(property, float).ravel() ** 2


def test_that_one_cell_reaches_the_data_by_its_own_weights():
    forward = ExternalForward(Sums(), GRID, 3)
    for cell in range(9):
        field = jnp.zeros(9).at[cell].set(2.0).reshape(3, 3)
        np.testing.assert_allclose(forward.predict(field), 4 * WEIGHTS[:, cell], rtol=1e-6)


def test_that_predictions_are_the_same_alone_in_batches_and_compiled():
    forward = ExternalForward(Sums(), GRID, 3)
    expected = np.stack([exact(field) for field in FIELDS])
    np.testing.assert_allclose(forward.evaluate(FIELDS), expected, rtol=1e-5)
    np.testing.assert_array_equal(jax.jit(jax.vmap(forward.predict))(FIELDS), forward.evaluate(FIELDS))
    np.testing.assert_array_equal(jax.jit(forward.predict)(FIELDS[0]), forward.predict(FIELDS[0]))
    twice = jax.jit(jax.vmap(jax.vmap(forward.predict)))(FIELDS[:4].reshape(2, 2, 3, 3))
    np.testing.assert_array_equal(twice.reshape(4, 3), forward.evaluate(FIELDS[:4]))


def test_that_the_gradient_is_the_adjoint_of_the_derivative():
    forward = ExternalForward(Sums(), GRID, 3)
    field, direction = (np.asarray(field, float) for field in FIELDS[:2])
    residual = np.array([0.3, -1.0, 2.0])
    change = (exact(field + 1e-4 * direction) - exact(field - 1e-4 * direction)) / 2e-4
    _, pullback = jax.vjp(forward.predict, FIELDS[0])
    (gradient,) = pullback(jnp.asarray(residual, jnp.float32))
    assert np.vdot(gradient, direction) == pytest.approx(change @ residual, rel=1e-3)
    many = jax.jit(jax.vmap(jax.grad(lambda p: forward.predict(p) @ jnp.asarray(residual, jnp.float32))))(FIELDS)
    np.testing.assert_allclose(many[0], gradient, rtol=1e-5)


def test_that_the_remainder_of_the_first_order_is_of_the_second():
    forward = ExternalForward(Sums(), GRID, 3)
    field, direction = FIELDS[0], FIELDS[1]
    gradient = jax.grad(lambda p: forward.predict(p).sum())(field)

    def remainder(step):
        change = np.sum(exact(field + step * direction)) - np.sum(exact(field))
        return abs(change - step * float(jnp.vdot(gradient, direction)))

    orders = np.diff(np.log([remainder(h) for h in (0.4, 0.2, 0.1)])) / np.log(0.5)
    assert np.all((orders > 1.9) & (orders < 2.1)), orders


def test_that_a_gradient_without_an_adjoint_is_refused():
    forward = ExternalForward(Blind(), GRID, 3)
    assert (forward.has_gradient, ExternalForward(Sums(), GRID, 3).has_gradient) == (False, True)
    with pytest.raises(InputError, match="Blind has no adjoint, so no gradient; give it a method adjoint"):
        jax.grad(lambda p: forward.predict(p).sum())(FIELDS[0])


def test_that_each_property_is_simulated_once_and_counted_each_time():
    simulator = Counting()
    forward = ExternalForward(simulator, GRID, 3)
    forward.evaluate(jnp.concatenate([FIELDS, FIELDS[:2]]))
    forward.predict(FIELDS[3])
    assert simulator.calls == 5
    assert forward.take_counts().tolist() == [8, *[0] * len(KINDS)]
    assert forward.take_counts().sum() == 0


def test_that_a_cache_spares_another_process_and_remembers_failures(tmp_path):
    first = ExternalForward(Counting(failures=1), GRID, 3, cache=tmp_path)
    expected = first.evaluate(FIELDS)
    assert np.isnan(expected[0]).all()
    second = ExternalForward(Counting(), GRID, 3, cache=EvaluationCache(tmp_path))
    np.testing.assert_array_equal(second.evaluate(FIELDS), expected)
    assert second.simulator.calls == 0
    np.testing.assert_array_equal(second.take_counts(), first.take_counts())
    assert second.last_failure == "crashed: OSError: the licence server is away"
    second.forget_failures()
    assert np.isfinite(second.evaluate(FIELDS)).all()
    assert second.simulator.calls == 1


def test_that_a_wrong_number_of_data_given_once_spoils_no_cache(tmp_path):
    wrong = ExternalForward(Counting(), GRID, 4, cache=tmp_path)
    assert np.isnan(wrong.evaluate(FIELDS)).all()
    assert np.isfinite(ExternalForward(Counting(), GRID, 3, cache=tmp_path).evaluate(FIELDS)).all()


class BlindAtFirst(Counting):
    """Its adjoint fails while told to."""

    def simulate(self, property):
        return WEIGHTS @ property.ravel()

    def adjoint(self, property, residual):
        super().simulate(property)
        return (WEIGHTS.T @ residual).reshape(property.shape)


@pytest.mark.parametrize(("retries", "lost"), [(0, 2), (1, 0)])
def test_that_adjoints_that_fail_are_tried_again_counted_and_named(retries, lost):
    forward = ExternalForward(BlindAtFirst(failures=2), GRID, 3, retries=retries)
    gradient = jax.jit(jax.vmap(jax.grad(lambda x: forward.predict(x).sum())))(FIELDS)
    assert np.isnan(gradient).all(axis=(1, 2)).sum() == lost
    assert forward.take_counts()[:2].tolist() == [lost, lost]  # the gradient alone asks for no simulation
    forward.evaluate(np.full((1, 3, 3), np.nan))
    expected = (
        "adjoint crashed: OSError: the licence server is away" if lost else "not finite: the property is not finite"
    )
    assert forward.last_failure == expected


def test_that_what_is_simulated_is_kept_at_once_so_that_a_kill_loses_only_what_is_under_way(tmp_path):
    class Killed(Counting):
        def simulate(self, property):
            if self.calls == 3:
                raise KeyboardInterrupt
            return super().simulate(property)

    with pytest.raises(KeyboardInterrupt):
        ExternalForward(Killed(), GRID, 3, cache=tmp_path).evaluate(FIELDS)
    again = ExternalForward(Counting(), GRID, 3, cache=tmp_path)
    again.evaluate(FIELDS)
    assert again.simulator.calls == 2


@pytest.mark.parametrize(("retries", "lost"), [(0, 2), (1, 0)])
def test_that_failed_calls_are_made_again_as_often_as_allowed(retries, lost):
    forward = ExternalForward(Counting(failures=2), GRID, 3, retries=retries)
    assert np.isnan(forward.evaluate(FIELDS)).all(axis=1).sum() == lost
    assert forward.take_counts()[:2].tolist() == [5, lost]


def test_that_failures_predict_nothing_and_are_counted_by_kind():
    many = np.asarray(jax.random.normal(jax.random.key(2), (400, 3, 3)))
    found = [fault_of(field, 0.3) for field in many]
    fields = many[[*(found.index(fault) for fault in (*FAULTS, "dies")), *(n for n in range(60) if found[n] is None)]]
    pool = Processes(1, timeout=3.0)
    forward = ExternalForward(Faulty(0.3), GRID, 3, executor=pool)
    data = forward.evaluate(fields)
    pool.close()
    faults = [fault_of(field, 0.3) for field in fields]
    np.testing.assert_array_equal(np.isnan(data).any(axis=1), [fault is not None for fault in faults])
    counts = forward.take_counts()
    assert counts.tolist() == [len(fields), *[faults.count(fault) for fault in FAULTS]]
    assert counts[1:].tolist() == [1, 1, 1, 1, 1, 2]
    healthy = [n for n, fault in enumerate(faults) if fault is None]
    np.testing.assert_allclose(data[healthy], [exact(fields[n]) for n in healthy], rtol=1e-5)


def test_that_a_property_that_is_not_finite_is_not_simulated():
    forward = ExternalForward(Counting(), GRID, 3)
    assert np.isnan(forward.evaluate(np.full((1, 3, 3), np.nan))).all()
    assert forward.simulator.calls == 0
    assert forward.last_failure == "not finite: the property is not finite"


def test_that_numbers_beyond_single_precision_are_a_failure():
    forward = ExternalForward(Sums(), GRID, 3)
    assert np.isnan(forward.predict(jnp.full((3, 3), 1e25))).all()
    assert forward.last_failure == "not finite: it gave numbers beyond the range of single precision"


def test_that_the_data_are_stored_with_what_can_be_said_and_the_simulator_is_asked_for_again():
    data = IndirectData(GRID, ExternalForward(Sums(), GRID, 3), np.ones(3), 0.5, name="heads")
    arrays = data.to_arrays()
    assert [str(arrays[f"forward {name}"]) for name in ("kind", "simulator", "identity")] == [
        "external",
        "Sums",
        "sums",
    ]
    prior = LinearPrior(np.eye(9))
    again = IndirectData.from_arrays("heads", arrays, GRID, prior, forward=ExternalForward(Sums(), GRID, 3))
    assert float(again.log_likelihood(FIELDS[0])) == float(data.log_likelihood(FIELDS[0]))
    asks = r"is a simulator, which a run file cannot hold; give it again, as in resume\(path, forwards={'heads': Ext"
    with pytest.raises(InputError, match=asks):
        IndirectData.from_arrays("heads", arrays, GRID, prior, forward=lambda p: p[0])
    assert re.search(asks, IndirectData.from_arrays("heads", arrays, GRID, prior).missing)
    with pytest.raises(InputError, match="run was made with: its simulator is 'Blind', not 'Sums'; give the same one"):
        IndirectData.from_arrays("heads", arrays, GRID, prior, forward=ExternalForward(Blind(), GRID, 3))
    with pytest.raises(InputError, match="Sums cannot be made from a file; give it again"):
        ExternalForward.from_arrays({"simulator": np.asarray("Sums")}, GRID)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda t: ExternalForward(object(), GRID, 3), "a object without a method simulate"),
        (
            lambda t: ExternalForward(Sums(), GRID, 0),
            "The simulator's count is 0; expected a whole number of at least 1",
        ),
        (
            lambda t: ExternalForward(Sums(), GRID, 3, retries=-1),
            "retries is -1; expected a whole number of at least 0",
        ),
        (lambda t: ExternalForward(Nameless(), GRID, 3, cache=t), "Nameless has no identity, so its evaluations"),
    ],
)
def test_that_a_simulator_that_cannot_be_used_is_refused(tmp_path, make, words):
    with pytest.raises(InputError, match=words):
        make(tmp_path)


class Nameless:
    def simulate(self, property):
        return property.ravel()


def test_that_calls_are_made_in_this_process_unless_said():
    assert isinstance(ExternalForward(Sums(), GRID, 3).executor, InProcess)
