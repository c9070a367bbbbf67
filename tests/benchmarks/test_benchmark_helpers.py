import json

import numpy as np
import pytest

from benchmarks._data import data_file
from benchmarks._report import last_line, run
from latentinv.errors import InputError, StorageError


def test_that_the_last_line_is_one_json_object_without_numbers_that_are_not_finite():
    line = last_line({"a": 1.5, "b": float("nan"), "c": [{"d": float("inf"), "e": 2}]})
    assert "\n" not in line
    assert json.loads(line) == {"a": 1.5, "b": None, "c": [{"d": None, "e": 2}]}


def test_that_a_benchmark_ends_with_its_json_line(capsys):
    run(lambda: {"seconds": 1.0})
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"seconds": 1.0}


def test_that_a_benchmark_that_cannot_run_ends_with_one_sentence():
    def refuse():
        raise InputError("The prior is missing; train it.")

    with pytest.raises(SystemExit, match=r"The prior is missing; train it\."):
        run(refuse)


def test_that_a_missing_reference_file_is_named_with_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTINV_DATA", str(tmp_path))
    with pytest.raises(StorageError, match=r"steady_flow_125/case\.npz is not in .*set LATENTINV_DATA"):
        data_file("steady_flow_125/case.npz")


def test_that_reference_files_are_found_in_the_folder_of_the_variable(tmp_path, monkeypatch):
    (tmp_path / "training_images").mkdir()
    np.savez(tmp_path / "training_images" / "a.npz", facies=np.zeros((2, 2)))
    monkeypatch.setenv("LATENTINV_DATA", str(tmp_path))
    assert data_file("training_images/a.npz") == tmp_path / "training_images" / "a.npz"
