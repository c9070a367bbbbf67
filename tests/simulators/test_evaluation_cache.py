"""Evaluations on the disk: found again by anybody, whole or absent, failures too."""

import numpy as np
import pytest

from latentinv.errors import StorageError
from latentinv.simulators import EvaluationCache, Outcome
from latentinv.simulators._cache import evaluation_key

PROPERTY = np.arange(6, dtype=np.float32).reshape(2, 3)
KEY = evaluation_key("heads", PROPERTY, 2)


def test_that_an_evaluation_is_found_again_bit_for_bit_from_another_object(tmp_path):
    values = np.array([1 / 3, 2e-300, -0.0])
    EvaluationCache(tmp_path).put(KEY, Outcome(values))
    found = EvaluationCache(tmp_path).get(KEY)
    assert found.values.tobytes() == values.tobytes()
    assert found.kind == ""
    assert EvaluationCache(tmp_path).get(evaluation_key("heads", PROPERTY + 1, 2)) is None


def test_that_the_name_follows_the_simulator_and_every_number_of_the_property():
    others = [
        evaluation_key("times", PROPERTY, 2),
        evaluation_key("heads", PROPERTY, 3),
        evaluation_key("heads", PROPERTY.reshape(3, 2), 2),
        evaluation_key("heads", PROPERTY.astype(float), 2),
        evaluation_key("heads", np.nextafter(PROPERTY, np.float32(9)), 2),
    ]
    assert len({KEY, *others}) == 6
    assert evaluation_key("heads", np.asfortranarray(PROPERTY), 2) == KEY


def test_that_failures_are_listed_and_forgotten_when_asked(tmp_path):
    cache = EvaluationCache(tmp_path / "new" / "folder")
    failure = Outcome(None, "crashed", "exit code 3", "/runs/7")
    cache.put(KEY, failure)
    cache.put(evaluation_key("heads", PROPERTY + 1, 2), Outcome(np.ones(2)))
    assert cache.get(KEY) == failure
    assert cache.failures() == {KEY: failure}
    cache.forget_failures()
    assert cache.get(KEY) is None
    assert cache.failures() == {}
    assert cache.get(evaluation_key("heads", PROPERTY + 1, 2)) is not None


def test_that_a_damaged_file_counts_as_absent(tmp_path):
    cache = EvaluationCache(tmp_path)
    cache.put(KEY, Outcome(np.ones(300)))
    (path,) = tmp_path.glob("*/*.npz")
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"\x93NUMPY rubbish", bytes(len(whole))):
        path.write_bytes(damaged)
        assert cache.get(KEY) is None
    path.write_bytes(whole)
    assert cache.get(KEY) is not None


def test_that_a_folder_that_cannot_be_made_is_said_to_be_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="evaluations cannot be made"):
        EvaluationCache(tmp_path / "file" / "cache")
