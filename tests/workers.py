"""Workers that go on with a run or a training and are killed, each alive, whatever the speed of the machine.

A worker waits to be told to begin, and after each step for leave to go on. So none can come to the end before it is
killed; the clock decides only how far into its start or into a step it has come.
"""

import signal
import subprocess
import sys
import time

import numpy as np

SCRIPT = """
import sys
{imports}

class Obedient:
    def on_step(self, step, news):
        print(step, flush=True)
        sys.stdin.readline()

    def on_comparison(self, step, comparison, kept): ...

print("ready", flush=True)
sys.stdin.readline()
resume(sys.argv[1], listener=Obedient())
"""
RUN = "from latentinv import resume"
TRAINING = "from latentinv.training import resume_training as resume"
MOST_STEPS = 3
"""No worker gets further from where it began before it is killed, in steps that may be saved."""


def killed_workers(imports, path, *, seed, count):
    """Let workers go on with the file at `path` one after the other, and kill each at a random moment.

    Half of them are killed between their beginning and shortly after their first step, the first of these between its
    first step and whatever would be saved of it; the other half within a later step, or while that is saved.

    Yields
    ------
    After each kill; the worker was alive, and the kill is what ended it.
    """
    rng = np.random.default_rng(seed)
    early = [True, *rng.permutation([True] * (count // 2 - 1) + [False] * (count - count // 2))]
    beginning = None
    for number in range(count):
        with _Worker(imports, path) as worker:
            if beginning is None:
                worker.allow(1)
                beginning = worker.seconds_to_report()
            elif early[number]:
                worker.allow(MOST_STEPS)
                time.sleep(rng.uniform(0, 1.5 * beginning))
            else:
                worker.allow(1)
                beginning = worker.seconds_to_report()
                pace = max(worker.seconds_of_a_step() for _ in range(rng.integers(1, MOST_STEPS)))
                worker.allow(1)
                time.sleep(rng.uniform(0, pace))
            worker.kill()
        yield


class _Worker:
    """A process that goes on with a file, step by step as it is allowed to."""

    def __init__(self, imports, path):
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT.format(imports=imports), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.__exit__(*error)

    def allow(self, steps):
        self.process.stdin.write("\n" * steps)
        self.process.stdin.flush()

    def seconds_of_a_step(self):
        self.allow(1)
        return self.seconds_to_report()

    def seconds_to_report(self):
        begun = time.monotonic()
        assert self.process.stdout.readline().strip().isdigit(), "the worker ended by itself"
        return time.monotonic() - begun

    def kill(self):
        assert self.process.poll() is None
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait() == -signal.SIGKILL
