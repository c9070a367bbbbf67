"""One run shared by two processes of four virtual devices each, as two machines would share it."""

import contextlib
import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from latentinv import StorageError, load_run
from latentinv.storage import RunFile
from tests.problems import generator_posterior

STUDY = """
[study]
prior = "prior.h5"
grid = [20, 18]
seed = 4

[[wells]]
file = "wells.csv"

[algorithm]
name = "smc"
particles = 10
moves = 1
leapfrogs = 2
local_moves = 2
probes = 1
max_levels = 4
final_rounds = 1
"""
PROGRAM = "from latentinv.cli import main; main()"


@pytest.fixture
def study(tmp_path):
    posterior = generator_posterior(wells=3)
    posterior.prior.save(tmp_path / "prior.h5")
    wells = posterior.observations[0]
    places = posterior.grid.centres(wells.cells)
    rows = [f"{x},{y},{facies}" for (x, y), facies in zip(places, wells.observed, strict=True)]
    (tmp_path / "wells.csv").write_text("\n".join(["x,y,facies", *rows]))
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


def begin(folder, *arguments, devices=4, processes=2):
    """Start the processes that share a command."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = os.pathsep.join([os.getcwd(), environment.get("PYTHONPATH", "")])
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{one.getsockname()[1]}"
    shared = ["--distributed", "--coordinator", place, "--processes", str(processes)]
    return [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments, *shared, "--process", str(n)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(processes)
    ]


def finish(workers):
    """What the processes printed, after all have ended well."""
    outcomes = [worker.communicate(timeout=300) for worker in workers]
    # Exit code 1 says that data were not met, which a run as short as this one need not.
    assert all(worker.returncode in (0, 1) for worker in workers), outcomes
    return [out for out, _ in outcomes]


def same_draws(one, other):
    first, second = load_run(one), load_run(other)
    assert first.finished
    assert second.finished
    assert first.steps == second.steps
    for name in first.trace:
        np.testing.assert_array_equal(first.trace[name], second.trace[name])
    np.testing.assert_array_equal(first.latents, second.latents)
    np.testing.assert_array_equal(first.realizations, second.realizations)


@pytest.mark.assure
def test_that_two_processes_write_one_run_and_one_of_them_speaks(study):
    first, second = finish(begin(study, "run", "study.toml"))
    assert "level" in first
    assert "level" not in second
    assert load_run(study / "study.h5").finished


@pytest.mark.assure
def test_that_a_run_that_lost_a_host_is_resumed_bit_for_bit(study):
    finish(begin(study, "run", "study.toml", "--output", "whole.h5"))
    workers = begin(study, "run", "study.toml", "--output", "lost.h5")
    until = time.monotonic() + 240
    while time.monotonic() < until and all(worker.poll() is None for worker in workers):
        with contextlib.suppress(StorageError):
            if RunFile.open(study / "lost.h5").steps:
                break
        time.sleep(0.01)
    for worker in reversed(workers):  # the host without the file first
        worker.kill()
        worker.communicate()
    assert RunFile.open(study / "lost.h5").steps > 0
    finish(begin(study, "resume", "lost.h5"))
    same_draws(study / "whole.h5", study / "lost.h5")
