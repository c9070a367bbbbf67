"""`latentinv init`, `run` and `compare`, from a user's files to runs that agree."""

import re

import numpy as np

from latentinv import load_run
from latentinv.cli._train import _cells
from latentinv.training import parse_recipe


def quick(path, seed):
    """Make a study quick to run."""
    text = path.read_text().replace("seed = 0", f"seed = {seed}\ndraws = 8")
    algorithm = '[algorithm]\nname = "smc"\nbatch_size = 8\nmax_levels = 40\n'
    path.write_text(text.replace("# [algorithm]", f"{algorithm}# [algorithm]"))


def test_that_files_become_a_study_and_the_study_a_run(latentinv, folder):
    begun = latentinv("init", "prior.h5", "wells.csv", "blocks.csv")
    text = (folder / "study.toml").read_text()
    proposed = text.split("grid = [")[1].split("]")[0]
    for seed in (1, 2):
        (folder / f"{seed}.toml").write_text(text.replace(f"grid = [{proposed}]", "grid = [24, 30]"))
        quick(folder / f"{seed}.toml", seed)
        edit = (folder / f"{seed}.toml").read_text().splitlines()
        edit = ["spacing = 1.0" if line.startswith("spacing") else line for line in edit]
        edit = ["origin = [0.0, 0.0]" if line.startswith("origin") else line for line in edit]
        (folder / f"{seed}.toml").write_text("\n".join(edit))
    dry = latentinv("run", "1.toml", "--dry")
    runs = [latentinv("run", f"{seed}.toml") for seed in (1, 2)]
    again = latentinv("run", "1.toml")
    compared = latentinv("compare", "1.h5", "2.h5")
    alone = latentinv("compare", "1.h5")

    assert begun.code == 0, begun.err
    assert "wells.csv: wells" in begun.out
    assert 'file = "wells.csv"' in text
    assert 'file = "blocks.csv"' in text
    rows, columns = map(int, proposed.split(","))
    assert 100 < max(rows, columns) <= 128
    assert dry.code == 0, dry.err
    assert "6 data (hard data)" in dry.out
    assert "'smc' is what the study names" in dry.out
    assert re.search(r"memory: about \d+ MB at most, [\d.]+ [MG]B are free", dry.out)
    assert re.search(r"time: about \d+", dry.out)
    assert [run.code for run in runs] == [0, 0], runs[0].err + runs[1].err
    assert "6 of 6 observed cells honoured in 8 of 8 draws" in runs[0].out
    assert len(load_run("1.h5").latents) == 8
    assert not np.array_equal(load_run("1.h5").latents, load_run("2.h5").latents)
    assert "1.h5 exists already" in again.err
    assert compared.code == 0, compared.err
    assert "R-hat" in compared.out
    assert "give two or more" in alone.err


def test_that_an_image_is_to_be_trained_first(latentinv, folder):
    np.save(folder / "delta.npy", np.eye(40, dtype=int) + 2 * np.eye(40, k=3, dtype=int))
    (folder / "heads.csv").write_text("x,y,value,sd\n5,5,1.0,0.1\n20,12,0.5,0.1\n")
    outcome = latentinv("init", "delta.npy", "wells.csv", "heads.csv", "--output", "delta.toml")
    assert "of_facies = [1e-5, 1e-3, 1e-2]" in (folder / "delta.toml").read_text()
    assert "First make the prior: latentinv train delta.npy --output delta.h5" in outcome.out
    assert 'prior = "delta.h5"' in (folder / "delta.toml").read_text()


def test_that_boreholes_and_logs_are_known_and_their_section_proposed(latentinv, folder):
    (folder / "collars.csv").write_text("hole,x,y,z\nA,100,0,50\nB,300,0,60\n")
    (folder / "intervals.csv").write_text("hole,from,to,facies\nA,0,40,clay\n")
    (folder / "a.las").write_text("~Version")
    tables = latentinv("init", "prior.h5", "collars.csv", "intervals.csv", "--output", "tables.toml")
    logs = latentinv("init", "prior.h5", "collars.csv", "a.las", "--output", "logs.toml")
    assert (tables.code, logs.code) == (0, 0), tables.err + logs.err
    text = (folder / "tables.toml").read_text()
    assert 'collars = "collars.csv"\nintervals = "intervals.csv"\n' in text
    assert 'axes = "xz"' in text
    low = [float(part) for part in text.split("origin = [")[1].split("]")[0].split(",")]
    assert low[0] < 100
    assert 0 < low[1] < 10
    assert 'logs = ["a.las"]\ncurve = "LITH"                      # CHANGE' in (folder / "logs.toml").read_text()
    for files, words in (
        (("collars.csv", "wells.csv"), "make a study for each of the two"),
        (("a.las",), "Boreholes need one table of collars"),
        (("collars.csv",), "either intervals (hole, from, to, facies) or"),
    ):
        refused = latentinv("init", "prior.h5", *files, "--output", "no.toml")
        assert (refused.code, words in refused.err) == (1, True), refused.err


def test_that_the_cells_of_an_image_are_said(folder):
    (folder / "a.asc").write_text("ncols 8\nnrows 8\nxllcorner 0\nyllcorner 0\ncellsize 25\n" + "0 1 0 1 0 1 0 1\n" * 8)
    recipe = parse_recipe('[image]\nfile = "a.asc"\ncoarsen = 2\n', folder)
    assert _cells(recipe).startswith("Cells of the image, coarsened by 2, are 50 × 50 m by its file")
    assert _cells(parse_recipe("[image.simulator]\nshape = [64, 64]\nseed = 0\n", folder)) == ""


def test_that_what_is_no_data_is_refused_and_nothing_written(latentinv, folder):
    (folder / "odd.csv").write_text("age,depth\n1,2\n")
    for files, words in (
        (("prior.h5", "odd.csv"), "It is not known what odd.csv is, by its columns age, depth"),
        (("prior.h5",), "No data were given"),
        (("wells.csv",), "0 priors and training images were given"),
        (("prior.h5", "none.csv"), "There is no file none.csv"),
    ):
        outcome = latentinv("init", *files)
        assert outcome.code == 1
        assert words in outcome.err
        assert not (folder / "study.toml").exists()
