"""The comparison with multiple-point statistics: its pure parts, and a tool that is made up."""

import argparse
import json
import sys
import time

import numpy as np
import pytest

from benchmarks import _mps_fields, _mps_ours, _mps_tools, mps_peers
from benchmarks._mps_tools import PEERS, Drawn, Job
from benchmarks.hard_data import Case
from latentinv.errors import InputError, StorageError
from latentinv.training import TrainingImage
from tests.problems import random_generator_prior, random_sequential_prior

TOOL = """
import sys
import numpy as np
job = dict(np.load(sys.argv[-2]))
fields = np.zeros((int(job["draws"]), int(job["edge"]), int(job["edge"])), int)
fields[(slice(None), *job["cells"].T)] = job["codes"]
np.savez(sys.argv[-1], fields=fields, seconds=0.5 + 2.0 * len(fields), processor_seconds=1.0, version="1.2.3")
"""
WELLS = Case("wells", np.array([[0, 1], [5, 5]]), np.array([1, 0]))


def job(draws=4):
    return Job(np.zeros((9, 9), int), WELLS.cells, WELLS.codes, 8, draws, 0)


def drawn(fields, seconds=10.0, **others):
    defaults = {"setup_seconds": None, "effective": float(len(fields)), "version": "0", "sentences": "[]"}
    return Drawn(fields, seconds, seconds / 2, **(defaults | others))


def setting(runs, edge=40):
    rng = np.random.default_rng(0)
    image = TrainingImage(rng.integers(0, 2, (edge, edge)).astype(np.uint8), (0, 1), "noise", "")
    return mps_peers.Setting(image, runs, tuple(runs), draws=4, seed=0, seconds=100.0)


@pytest.fixture
def tool(tmp_path):
    script = tmp_path / "tool.py"
    script.write_text(TOOL)
    return lambda job, seconds: _mps_tools.in_a_process([sys.executable, str(script)], [], job, seconds)


def test_that_cases_are_the_cross_of_both_lists_and_a_missing_list_is_the_full_one():
    assert mps_peers.chosen_cases(None, None) == list(mps_peers.USUAL)
    assert mps_peers.chosen_cases([128, 250], [50]) == [(128, 50), (250, 50)]
    assert mps_peers.chosen_cases([500], None) == [(500, wells) for wells in mps_peers.WELLS]


def test_that_a_tool_in_a_process_of_its_own_gets_the_job_and_gives_its_draws(tool):
    found = tool(job(), 10.0)
    assert found.fields.shape == (4, 8, 8)
    assert (found.seconds, found.effective, found.version, found.setup_seconds) == (8.5, 4.0, "1.2.3", None)
    assert _mps_fields.honoured(found.fields, WELLS) == 1.0


def test_that_set_up_is_told_from_draws_by_two_runs(tool):
    found = _mps_tools.draw_within(tool, job(), 100.0)
    assert len(found.fields) == 4
    assert found.setup_seconds == pytest.approx(0.5)
    costs = mps_peers.costs(found)
    assert costs["seconds"] == pytest.approx(2.0)
    assert costs["seconds_with_setup"] == pytest.approx(8.5 / 4)


def test_that_no_more_draws_are_asked_for_than_fit(tool):
    assert len(_mps_tools.draw_within(tool, job(), 10.0).fields) == 2
    assert len(_mps_tools.draw_within(tool, job(), 3.0).fields) == 1
    assert _mps_tools.draws_that_fit(2.0, 100.0, 8) == 8
    assert _mps_tools.draws_that_fit(60.0, 100.0, 8) == 0


def test_that_a_process_that_does_not_end_in_time_gives_nothing(monkeypatch):
    monkeypatch.setattr(_mps_tools, "START", 0.0)
    begun = time.monotonic()
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert _mps_tools.in_a_process(sleep, [], job(), 0.3) is None
    assert time.monotonic() - begun < 30
    found = mps_peers.condition(setting({"deesse": lambda job, seconds: None}), "deesse", 8, WELLS)
    assert found["reason"] == "deesse had no draw of 8×8 cells and 2 wells in 1.66667 minutes."


