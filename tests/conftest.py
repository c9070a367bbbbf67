"""What tests of all folders share: compiled programs, and in a parallel run one processor for each process."""

import os
import shutil
import tempfile

WORKER = os.environ.get("PYTEST_XDIST_WORKER")
if WORKER is None:
    # Tests and the processes they start compile most programs only once; all read these settings when they import JAX.
    COMPILATIONS = tempfile.mkdtemp(prefix="latentinv-compilations-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = COMPILATIONS
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"
else:
    # Before JAX starts its threads: two programs that both want all processors slow each other far more than twofold.
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {processors[int(WORKER.removeprefix("gw")) % len(processors)]})


def pytest_unconfigure():
    """Remove the compiled programs."""
    if WORKER is None:
        shutil.rmtree(COMPILATIONS, ignore_errors=True)
