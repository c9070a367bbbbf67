"""`latentinv batch`: shared programs, what is finished, killed, wrong or interrupted, processes, and the table."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from latentinv import load_run
from latentinv.cli import _batch_study, _compilations
from latentinv.inference import run as inference_run
from latentinv.inference.run import _driver
from latentinv.storage import RunFile

STUDY = """[study]
prior = "prior.h5"
grid = [24, 30]
seed = {seed}
draws = 8

[algorithm]
name = "es_mda"
assimilations = 2

[[wells]]
file = "{wells}"
"""
PROGRAM = (sys.executable, "-c", "from latentinv.cli import main; main()")


def write(folder, name, wells="wells.csv", seed=0, more=""):
    """A study of the folder's prior."""
    (folder / f"{name}.toml").write_text(STUDY.format(seed=seed, wells=wells) + more)


@pytest.fixture
def studies(folder):
    """Three studies whose wells lie elsewhere, in files of their own."""
    lines = (folder / "wells.csv").read_text().splitlines()
    for number, name in enumerate(("a", "b", "c")):
        moved = [f"{(float(x) + number) % 30},{y},{facies}" for x, y, facies in (line.split(",") for line in lines[1:])]
        (folder / f"wells_{name}.csv").write_text("\n".join([lines[0], *moved]))
        write(folder, name, f"wells_{name}.csv", seed=number)
    return folder


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def interrupted_in_the_second_study(patch):
    """Save at every step, and stop the program at the first that is saved after the end of a run."""
    real, ended = _driver.RunRecorder.save, []

    def save(self, *state, **rest):
        real(self, *state, **rest)
        if ended:
            raise KeyboardInterrupt
        ended.extend([1] * rest.get("finished", False))

    patch.setattr(_driver, "CHECKPOINT_SHARE", 1e9)
    patch.setattr(_driver.RunRecorder, "save", save)


def test_that_studies_run_as_they_would_alone_and_share_programs(latentinv, studies):
    alone = latentinv("run", "b.toml", "--output", "alone.h5")
    compiled = []
    with pytest.MonkeyPatch.context() as patch:
        real = _batch_study.run_study

        def run_study(job, simulators, listener=None):
            heard = []

            def hear(event, seconds, **_):
                heard.extend([event] * ("backend_compile" in event))

            jax.monitoring.register_event_duration_secs_listener(hear)
            row = real(job, simulators, listener)
            jax.monitoring.unregister_event_duration_listener(hear)
            compiled.append(len(heard))
            return row

        patch.setattr("latentinv.cli._batch.run_study", run_study)
        told = latentinv("batch", "a.toml", "b.toml", "c.toml", "--output", "runs")

    assert alone.code == 0, alone.err
    assert told.code == 0, told.err
    assert compiled[1:] == [0, 0]
    np.testing.assert_array_equal(load_run("alone.h5").latents, load_run("runs/b.h5").latents)
    rows = rows_of(studies / "runs" / "batch.csv")
    assert [row["study"] for row in rows] == ["a.toml", "b.toml", "c.toml"]
    assert {(row["status"], row["draws"], row["wells"]) for row in rows} == {("finished", "8", "6")}
    assert "3 of 3 studies finished; the table is runs/batch.csv" in told.out
    assert "batch  33 % · 1 of 3 studies, a: finished, 8 draws" in told.out


def test_that_a_finished_run_is_left_and_a_stopped_one_resumed_to_the_same_draws(latentinv, studies, monkeypatch):
    whole = latentinv("batch", "a.toml", "b.toml", "--output", "whole")
    with monkeypatch.context() as patch:
        interrupted_in_the_second_study(patch)
        stopped = latentinv("batch", "a.toml", "b.toml")
    between = rows_of(studies / "batch.csv")
    begun = (studies / "a.h5").read_bytes()
    dry = latentinv("batch", "a.toml", "b.toml", "c.toml", "--dry")
    again = latentinv("batch", "a.toml", "b.toml", "--json")

    assert (whole.code, stopped.code, again.code) == (0, 130, 0), again.err
    assert "To continue: the same command" in stopped.err
    assert [row["status"] for row in between] == ["finished"]
    assert "nothing: it is finished" in dry.out
    assert "resume at" in dry.out
    assert "run by 'es_mda'" in dry.out
    assert "3 studies, all share their programs" in dry.out
    assert (studies / "a.h5").read_bytes() == begun
    assert [row["status"] for row in json.loads(again.out)] == ["finished before", "finished"]
    for name in ("a", "b"):
        np.testing.assert_array_equal(load_run(f"{name}.h5").latents, load_run(f"whole/{name}.h5").latents)