def test_that_a_process_that_fails_is_told_in_its_last_words():
    fail = [sys.executable, "-c", "raise SystemExit('no geone here')"]
    with pytest.raises(StorageError, match="no geone here"):
        _mps_tools.in_a_process(fail, [], job(), 10.0)


def test_that_a_peers_python_is_the_one_named_else_that_of_its_variable(tmp_path, monkeypatch):
    peer = PEERS["deesse"]
    monkeypatch.setattr(_mps_tools, "ROOT", tmp_path)
    monkeypatch.delenv(peer.variable, raising=False)
    assert _mps_tools.peer_python(peer) is None
    monkeypatch.setenv(peer.variable, sys.executable)
    assert str(_mps_tools.peer_python(peer)) == sys.executable
    with pytest.raises(StorageError, match="DeeSse is said to be"):
        _mps_tools.peer_python(peer, str(tmp_path / "python"))
    assert peer.variable in mps_peers.missing("deesse")


def test_that_wells_come_from_a_patch_of_the_image_or_else_from_a_field_of_deesse():
    field = np.ones((1, 50, 50), int)
    chosen = setting({"deesse": lambda job, seconds: drawn(field), "latentinv": lambda job, seconds: None})
    truth, origin = mps_peers.find_truth(chosen, 20)
    assert (truth.shape, origin) == ((20, 20), "image")
    truth, origin = mps_peers.find_truth(chosen, 50)
    assert (truth.shape, origin) == ((50, 50), "deesse")
    with pytest.raises(InputError, match="--minutes"):
        mps_peers.find_truth(setting({"latentinv": lambda job, seconds: None}), 50)


def test_that_windows_lie_side_by_side_and_come_from_all_over_a_population():
    fields = np.arange(3 * 130 * 130).reshape(3, 130, 130)
    cut = _mps_fields.windows(fields, 32, 0)
    assert cut.shape == (12, 64, 64)
    assert len(np.unique(cut)) == cut.size
    assert _mps_fields.windows(fields, 5, 0).shape == (5, 64, 64)
    np.testing.assert_array_equal(_mps_fields.spread(np.arange(64), 8), [0, 9, 18, 27, 36, 45, 54, 63])
    np.testing.assert_array_equal(_mps_fields.spread(np.arange(2), 8), [0, 1])


def test_that_fields_like_the_image_are_at_the_floor_and_others_are_not():
    chosen = setting({}, edge=200)
    like = np.random.default_rng(1).integers(0, 2, (8, 64, 64))
    found = _mps_fields.realism(like, chosen.image, 8, 0)
    assert found["windows"] == 8
    assert found["tv_ratio"] == pytest.approx(1.0, abs=0.02)
    assert found["lbp1_over_floor"] < 3
    blocks = np.kron(like[:, :16, :16], np.ones((4, 4), int))
    assert _mps_fields.realism(blocks, chosen.image, 8, 0)["lbp1_over_floor"] > 10
    assert _mps_fields.realism(like[:2], chosen.image, 8, 0)["tv_ratio"] is None


def test_that_the_worst_draw_counts_for_wells():
    fields = np.zeros((2, 8, 8), int)
    fields[0, 0, 1] = 1
    assert _mps_fields.honoured(fields, WELLS) == 0.5
    assert _mps_fields.honoured(fields[:0], WELLS) == 0.0


