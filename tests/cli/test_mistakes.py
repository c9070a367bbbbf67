"""Each mistake a user can make is one sentence and exit code 1; nothing is written and nothing is lost.

What a single command refuses of its own arguments stands with that command; here are data, priors, outputs, full disks
and training images.
"""

import errno
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from latentinv.storage import RunFile

PLACE = ("condition", "prior.h5", "--grid", "24x30", "--output", "run.h5")
QUICK = ("--draws", 8, "--set", "moves=1", "--set", "leapfrogs=2", "--set", "final_rounds=1", "--set", "first_draws=8")
WELLS, BLOCKS = "x,y,facies\n", "x_min,y_min,x_max,y_max,mean,sd\n"


@pytest.fixture
def refuse(latentinv, folder):
    """Run the program, check that it refuses and leaves every file as it was, and give its sentence."""

    def contents():
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def call(*arguments):
        before = contents()
        outcome = latentinv(*arguments)
        assert outcome.code == 1
        assert outcome.err.startswith("latentinv: ")
        assert outcome.err.count("\n") == 1
        assert contents() == before
        return outcome.err

    return call


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (WELLS + "1,1,0\n31,2,1", "The well on line 3 of bad.csv at x 31 m, y 2 m lies outside the grid (x 0–30 m"),
        (WELLS + "1,1,7", "has facies 7, which the prior does not have; use 0, 1"),
        (WELLS + "1,1,0.5", "has facies 0.5, which the prior does not have"),
        (WELLS + "1.2,1.2,0\n1.4,1.4,1", "y 1.2 m shows facies 0, but the well on line 3 of bad.csv at x 1.4 m"),
        (WELLS + "nan,1,0", "bad.csv, line 2, column x holds 'nan', which is not finite"),
        (WELLS + "1,1,nan", "bad.csv, line 2, column facies holds 'nan', which is not finite"),
        (WELLS + "1,,0", "bad.csv, line 2, column y is empty"),
        (WELLS + "1,1", "bad.csv, line 2 has 2 cells, but the header has 3 columns"),
        ("x,facies\n1,0", "bad.csv has no column y; its columns are x, facies"),
        ("", "bad.csv is empty; expected a header line"),
        (WELLS, "bad.csv has a header but no data"),
        ("x,y,facies,error_probability\n1,1,0,0.5", "has error probability 0.5; expected at least 0 and below 0.5"),
    ],
)
def test_that_wells_that_cannot_be_used_are_named(refuse, folder, text, words):
    (folder / "bad.csv").write_text(text)
    assert words in refuse(*PLACE, "--wells", "bad.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BLOCKS + "2,2,2,12,.5,.1", "The block on line 2 of bad.csv: the box from (2, 2) to (2, 12) has no area"),
        (BLOCKS + "12,2,2,12,.5,.1", "has no area; each maximum must exceed its minimum"),
        (BLOCKS + "2,2,12,25,.5,.1", "reaches outside the grid (x 0–30 m, y 0–24 m)"),
        (
            BLOCKS + "2,2,12,12,.5,-.1",
            "The block on line 2 of bad.csv has sd -0.1; expected a standard deviation above 0",
        ),
        (BLOCKS + "2,2,12,12,.5,0", "has sd 0; expected a standard deviation above 0"),
        (BLOCKS + "2,2,12,12,nan,.1", "bad.csv, line 2, column mean holds 'nan'"),
        (BLOCKS + "2,2,12,12,1.5,.1", "has mean 1.5; expected the share of a facies, between 0 and 1"),
        ("x_min,y_min,x_max,mean,sd\n2,2,12,.5,.1", "bad.csv has no column y_max"),
        ("", "bad.csv is empty"),
    ],
)
def test_that_blocks_that_cannot_be_used_are_named(refuse, folder, text, words):
    (folder / "bad.csv").write_text(text)
    assert words in refuse(*PLACE, "--blocks", "bad.csv")


