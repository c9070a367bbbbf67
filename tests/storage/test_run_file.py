"""Run files: what goes in comes out, counters agree with rows, and what does not fit is refused."""

from typing import NamedTuple

import h5py
import numpy as np
import pytest

from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.storage import ObservationRecord, PriorRecord, RunFile, RunHeader, predicted_name, write_prior


class State(NamedTuple):
    z: np.ndarray
    count: np.ndarray


def header(**changes):
    observations = [
        ObservationRecord("hard_data", "wells 1/2", {"cells": np.array([[1, 2]]), "facies": np.uint8([1])}),
        ObservationRecord("indirect_data", "heads", {"unit": np.array("m³/s"), "labels": np.array(["well", "ß", ""])}),
        *(ObservationRecord("block_means", f"blocks {n}", {"mean": np.array([0.1 * n])}) for n in range(11)),
    ]
    base = RunHeader(
        prior=PriorRecord("generator", {"seed": 1}, {"w": np.arange(6, dtype=np.float32).reshape(2, 3)}),
        grid=Grid((4, 5), (0.5, 2.0), (-3.25, 7.0), axes="xz", z_axis="depth"),
        observations=observations,
        algorithm="tempered",
        options={
            "chains": 4,
            "ladder": (1.0, 0.5),
            "limit": float("inf"),
            "deep": {"on": True, "none": None},
        },
        seed=-17,
        target="thresholded",
        choice="it suits: ±",
    )
    return base._replace(**changes)


def state(step):
    return State(np.random.default_rng(step).random((2, 6), np.float32), np.int32(step))


def rows(first, last):
    return [
        {
            "energy": np.float32(s / 7),
            "accepted": np.array([s % 2 == 0, True]),
            "steps/size": s,
            "none": np.zeros(0),
        }
        for s in range(first, last)
    ]


def kept(first, last):
    shape = (last - first, 4, 5)
    rng = np.random.default_rng(first)
    return {
        "facies": rng.integers(0, 2, shape).astype(np.uint8),
        "latents": rng.random((last - first, 6), np.float32),
    }


def advance(run, steps, **more):
    run.checkpoint(state(steps), steps=steps, trace_rows=rows(run.steps, steps), draws=kept(run.steps, steps), **more)


def same(found, expected):
    return (found.dtype, found.shape, found.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())


def assert_holds(run, cuts, path):
    """Check that a run holds all that `advance` gave in steps that ended at `cuts`."""
    assert (run.steps, run.draw_count) == (cuts[-1], cuts[-1])
    expected = rows(0, cuts[-1])
    trace = run.trace()
    assert set(trace) == set(expected[0])
    for name, values in trace.items():
        assert same(values, np.stack([np.asarray(row[name]) for row in expected]))
    blocks = [kept(first, last) for first, last in zip([0, *cuts], cuts, strict=False)]
    assert run.draw_names() == ["facies", "latents"]
    for name in run.draw_names():
        assert same(run.draws(name), np.concatenate([block[name] for block in blocks]))
    found = run.read_state(state(0))
    assert isinstance(found, State)
    assert all(same(a, np.asarray(b)) for a, b in zip(found, state(cuts[-1]), strict=True))
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_that_a_header_comes_back_as_it_was(tmp_path):
    RunFile.create(tmp_path / "r.h5", header())
    found = RunFile.open(tmp_path / "r.h5").header
    expected = header()
    assert found.prior.arrays.keys() == expected.prior.arrays.keys()
    assert same(found.prior.arrays["w"], expected.prior.arrays["w"])
    assert found.prior.metadata == expected.prior.metadata
    assert found.grid == expected.grid
    assert [(o.kind, o.name) for o in found.observations] == [(o.kind, o.name) for o in expected.observations]
    for a, b in zip(found.observations, expected.observations, strict=True):
        assert a.arrays.keys() == b.arrays.keys()
        assert all(same(a.arrays[name], b.arrays[name]) for name in b.arrays)
    assert found.options == expected.options | {"ladder": [1.0, 0.5]}
    assert (found.target, found.algorithm, found.seed) == ("thresholded", "tempered", -17)
    assert found.choice == "it suits: ±"


def test_that_a_rotated_grid_comes_back_as_it_was(tmp_path):
    grid = Grid((2, 4, 5), 0.5, (4.5e5, 5.6e6, -7.0), rotation=12.3)
    RunFile.create(tmp_path / "r.h5", header(grid=grid))
    assert RunFile.open(tmp_path / "r.h5").header.grid == grid


def test_that_a_new_run_is_empty_and_says_that_it_has_no_state(tmp_path):
    run = RunFile.create(tmp_path / "r.h5", header(observations=[]))
    assert (run.steps, run.finished, run.message, run.results) == (0, False, "", {})
    assert (run.draw_count, run.has_state, run.trace(), run.draw_names()) == (0, False, {}, [])
    assert run.header.observations == []
    with pytest.raises(StorageError, match=r"holds no state yet; start the run again\.") as error:
        run.read_state(state(0))
    assert str(tmp_path / "r.h5") in str(error.value)


