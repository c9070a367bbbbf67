"""How far runs have come, results as JSON, and silence."""

import json
import os
import re
import time

import pytest

from latentinv import load_run
from latentinv.inference.run import _driver


@pytest.fixture
def interrupted(latentinv, folder, monkeypatch):
    """A run that was stopped at its third step, and what was said."""
    real = _driver.RunRecorder.save
    saved = []

    def save(self, state, steps, **rest):
        real(self, state, steps, **rest)
        saved.append(steps)
        if len(saved) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(_driver, "CHECKPOINT_SHARE", 1e9)
    monkeypatch.setattr(_driver.RunRecorder, "save", save)
    place = ("--grid", "24x30", "--wells", "wells.csv", "--output", "run.h5")
    told = latentinv("condition", "prior.h5", *place, "--draws", "8", "--set", "first_draws=8", "--quiet")
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    return told


def test_that_a_run_says_how_far_it_has_come_and_then_its_results_as_json(latentinv, interrupted):
    assert interrupted.code == 130
    assert interrupted.out == ""
    assert "To continue: latentinv resume run.h5" in interrupted.err
    under_way = latentinv("status", "run.h5")
    (row,) = json.loads(latentinv("status", "run.h5", "--json").out)
    assert re.search(r"run\.h5 +after step 3 ", under_way.out)
    assert "level 3" in under_way.out
    assert row["steps"] == 3
    assert 0 < row["done"] < 1
    # What is left takes the pace of what is done.
    assert row["seconds_left"] == pytest.approx(row["seconds"] * (1 - row["done"]) / row["done"])
    assert not row["stopped"]

    silent = time.time() - 3600 - 20 * row["seconds"]
    os.utime("run.h5", (silent, silent))
    stopped = latentinv("status", "run.h5")
    (row,) = json.loads(latentinv("status", "run.h5", "--json").out)
    assert re.search(r"run\.h5 +stopped after step 3 ", stopped.out)
    assert "to continue: latentinv resume run.h5" in stopped.out
    assert "left" not in stopped.out.split("\n", 1)[1]
    assert (row["stopped"], row["seconds_left"]) == (True, None)

    place = ("--grid", "24x30", "--wells", "wells.csv", "--output", "run.h5")
    again = latentinv("condition", "prior.h5", *place)
    assert again.code == 1
    assert "run.h5 holds an unfinished run. To continue it: latentinv resume run.h5" in again.err

    outcome = latentinv("resume", "run.h5", "--json")
    record, run = json.loads(outcome.out), load_run("run.h5")
    shown, (row,) = (
        json.loads(latentinv("show", "run.h5", "--json").out),
        json.loads(latentinv("status", "run.h5", "--json").out),
    )
    assert outcome.code == 0, outcome.err
    assert record["draws"] == len(run.latents) == 8
    assert record["data"][0]["fulfilled"] == [6] * 8
    assert record["results"]["log_evidence"] == pytest.approx(run.results["log_evidence"])
    assert {name: shown[name] for name in record} == record
    assert shown["grid"]["shape"] == [24, 30]
    assert (row["state"], row["done"], row["seconds_left"]) == ("finished", 1, None)


def test_that_priors_and_algorithms_are_told_as_json(latentinv, folder):
    prior = json.loads(latentinv("show", "prior.h5", "--json").out)
    settings = json.loads(latentinv("algorithms", "smc", "--json").out)
    shipped = {row["name"]: row for row in json.loads(latentinv("priors", "--json").out)}
    assert prior["facies"] == [0, 1]
    assert settings["smc"]["particles"] == 64
    assert shipped["meanders"]["facies"] == [0, 1]
    assert not list(folder.glob("*.png"))


def test_that_a_prior_has_no_progress_but_a_sentence_for_what_is_no_file(latentinv, folder):
    assert "finished" in latentinv("status", "prior.h5").out
    missing = latentinv("status", "none.h5")
    assert missing.code == 1
    assert "none.h5" in missing.err
    assert "Traceback" not in missing.err
