"""Executors: every call has its own outcome, whatever the others do."""

import re
import subprocess
import sys

import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.simulators import KINDS, Dask, InProcess, Processes, SimulationFailure, Task, Threads, attempt
from tests.simulators.kit import FAULTS, WEIGHTS, By, Sums, Unmakeable

KIND_OF = dict(
    zip(FAULTS, ("crashed", "timed out", "not finite", "wrong length", "no output", "worker died"), strict=True)
)


@pytest.fixture(scope="module")
def pool():
    """Two workers, and time enough for a call that does not hang."""
    pool = Processes(2, timeout=3.0)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="needs the extra latentinv[dask]")
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield Dask(client, timeout=3.0)


def tasks(faults):
    """One call a fault; None for calls that work."""
    found = []
    for number, fault in enumerate(faults):
        property = np.full((3, 3), number / 10)
        property[0, 0] = -1.0 if fault is None else FAULTS.index(fault)
        found.append(Task("simulate", (property,), (3,)))
    return found


def assert_outcomes(executor, faults):
    asked = tasks(faults)
    outcomes = dict(executor.run(By(), asked))
    assert sorted(outcomes) == list(range(len(faults)))
    for number, fault in enumerate(faults):
        if fault is None:
            np.testing.assert_allclose(outcomes[number].values, WEIGHTS @ asked[number].arguments[0].ravel())
        else:
            assert outcomes[number].values is None
            assert outcomes[number].kind == KIND_OF[fault], outcomes[number]


def test_that_the_kinds_of_failure_are_those_that_are_counted():
    assert tuple(KIND_OF.values()) == KINDS


def test_that_calls_in_this_process_end_in_their_order_and_fail_alone():
    faults = ["raises", None, "not a number", "wrong length", None, "nothing"]
    assert [position for position, _ in InProcess().run(By(), tasks(faults))] == list(range(6))
    assert_outcomes(InProcess(), faults)


def test_that_threads_make_calls_at_once_and_give_up_those_that_take_too_long():
    faults = ["raises", None, "not a number", "hangs", None, "nothing", "hangs"]
    assert_outcomes(Threads(2, timeout=0.5), faults)
    assert_outcomes(Threads(3), [None, "wrong length", None, None])
    with pytest.raises(InputError, match="Given 0 threads; expected 1 or more"):
        Threads(0)


def test_that_a_pool_loses_no_result_to_calls_that_raise_hang_or_kill_their_worker(pool):
    assert_outcomes(pool, [None, "dies", None, "hangs", "raises", None, "nothing", "wrong length", "dies", None])
    assert_outcomes(pool, [None, None, None])


def test_that_a_pool_goes_on_when_its_caller_stops_listening(pool):
    answers = pool.run(By(), tasks(["hangs", None, None]))
    next(answers)
    answers.close()
    assert_outcomes(pool, [None, "raises", None])


def test_that_a_pool_changes_its_simulator(pool):
    assert_outcomes(pool, [None, None])
    task = Task("simulate", (np.ones((3, 3)),), (3,))
    ((_, outcome),) = pool.run(Sums(), [task])
    np.testing.assert_allclose(outcome.values, WEIGHTS.sum(axis=1))
    adjoint = Task("adjoint", (np.ones((3, 3)), np.array([1.0, 0.0, 0.0])), (3, 3))
    ((_, outcome),) = pool.run(Sums(), [adjoint])
    np.testing.assert_allclose(outcome.values.ravel(), 2 * WEIGHTS[0])


def test_that_a_simulator_that_cannot_be_sent_or_made_again_is_said_to_be_so(pool):
    class Local:
        def simulate(self, property):
            return property

    with pytest.raises(InputError, match=r"Local cannot be sent to worker processes .*run it InProcess"):
        list(pool.run(Local(), tasks([None])))
    ((_, outcome),) = pool.run(Unmakeable(), tasks([None]))
    assert outcome.kind == "crashed"
    assert "could not be made in a worker process (RuntimeError: no licence here)" in outcome.reason


def test_that_a_cluster_of_dask_gives_the_same_outcomes(cluster):
    assert_outcomes(cluster, [None, "raises", "nothing", "not a number", None])


@pytest.mark.assure
def test_that_a_cluster_of_dask_survives_calls_that_hang_or_kill_their_worker(cluster):
    assert_outcomes(cluster, [None, "dies", None, "hangs", None])
    assert_outcomes(cluster, [None, None])


def test_that_a_simulator_may_say_itself_why_it_failed():
    class Honest:
        def simulate(self, property):
            raise SimulationFailure("timed out", "the queue is full", "/runs/7")

    outcome = attempt(Honest(), tasks([None])[0])
    assert outcome[1:] == ("timed out", "the queue is full", "/runs/7")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ("heads", "no output", "it gave a str, which holds no numbers"),
        ([], "no output", "an array without numbers"),
        ([[1.0, 2.0, 3.0]], "wrong length", r"of shape \(1, 3\); expected \(3,\)"),
        ([1.0, np.inf, 3.0], "not finite", "1 of 3 numbers are not finite"),
    ],
)
def test_that_what_is_no_data_is_a_failure_in_words(answer, kind, words):
    class Odd:
        def simulate(self, property):
            return answer

    outcome = attempt(Odd(), tasks([None])[0])
    assert outcome.kind == kind
    assert re.search(words, outcome.reason)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Processes(0), "0 workers; expected 1 or more"),
        (lambda: Processes(1, timeout=0.0), "timeout is 0.0 s; expected seconds above 0"),
        (lambda: Dask("tcp://here"), "Given a str; expected a dask.distributed.Client"),
    ],
)
def test_that_settings_that_cannot_be_used_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_that_workers_need_not_wait_for_jax():
    script = "import sys, latentinv.simulators; print('jax' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == "False\n"