def test_that_wells_of_two_files_that_contradict_each_other_are_named(refuse, folder):
    (folder / "old.csv").write_text(WELLS + "1.2,1.2,0")
    (folder / "new.csv").write_text(WELLS + "1.4,1.4,1")
    said = refuse(*PLACE, "--wells", "old.csv", "--wells", "new.csv")
    assert "At x 1.5 m, y 1.5 m 'old' shows facies 0 and 'new' facies 1, both as certain" in said


@pytest.mark.parametrize("command", ["condition", "generate", "show", "walk", "assess"])
def test_that_a_prior_that_is_truncated_newer_or_none_at_all_is_refused_in_every_command(refuse, folder, command):
    arguments = {
        "condition": ("condition", "bad.h5", "--grid", "24x30", "--output", "run.h5", "--wells", "wells.csv"),
        "generate": ("generate", "bad.h5", "--grid", "8x8", "--output", "fields.npz"),
        "show": ("show", "bad.h5"),
        "walk": ("walk", "bad.h5", "--grid", "8x8", "--output", "walk.png"),
        "assess": ("assess", "bad.h5", "--image", "image.npz", "--output", "figures.json"),
    }[command]
    whole = (folder / "prior.h5").read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 1):
        (folder / "bad.h5").write_bytes(whole[:length])
        said = refuse(*arguments)
        assert "bad.h5 is truncated" in said
    (folder / "bad.h5").write_bytes(whole)
    with h5py.File("bad.h5", "r+") as file:
        file.attrs["format_version"] = 2
    assert "bad.h5 was written by a newer latentinv (format 2; this one reads format 1); update" in refuse(*arguments)
    with h5py.File("bad.h5", "r+") as file:
        file.attrs["format_version"] = 1
        file["arrays/bias_0"][0] = 1.0
    assert "bad.h5 is damaged: its content does not match its digest" in refuse(*arguments)
    (folder / "bad.h5").write_text("not HDF5")
    assert "give another file" in refuse(*arguments)


OUTPUTS = {
    "condition": (*PLACE[:-1], "{}.h5", "--wells", "wells.csv"),
    "generate": ("generate", "prior.h5", "--grid", "8x8", "--output", "{}.npz"),
    "show": ("show", "prior.h5", "--output", "{}.png"),
    "walk": ("walk", "prior.h5", "--grid", "8x8", "--output", "{}.png"),
    "assess": ("assess", "prior.h5", "--image", "image.npz", "--output", "{}.json"),
    "train": ("train", "recipe.toml", "--output", "{}.h5"),
    "calibrate": ("calibrate", "study.toml", "--output", "{}.json"),
}


@pytest.mark.parametrize("command", OUTPUTS)
def test_that_an_output_that_exists_or_cannot_be_written_is_refused_before_any_work(refuse, folder, command):
    def call(stem):
        return refuse(*(argument.format(stem) for argument in OUTPUTS[command]))

    (folder / "recipe.toml").write_text("[image.simulator]\nshape = [64, 64]\nseed = 0\n[training]\npatch = [32, 32]\n")
    (folder / "study.toml").write_text('[study]\nprior = "prior.h5"\ngrid = [8, 8]\n[algorithm]\nname = "es_mda"\n')
    for ending in ("npz", "png", "json") if command == "calibrate" else ("h5", "npz", "png", "json"):
        (folder / f"mine.{ending}").write_text("mine")
    assert "exists already; choose another name or remove it" in call("mine")
    assert "does not exist; make it, or choose another place" in call("nowhere/new")
    assert "does not exist; make it, or choose another place" in call("wells.csv/new")  # a file for a folder
    if os.geteuid() != 0:  # root may write everywhere
        (folder / "locked").mkdir(mode=0o500)
        assert "is not writable" in call("locked/new")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--steps", 2**31), "2147483648 fields of 64 cells do not fit in memory; give fewer steps"),
        (("--grid", "9999999999x9999999999"), "do not fit in memory; give fewer steps or a smaller grid"),
        (("--steps", 61), "61 fields to draw; one picture holds 1 to 60"),
        (("--output", "walk.doc"), "walk.doc has an unsupported file extension; use .png, .pdf, .svg or .gif"),
    ],
)
def test_that_a_walk_too_long_or_too_large_is_refused(refuse, arguments, words):
    assert words in refuse("walk", "prior.h5", "--grid", "8x8", "--output", "walk.png", *arguments)