def test_that_a_study_that_fails_in_any_way_does_not_stop_the_others(latentinv, studies, monkeypatch):
    write(studies, "missing", "nowhere.csv")
    (studies / "no.toml").write_text("[study")
    (studies / "c.h5").write_text("no run")
    real = _batch_study.choice_of_study

    def choice_of_study(posterior, file):
        if file.settings["seed"] == 7:
            raise RuntimeError("a bug of somebody")
        return real(posterior, file)

    write(studies, "bug", seed=7)
    monkeypatch.setattr(_batch_study, "choice_of_study", choice_of_study)
    names = ("missing", "no", "bug", "c", "a")
    told = latentinv("batch", *(f"{name}.toml" for name in names))
    rows = {row["study"]: row for row in rows_of(studies / "batch.csv")}

    assert told.code == 1
    assert [rows[f"{name}.toml"]["status"] for name in names] == ["failed"] * 4 + ["finished"]
    assert [rows["missing.toml"][name] for name in ("draws", "wells", "wells_honoured")] == [""] * 3
    assert "nowhere.csv" in rows["missing.toml"]["message"]
    assert rows["bug.toml"]["message"] == "RuntimeError: a bug of somebody"
    assert "c.h5" in rows["c.toml"]["message"]
    assert "missing.toml: " in told.out
    assert "1 of 5 studies finished" in told.out
    assert latentinv("batch", "missing.toml", "a.toml", "--dry").code == 1
    quiet = latentinv("batch", "missing.toml", "--quiet")
    assert (quiet.code, quiet.out) == (1, "")
    assert quiet.err.startswith("latentinv: missing.toml: ")
    assert "nowhere.csv" in quiet.err
    assert {row["study"] for row in rows_of(studies / "batch.csv")} == set(rows)  # rows of other studies are kept


def test_that_a_run_of_other_data_is_not_taken_for_the_studys(latentinv, studies):
    first = latentinv("batch", "a.toml")
    write(studies, "a", "wells_b.csv")
    moved = latentinv("batch", "a.toml")
    write(studies, "a", "wells_a.csv", seed=5)
    other_seed = latentinv("batch", "a.toml", "--dry")
    write(studies, "a", "wells_a.csv")
    again = latentinv("batch", "a.toml")

    assert (first.code, moved.code, other_seed.code, again.code) == (0, 1, 1, 0)
    assert "a.h5 holds a run of another prior, grid, data, algorithm or seed than a.toml states" in moved.out
    assert "a.h5 holds a run of another" in " ".join(other_seed.out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a.toml", "wells.csv"), "wells.csv is no study file"),
        (("a.toml", "sub/a.toml", "--output", "runs"), "would both be run into runs/a.h5"),
        (("a.toml", "--table", "wells.csv"), "wells.csv exists already and is no table of a batch"),
        (("a.toml", "--table", "table.txt"), "table.txt"),
        (("a.toml", "--table", "none/table.csv"), "There is no folder none for the table"),
        (("a.toml", "--output", "wells.csv", "--dry"), "wells.csv is a file, so no runs can be in wells.csv"),
        (("a.toml", "--output", "wells.csv/runs"), "wells.csv is a file, so no runs can be in wells.csv/runs"),
        (("a.toml", "--dry", "--json"), "A dry run prints no JSON"),
    ],
)
def test_that_what_cannot_be_a_batch_is_refused(latentinv, studies, arguments, words):
    told = latentinv("batch", *arguments)
    assert told.code == 1
    assert words in told.err
    assert not (studies / "a.h5").exists()


def test_that_data_that_cannot_be_met_are_a_status_of_their_own(latentinv, studies, monkeypatch):
    first = latentinv("batch", "a.toml")
    real = inference_run.load_run

    def infeasible(path):
        run = real(path)
        run.results["infeasible_data"] = ["well at x 3 m, y 4 m (1): honoured in 0 % of draws"]
        return run

    monkeypatch.setattr(inference_run, "load_run", infeasible)
    told = latentinv("batch", "a.toml")
    (row,) = rows_of(studies / "batch.csv")
    assert (first.code, told.code) == (0, 1)
    assert row["status"] == "data cannot be met"
    assert "a.toml: well at x 3 m, y 4 m (1): honoured in 0 % of draws" in told.out
    assert "0 of 1 studies finished" in told.out
    quiet = latentinv("batch", "a.toml", "--quiet")
    assert (quiet.code, quiet.out) == (1, "")
    assert quiet.err.startswith("latentinv: a.toml: well at x 3 m")


def test_that_programs_are_dropped_before_there_are_too_many(monkeypatch):
    cleared = []
    monkeypatch.setattr(jax, "clear_caches", lambda: cleared.append(1))
    _compilations.drop_programs()
    monkeypatch.setattr(_compilations, "MOST_MAPPINGS", 1)
    _compilations.drop_programs()
    assert cleared == ([1] if _compilations.MAPPINGS.exists() else [])


@pytest.mark.assure
def test_that_processes_share_the_studies_and_a_kill_of_all_loses_nothing(folder):
    for number in range(4):
        write(folder, f"s{number}", seed=number)
    names = [f"s{number}.toml" for number in range(4)]
    process = subprocess.Popen([*PROGRAM, "batch", *names, "--processes", "2"], cwd=folder, start_new_session=True)
    while not (folder / "batch.csv").exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    again = subprocess.run([*PROGRAM, "batch", *names, "--processes", "2"], cwd=folder, capture_output=True, text=True)
    one = subprocess.run([*PROGRAM, "batch", *names, "--output", "one"], cwd=folder, capture_output=True, text=True)
    assert (again.returncode, one.returncode) == (0, 0), again.stderr + one.stderr
    assert "finished before" in again.stdout
    for number in range(4):
        assert RunFile.open(folder / f"s{number}.h5").finished
        np.testing.assert_array_equal(
            load_run(folder / f"s{number}.h5").latents, load_run(folder / "one" / f"s{number}.h5").latents
        )
