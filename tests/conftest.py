"""What tests of several folders share, and one processor for each process of a parallel run."""

import os

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER")
if WORKER is not None:
    # Before JAX starts its threads: two programs that both want all processors slow each other far more than twofold.
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {processors[int(WORKER.removeprefix("gw")) % len(processors)]})

from tests.workers import shared_compilations  # noqa: E402


@pytest.fixture(scope="session")
def _compiled(tmp_path_factory):
    return tmp_path_factory.mktemp("compilations")


@pytest.fixture(scope="module")
def compilations(_compiled):
    """A folder of compiled programs, shared by the tests that ask for it and by their workers, to spare time."""
    with shared_compilations(_compiled):
        yield _compiled