def test_that_an_image_that_a_prior_cannot_be_assessed_by_is_refused(refuse, folder):
    def call(image, *arguments):
        np.save("image.npy", image)
        return refuse("assess", "prior.h5", "--image", "image.npy", "--output", "figures.json", *arguments)

    assert "holds the single facies 0" in call(np.zeros((40, 40), int))
    assert "The image has the facies (0, 1, 2), the prior (0, 1)" in call(np.indices((40, 40)).sum(axis=0) % 3)
    assert "A patch of 32 × 32 cells cannot be cut" in call(np.eye(20, dtype=int))
    assert "fewer or smaller fields" in call(np.eye(40, dtype=int), "--count", 2**31)


def test_that_a_disk_that_fills_in_the_middle_of_a_run_loses_nothing(latentinv, refuse, folder, monkeypatch):
    def stop(self, step, progress):
        if step == 2:
            raise KeyboardInterrupt

    def fill(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("latentinv.cli._display.RunListener.on_step", stop)
        latentinv(*PLACE, "--wells", "wells.csv", *QUICK)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fill)
        assert "The disk of run.h5 is full; what was saved before is intact; free space and resume" in refuse(
            "resume", "run.h5"
        )
    assert RunFile.open("run.h5").steps == 1
    resumed = latentinv("resume", "run.h5")
    assert resumed.code == 0, resumed.err
    assert RunFile.open("run.h5").finished


@pytest.mark.parametrize(
    ("image", "rest", "words"),
    [
        (np.zeros((40, 40), int), "patch = [32, 32]", "'image' holds the single facies 0; expected at least two"),
        (np.eye(40, dtype=int), "", "A patch of 128 × 128 cells cannot be cut from the training image of 40 × 40"),
        (np.eye(40, dtype=int), "patch = [16, 16, 16]", "give a smaller patch with as many axes"),
        (np.full((40, 40), 0.5), "patch = [32, 32]", "holds the value 0.5, which is not a whole number"),
        (np.full((40, 40), np.nan), "patch = [32, 32]", "has no value in any of its cells"),
    ],
)
def test_that_a_training_image_that_teaches_nothing_or_is_too_small_is_refused(refuse, folder, image, rest, words):
    np.save(folder / "image.npy", image)
    (folder / "delta.toml").write_text(f'[image]\nfile = "image.npy"\n[training]\n{rest}\n')
    assert words in refuse("train", "delta.toml")


def test_that_a_run_with_data_of_a_kind_from_a_newer_version_is_refused(latentinv, refuse, folder):
    latentinv(*PLACE, "--wells", "wells.csv", "--algorithm", "map", "--draws", 1, "--set", "adam_iterations=1",
              "--set", "lbfgs_iterations=0")  # fmt: skip
    with h5py.File("run.h5", "r+") as file:
        file["observations/0"].attrs["kind"] = "gravity"
    for command in ("show", "resume"):
        said = refuse(command, "run.h5")
        assert "The run's data 'wells' are of kind 'gravity', which this version does not know; update" in said


def test_that_a_kind_of_device_that_is_not_there_is_named(folder):
    program = "from latentinv.cli import main; main()"
    words = ("generate", "prior.h5", "--grid", "24x30", "--output", "field.png")
    told = subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, "JAX_PLATFORMS": "tpu"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.startswith("latentinv: JAX_PLATFORMS is 'tpu', and JAX finds no such device here; ")
    assert told.stderr.count("\n") == 1
