"""External programs: each run in its directory, failures by kind, and an identity that follows what matters."""

import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.simulators import Executable, Outcome, Processes, Task, attempt

PROGRAM = """
import os, sys, time
import numpy as np
field = np.loadtxt("field.txt", ndmin=2)
mode = int(field[0, 0])
print("reading", field.shape)
if mode == 1:
    print("no convergence", file=sys.stderr)
    sys.exit(3)
if mode == 2:
    time.sleep(1e4)
if mode == 3:
    sys.exit(0)
if mode == 4:
    os.kill(os.getpid(), 9)
field[0, 0] = 0.0
result = field.sum(axis=1) if mode != 5 else field.sum(axis=1) * np.nan
np.savetxt("result.txt", result[: 1 if mode == 6 else 2])
"""
PROPERTY = np.arange(6.0).reshape(2, 3)


def read(place):
    return np.loadtxt(place / "result.txt", ndmin=1)


def write(place, property, *, name="field.txt"):
    np.savetxt(place / name, property)


@pytest.fixture
def template(tmp_path):
    folder = tmp_path / "template"
    (folder / "more").mkdir(parents=True)
    (folder / "program.py").write_text(PROGRAM)
    (folder / "field.txt").write_text("# conductivity\n{{property}}\n")
    (folder / "more" / "mesh.bin").write_bytes(bytes(range(256)))
    return folder


def program(template, **settings):
    return Executable([sys.executable, "program.py"], read, template=template, **settings)


def outcome(simulator, mode):
    property = PROPERTY.copy()
    property[0, 0] = mode
    return attempt(simulator, Task("simulate", (property,), (2,)))


def test_that_a_template_is_filled_and_the_output_read_and_nothing_is_left(template, tmp_path):
    simulator = program(template, folder=tmp_path / "runs")
    np.testing.assert_allclose(simulator.simulate(PROPERTY), [3.0, 12.0])
    assert list((tmp_path / "runs").iterdir()) == []
    assert (template / "field.txt").read_text() == "# conductivity\n{{property}}\n"


def test_that_a_function_may_write_the_input(template, tmp_path):
    (template / "field.txt").unlink()
    simulator = program(template, write=write)
    np.testing.assert_allclose(simulator.simulate(PROPERTY), [3.0, 12.0])
    alone = Executable([sys.executable, str(template / "program.py")], read, write=write)
    np.testing.assert_allclose(alone.simulate(PROPERTY), [3.0, 12.0])


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        (1, "crashed", "exit code 3: no convergence"),
        (3, "no output", "its output could not be read (FileNotFoundError: result.txt not found.)"),
        (4, "crashed", "exit code -9: reading (2, 3)"),
        (5, "not finite", "2 of 2 numbers are not finite"),
        (6, "wrong length", "it gave an array of shape (1,); expected (2,)"),
    ],
)
def test_that_a_run_that_fails_says_how(template, tmp_path, mode, kind, words):
    found = outcome(program(template, folder=tmp_path / "runs"), mode)
    assert found == Outcome(None, kind, words)
    assert list((tmp_path / "runs").iterdir()) == []


def lives(pid):
    """Whether a process is there and no mere entry that waits to be asked for."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.fixture
def endless(template, tmp_path):
    """A program that ends as little as the process it starts, whose number it leaves in a file."""
    (template / "program.py").write_text(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1e4)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(1e4)\n"
    )
    return template


def assert_child_ends(tmp_path):
    pid = int((tmp_path / "pid").read_text())
    for _ in range(200):  # the system may take a moment to end it
        if not lives(pid):
            return
        time.sleep(0.05)
    pytest.fail("the program's child lives on")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_that_a_run_that_hangs_is_ended_with_all_that_it_started(endless, tmp_path):
    found = outcome(program(endless, timeout=1.0), 0)
    assert found == Outcome(None, "timed out", "it took longer than 1 s")
    assert_child_ends(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_that_a_worker_that_is_killed_ends_its_program_and_removes_its_directory(endless, tmp_path):
    pool = Processes(1, timeout=4.0)
    simulator = program(endless, folder=tmp_path / "runs")
    ((_, found),) = pool.run(simulator, [Task("simulate", (PROPERTY,), (2,))])
    assert found == Outcome(None, "timed out", "it took longer than 4 s")
    assert_child_ends(tmp_path)
    assert list((tmp_path / "runs").iterdir()) == []


PARENT = """
from pathlib import Path
from latentinv.simulators import Executable, Processes, Task
from tests.simulators.test_executable import PROPERTY, program

