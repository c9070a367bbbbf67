"""A run killed at any moment, or whose disk fills up, is whole and goes on."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latentinv.grid import Grid
from latentinv.storage import PriorRecord, RunFile, RunHeader

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork, kill and limits")

# The writer: row s of the trace, draw s and the state after s steps follow from s alone.
WRITER = """
import os, random, resource, signal, sys, time
import jax
import numpy as np
from latentinv.errors import StorageError
from latentinv.storage import RunFile

def field(rows):
    return np.array([np.random.default_rng(row).random(50) for row in rows]).reshape(-1, 50)

def advance(run, size):
    first, last = run.steps, run.steps + size
    rows = np.arange(first, last)
    run.checkpoint({"z": np.full(2000, last)}, steps=last, trace_rows=[{"row": s} for s in rows],
                   draws={"field": field(rows)}, message=str(last))
"""

# Each child is forked from a process that has imported everything, and killed after a random while.
KILLED = (
    WRITER
    + """
random.seed(5)
for _ in range(12):
    child = os.fork()
    if child == 0:
        while True:
            advance(RunFile.open(sys.argv[1]), random.randint(1, 5))
    time.sleep(random.uniform(0.02, 0.2))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    run = RunFile.open(sys.argv[1])
    state = run.read_state({"z": np.zeros(2000, int)}) if run.has_state else {"z": np.zeros(2000)}
    rows = run.trace().get("row", np.zeros(0))
    draws = run.draws("field") if run.draw_names() else np.zeros((0, 50))
    assert np.array_equal(rows, np.arange(run.steps)), "rows"
    assert np.array_equal(draws, field(range(run.steps))), "draws"
    assert np.all(state["z"] == run.steps), "state"
    assert run.message in ("", str(run.steps)), "message"
    print(run.steps, len(os.listdir(os.path.dirname(sys.argv[1]))) - 1)
"""
)

# A limit on the size of files makes writes fail as a full disk does, at a point of the checkpoint it chooses.
FULL = (
    WRITER
    + """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
run = RunFile.open(sys.argv[1])
advance(run, 2)
before = open(sys.argv[1], "rb").read()
failures = 0
for limit in [*range(0, len(before), len(before) // 10), *range(len(before), len(before) + 200000, 10000)]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        advance(run, 300)
        break
    except StorageError as error:
        assert "what was saved before is intact" in str(error), error
        failures += 1
    assert open(sys.argv[1], "rb").read() == before
    assert run.steps == 2
assert failures > 15, failures
assert np.array_equal(RunFile.open(sys.argv[1]).trace()["row"], np.arange(302))
print(os.listdir(os.path.dirname(sys.argv[1])))
"""
)


def begin(path):
    prior = PriorRecord("gaussian", {}, {"w": np.zeros(3)})
    RunFile.create(path, RunHeader(prior, Grid((5, 10)), [], "walk", {}, 0, "soft"))


def run_script(script, path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    result = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, env=environment, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_that_a_run_killed_at_random_moments_is_whole_each_time_and_goes_on(tmp_path):
    begin(tmp_path / "r.h5")
    lines = [tuple(map(int, line.split())) for line in run_script(KILLED, tmp_path / "r.h5").splitlines()]
    steps = [step for step, _ in lines]
    assert len(steps) == 12
    assert steps == sorted(steps)
    assert steps[-1] > 12
    # Some kills fall into writes: what they leave there is removed by the next writer. More than half of the
    # child's time is in writes, so that none of 12 falls there has a probability below 1 in 4000.
    assert any(left for _, left in lines)
    assert all(left <= 1 for _, left in lines)


def test_that_a_disk_that_fills_up_during_a_checkpoint_leaves_the_last_one_whole(tmp_path):
    begin(tmp_path / "r.h5")
    assert run_script(FULL, tmp_path / "r.h5") == "['r.h5']\n"