def test_that_ratios_are_of_the_fewest_wells_that_both_have_and_missing_ones_are_null():
    rows = [
        {"tool": "latentinv", "cells": 128, "wells": 250, "processor_seconds": 9.0, "honoured": 1.0},
        {"tool": "latentinv", "cells": 128, "wells": 50, "processor_seconds": 6.0, "honoured": 0.98},
        {"tool": "deesse", "cells": 128, "wells": 50, "processor_seconds": 0.5, "honoured": 1.0},
        {"tool": "snesim", "cells": 128, "wells": 250, "processor_seconds": 3.0, "honoured": 0.9},
        {"tool": "latentinv", "cells": 1000, "wells": 50, "reason": "…"},
        {"tool": "given", "cells": 128, "wells": 50, "processor_seconds": 0.25, "honoured": 1.0},
    ]
    found = mps_peers.summary(rows)
    assert found == {
        "ratio_deesse_128": 12.0,
        "ratio_deesse_1000": None,
        "ratio_snesim_128": 3.0,
        "given_ratio_deesse_128": 0.5,
        "given_ratio_deesse_1000": None,
        "given_ratio_snesim_128": None,
        "honoured": 0.98,
    }
    assert set(mps_peers.summary([]).values()) == {None}


def test_that_our_draws_count_as_their_effective_size_and_infeasible_wells_are_told():
    costs = mps_peers.costs(drawn(np.zeros((64, 8, 8), int), effective=16.0, setup_seconds=2.0))
    assert costs["processor_seconds_an_independent_draw"] == pytest.approx(5 / 16)
    assert costs["seconds"] == pytest.approx(8 / 64)
    none = drawn(np.zeros((0, 8, 8), int), sentences=json.dumps(["the well at (1, 1) is missed"]))
    found = mps_peers.condition(setting({"latentinv": lambda job, seconds: none}), "latentinv", 8, WELLS)
    assert (found["draws"], found["honoured"]) == (0, 0.0)
    assert found["processor_seconds_in_all"] == 5.0
    assert found["reason"] == "the well at (1, 1) is missed"


def test_that_ours_draws_from_the_prior_without_wells():
    prior = random_generator_prior()
    found = _mps_ours.draw(prior, job()._replace(cells=WELLS.cells[:0], codes=WELLS.codes[:0])._asdict(), "posterior")
    assert found["fields"].shape == (4, 8, 8)


def test_that_a_prior_that_is_given_wells_honours_them():
    prior = random_sequential_prior(sees=True)
    found = _mps_ours.draw(prior, job()._asdict(), "given")
    assert found["fields"].shape == (4, 8, 8)
    assert _mps_fields.honoured(found["fields"], WELLS) == 1.0


def test_that_a_missing_peer_is_null_and_says_so(monkeypatch, tool):
    monkeypatch.setattr(mps_peers, "stay_on_one_processor", lambda: None)
    chosen = setting({"latentinv": tool})._replace(tools=("deesse", "latentinv"))
    monkeypatch.setattr(mps_peers, "prepare", lambda arguments: chosen)
    found = mps_peers.benchmark(mps_peers.parse(["--sizes", "8", "--wells", "3"]))
    missing, ours = found["rows"]
    assert missing.keys() == ours.keys()
    assert missing["processor_seconds"] is None
    assert missing["reason"].startswith("DeeSse is not here")
    assert (ours["draws"], ours["honoured"], ours["windows_unconditioned"]) == (4, 1.0, 4)
    assert found["honoured"] == 1.0


def test_that_a_peer_that_fails_costs_nothing_of_what_others_gave(monkeypatch, tool):
    def fail(job, seconds):
        raise StorageError("The process of SNESIM failed: it said nothing")

    monkeypatch.setattr(mps_peers, "stay_on_one_processor", lambda: None)
    monkeypatch.setattr(mps_peers, "prepare", lambda arguments: setting({"deesse": tool, "snesim": fail}))
    deesse, snesim = mps_peers.benchmark(mps_peers.parse(["--sizes", "8", "--wells", "3"]))["rows"]
    assert deesse["draws"] == 4
    assert (snesim["draws"], snesim["reason"]) == (None, "The process of SNESIM failed: it said nothing")


def test_that_an_unknown_tool_is_refused_by_name():
    assert mps_peers.parse(["--tools", "snesim,latentinv"]).tools == ["snesim", "latentinv"]
    with pytest.raises(argparse.ArgumentTypeError, match="'deesses'"):
        mps_peers._tools("deesses")