if __name__ == "__main__":
    list(Processes(1).run(program(Path({template!r})), [Task("simulate", (PROPERTY,), (2,))]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_that_no_program_outlives_the_process_that_asked_for_it(endless, tmp_path):
    (tmp_path / "parent.py").write_text(PARENT.format(template=str(endless)))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen([sys.executable, str(tmp_path / "parent.py")], env=environment)
    for _ in range(1200):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
        assert parent.poll() is None
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    assert_child_ends(tmp_path)


@pytest.mark.parametrize(("mode", "left"), [(1, "stderr.txt"), (3, "stdout.txt"), (5, "result.txt"), (6, "result.txt")])
def test_that_the_directory_of_a_run_that_failed_is_kept_if_asked_for(template, tmp_path, mode, left):
    simulator = program(template, folder=tmp_path / "runs", keep_failed=True)
    simulator.simulate(PROPERTY)
    found = outcome(simulator, mode)
    (kept,) = (tmp_path / "runs").iterdir()
    assert found.place == str(kept)
    assert (kept / left).exists()
    assert (kept / "field.txt").read_text().startswith(f"# conductivity\n{mode} 1 2\n3 4 5")


def test_that_input_that_cannot_be_written_is_a_failure_whose_directory_is_kept(template, tmp_path):
    simulator = program(template, write=partial(write, name="no/folder.txt"), keep_failed=True)
    found = outcome(simulator, 0)
    assert found.kind == "crashed"
    assert found.reason.startswith("FileNotFoundError")
    assert (Path(found.place) / "program.py").exists()
    shutil.rmtree(found.place)


def test_that_a_program_runs_in_worker_processes(template):
    pool = Processes(1)
    task = Task("simulate", (PROPERTY,), (2,))
    ((_, found),) = pool.run(program(template), [task])
    pool.close()
    np.testing.assert_allclose(found.values, [3.0, 12.0])


def test_that_the_identity_follows_command_template_and_functions_and_nothing_else(template, tmp_path):
    base = program(template)
    assert program(template, timeout=9.0, folder=tmp_path, keep_failed=True).identity == base.identity
    others = [
        Executable([sys.executable, "-u", "program.py"], read, template=template),
        Executable([sys.executable, "program.py"], lambda place: read(place), template=template),
        program(template, write=write),
        program(template, write=partial(write, name="field.txt")),
    ]
    (template / "more" / "mesh.bin").write_bytes(b"finer")
    others.append(program(template))
    identities = {simulator.identity for simulator in (base, *others)}
    assert len(identities) == 6
    assert base.describe()["command"] == f"{sys.executable} program.py"
    assert base.describe()["template digest"] != others[-1].describe()["template digest"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda t: Executable([], read, write=write), "command is empty"),
        (lambda t: Executable(["no-such-program"], read, write=write), "no program no-such-program on the path"),
        (lambda t: program(t / "nowhere"), "nowhere; give a folder of input files"),
        (lambda t: program(t / "more"), r"No file of the template holds the placeholder \{\{property\}\}"),
        (lambda t: program(t, timeout=-1.0), "timeout is -1.0 s"),
        (lambda t: program(t, write=np.float64(2.0)), "Given a float64 to read or write files; expected a function"),
    ],
)
def test_that_a_program_that_cannot_run_is_refused_at_once(template, make, words):
    with pytest.raises(InputError, match=words):
        make(template)