def test_that_checkpoints_add_up_in_this_object_and_in_one_opened_later(tmp_path):
    path = tmp_path / "r.h5"
    run = RunFile.create(path, header())
    cuts = [3, 4, 40]
    for cut in cuts:
        advance(run, cut)
        assert run.has_state
        assert not run.finished
    assert_holds(run, cuts, path)
    run = RunFile.open(path)
    cuts.append(41)
    advance(
        run,
        41,
        finished=True,
        message="Converged.",
        results={"log_evidence": float("-inf"), "ess": np.float32(3)},
    )
    for found in (run, RunFile.open(path)):
        assert_holds(found, cuts, path)
        assert (found.finished, found.message) == (True, "Converged.")
        assert found.results == {"log_evidence": float("-inf"), "ess": 3.0}


def test_that_what_draws_show_and_predict_is_read_without_prior_and_forward_model(tmp_path):
    run = RunFile.create(tmp_path / "r.h5", header(observations=header().observations[:2]))
    predictions = {"wells 1/2": np.float32([[1], [0]]), "heads": np.float32([[1.5, 2], [1, 2.5]])}
    tables = kept(0, 2) | {predicted_name(name): table for name, table in predictions.items()}
    run.checkpoint(state(2), steps=2, trace_rows=rows(0, 2), draws=tables)
    found = RunFile.open(tmp_path / "r.h5")
    assert same(found.realizations(), tables["facies"])
    assert found.predicted().keys() == predictions.keys()
    for name, table in found.predicted().items():
        assert same(table, predictions[name])


def test_that_results_stay_until_replaced_and_a_message_does_not(tmp_path):
    run = RunFile.create(tmp_path / "r.h5", header())
    advance(run, 1, results={"a": 1}, message="first")
    run.checkpoint(state(1), steps=1, trace_rows=[])
    assert (run.results, run.message, run.draw_count) == ({"a": 1}, "", 1)
    run.checkpoint(state(1), steps=1, trace_rows=[], results={"b": [1.5, None]})
    assert RunFile.open(tmp_path / "r.h5").results == {"b": [1.5, None]}


@pytest.mark.parametrize("size", [0, 1, 32767, 32768, 200_000])
def test_that_a_message_of_any_length_is_kept(tmp_path, size):
    run = RunFile.create(tmp_path / "r.h5", header())
    advance(run, 1, message="ü" * size, results={"text": "ü " * size})
    assert RunFile.open(tmp_path / "r.h5").message == "ü" * size
    assert RunFile.open(tmp_path / "r.h5").results == {"text": "ü " * size}


def test_that_many_small_checkpoints_take_no_more_room_than_one(tmp_path):
    big = {"z": np.random.default_rng(0).random(3000)}
    sizes = []
    for name, stride in (("one.h5", 200), ("many.h5", 2)):
        run = RunFile.create(tmp_path / name, header())
        for first in range(0, 200, stride):
            run.checkpoint(
                big,
                steps=first + stride,
                trace_rows=rows(first, first + stride),
                message=f"Step {first}.",
                results={"a": first},
            )
        sizes.append((tmp_path / name).stat().st_size)
    # The state has 24 kB, and a text or a chunk of the trace that lost its room would cost some kB each time.
    assert sizes[1] - sizes[0] < 10_000


@pytest.mark.parametrize(
    ("give", "says"),
    [
        ({"steps": 6}, "Given 2 rows of the trace to go from step 3 to 6; expected one row per step"),
        ({"trace_rows": [*rows(3, 4), {"energy": 1.0}]}, "differ in their names"),
        ({"trace_rows": [*rows(3, 4), rows(4, 5)[0] | {"energy": 1}]}, "'energy' changes its shape or type"),
        (
            {"trace_rows": [{"energy": np.float32(1)}] * 2},
            r"Given \['energy'\] to append to a run that records",
        ),
        (
            {"trace_rows": [row | {"energy": np.zeros(2)} for row in rows(3, 5)]},
            r"Given 'energy' as float64 rows of shape \(2,\) to a run .* float32 rows of shape \(\)",
        ),
        (
            {"trace_rows": [row | {"energy": "high"} for row in rows(3, 5)]},
            "The trace's 'energy' has values of type",
        ),
        (
            {"draws": {"latents": np.zeros((1, 6), np.float32)}},
            r"Given \['latents'\] to append to a run that records",
        ),
        (
            {"draws": kept(0, 2) | {"latents": np.zeros((1, 6), np.float32)}},
            "expected equally many along the first",
        ),
        ({"draws": {"latents": np.float32(1)}}, "expected equally many along the first axis"),
        ({"draws": kept(0, 2) | {"latents": np.zeros((2, 6))}}, "float64 rows .* records float32 rows"),
        ({"state": {"z": "text"}}, r"The state's \['z'\] has values of type"),
        ({"results": {"f": print}}, r"The results\['f'\] is a builtin_function_or_method"),
    ],
)
def test_that_a_checkpoint_that_does_not_fit_is_refused_and_changes_nothing(tmp_path, give, says):
    path = tmp_path / "r.h5"
    run = RunFile.create(path, header())
    advance(run, 3)
    before = path.read_bytes()
    given = {"state": state(5), "steps": 5, "trace_rows": rows(3, 5), "draws": kept(3, 5)} | give
    with pytest.raises(InputError, match=says) as error:
        run.checkpoint(given.pop("state"), **given)
    assert str(error.value).endswith(".")
    assert path.read_bytes() == before
    assert run.steps == 3
    advance(run, 5)
    assert_holds(run, [3, 5], path)


