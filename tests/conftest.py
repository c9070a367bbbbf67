"""What tests of all folders share: compiled programs, and in a parallel run one processor for each process.

Programs are kept by the process of the tests alone: those that it starts may be killed, or be out of disk, in the
middle of writing one, so they only read.

A program in memory takes some ten mappings of memory, of which Linux gives a process 65 530 by default; XLA crashes
where it gets no more, so programs are dropped before there are too many. One test may add 20 000.
"""

import gc
import os
import shutil
import tempfile
from pathlib import Path

WORKER = os.environ.get("PYTEST_XDIST_WORKER")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"
if WORKER is None:
    # Tests and the processes they start compile most programs only once; all read these settings when they import JAX.
    COMPILATIONS = tempfile.mkdtemp(prefix="latentinv-compilations-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = COMPILATIONS
    # Noting where in the source each operation was written takes time, and nobody reads it.
    os.environ["JAX_TRACEBACK_IN_LOCATIONS_LIMIT"] = "0"
else:
    # Before JAX starts its threads: two programs that both want all processors slow each other far more than twofold.
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {processors[int(WORKER.removeprefix("gw")) % len(processors)]})

import jax  # noqa: E402
import pytest  # noqa: E402

MAPPINGS = Path("/proc/self/maps")
MOST_MAPPINGS = 25_000

os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "1e9"


def pytest_unconfigure():
    """Remove the compiled programs."""
    if WORKER is None:
        shutil.rmtree(COMPILATIONS, ignore_errors=True)


@pytest.fixture(autouse=True)
def few_programs():
    """Drop all programs when they take too many mappings."""
    yield
    if MAPPINGS.exists() and MAPPINGS.read_bytes().count(b"\n") > MOST_MAPPINGS:
        jax.clear_caches()
        gc.collect()
