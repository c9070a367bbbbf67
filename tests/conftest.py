"""What tests of several folders share."""

import pytest

from tests.workers import shared_compilations


@pytest.fixture(scope="session")
def _compiled(tmp_path_factory):
    return tmp_path_factory.mktemp("compilations")


@pytest.fixture(scope="module")
def compilations(_compiled):
    """A folder of compiled programs, shared by the tests that ask for it and by their workers, to spare time."""
    with shared_compilations(_compiled):
        yield _compiled