def test_that_a_run_advanced_by_another_process_is_not_overwritten(tmp_path):
    run = RunFile.create(tmp_path / "r.h5", header())
    other = RunFile.open(tmp_path / "r.h5")
    advance(other, 2)
    with pytest.raises(StorageError, match="was changed by another process"):
        advance(run, 1)
    assert_holds(RunFile.open(tmp_path / "r.h5"), [2], tmp_path / "r.h5")


def test_that_a_removed_run_is_told(tmp_path):
    run = RunFile.create(tmp_path / "r.h5", header())
    (tmp_path / "r.h5").unlink()
    with pytest.raises(StorageError, match="is gone"):
        advance(run, 1)
    with pytest.raises(StorageError, match="There is no file"):
        run.trace()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"target": "hard"}, "The run's target is 'hard'; expected one of thresholded, soft"),
        ({"seed": 2**63}, "does not fit 64 bits"),
        ({"options": {"f": {1}}}, r"The algorithm's options\['f'\] is a set"),
        (
            {"observations": [ObservationRecord("k", "n", {"a": np.array([{1}])})]},
            "The array 'a' of observation 'n' has values of type",
        ),
    ],
)
def test_that_a_header_that_cannot_be_stored_is_refused_and_leaves_no_file(tmp_path, changes, says):
    with pytest.raises(InputError, match=says):
        RunFile.create(tmp_path / "r.h5", header(**changes))
    assert list(tmp_path.iterdir()) == []


def test_that_a_run_is_not_begun_over_another_file(tmp_path):
    (tmp_path / "r.h5").write_text("mine")
    with pytest.raises(StorageError, match="exists already"):
        RunFile.create(tmp_path / "r.h5", header())
    assert (tmp_path / "r.h5").read_text() == "mine"


def test_that_draws_of_an_unknown_name_are_refused_with_the_known_ones(tmp_path):
    run = RunFile.create(tmp_path / "r.h5", header())
    advance(run, 1)
    with pytest.raises(InputError, match="keeps no draws named 'fields'; expected one of facies, latents"):
        run.draws("fields")


def test_that_a_prior_file_is_not_taken_for_a_run(tmp_path):
    write_prior(tmp_path / "p.h5", header().prior)
    with pytest.raises(StorageError, match="is a prior file; expected a run file of latentinv"):
        RunFile.open(tmp_path / "p.h5")


def test_that_a_state_of_other_settings_is_refused(tmp_path):
    run = RunFile.create(tmp_path / "r.h5", header())
    advance(run, 1)
    with pytest.raises(StorageError, match=r"r\.h5 has \.z as float32 of shape \(2, 6\)"):
        run.read_state(State(np.zeros((3, 6), np.float32), np.int32(0)))


@pytest.mark.parametrize("counter", ["steps", "draws"])
def test_that_counters_that_disagree_with_the_rows_are_refused(tmp_path, counter):
    path = tmp_path / "r.h5"
    advance(RunFile.create(path, header()), 3)
    with h5py.File(path, "r+") as file:
        if counter == "steps":
            file.attrs["steps"] = 4
        else:
            file["draws"].attrs["count"] = 4
    with pytest.raises(StorageError, match="is damaged: it counts 4 rows but holds 3 of"):
        RunFile.open(path)


def test_that_a_part_of_a_run_is_refused_wherever_it_ends(tmp_path):
    path, part = tmp_path / "r.h5", tmp_path / "part.h5"
    advance(RunFile.create(path, header()), 3)
    content = path.read_bytes()
    cuts = np.random.default_rng(4).integers(0, len(content), 100)
    for cut in {*range(10), *cuts.tolist(), len(content) - 1}:
        part.write_bytes(content[:cut])
        with pytest.raises(StorageError):
            RunFile.open(part)
