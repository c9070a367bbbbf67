"""`latentinv calibrate`: a study's table, figures, page and verdict; going on; what cannot be used, in one sentence."""

import json

import pytest

from latentinv import Covariance, SpectralPrior

STUDY = """
[study]
prior = "prior.h5"
grid = [24, 30]
replicates = 3
draws = 7
seed = 1

[algorithm]
name = "es_mda"
members = 16
assimilations = 2

[[wells]]
file = "wells.csv"

[[wells]]
name = "logs"
points = [[1.5, 2.5], [9.5, 20.5]]
error_probability = 0.1

[[blocks]]
boxes = [[2, 2, 12, 12], [10, 4, 20, 14]]
sd = 0.05

[[rays]]
sources = [[0.0, 4.0], [0.0, 12.0]]
receivers = [[30.0, 8.0], [30.0, 20.0]]
of_facies = [0.08, 0.06]
sd = 5.0
"""


def test_that_a_study_gives_table_figures_page_and_verdict_and_goes_on(latentinv, folder):
    (folder / "study.toml").write_text(STUDY)
    first = latentinv("calibrate", "study.toml", "--output", "study.json", "--replicates", 2)
    assert first.code == 0, first.err
    figures = json.loads((folder / "study.json").read_text())
    assert figures["replicates"] == 2
    assert {"sbc_p", "tarp_max_deviation", "tarp_band", "pixel_coverage", "crps", "verdict"} <= figures.keys()
    assert set(figures["predictive_p"]) == {"wells", "logs", "blocks", "travel times"}
    assert figures["verdict"] in " ".join(first.out.split())
    assert (folder / "study.png").read_bytes().startswith(b"\x89PNG")
    again = latentinv("calibrate", "study.toml", "--output", "study.json", "--replicates", 2)
    assert again.code == 0, again.err
    assert "replicate 1/2" not in again.out
    assert json.loads((folder / "study.json").read_text()) == figures
    (folder / "study.toml").write_text(STUDY.replace("seed = 1", "seed = 2"))
    other = latentinv("calibrate", "study.toml", "--output", "study.json")
    assert other.code == 1
    assert "another study" in other.err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[algorithm]", "[sampler]", "table [sampler]"),
        ('name = "es_mda"', 'name = "magic"', "no algorithm called 'magic'"),
        ("members = 16", "particles = 16", "no setting 'particles'"),
        ("grid = [24, 30]", "", "lacks 'grid'"),
        ("grid = [24, 30]", "grid = [24]", "cells along each axis"),
        ("[[rays]]", "[rays]", "write [[rays]]"),
        ("of_facies = [0.08, 0.06]", "", "lack 'of_facies', the velocity of each facies"),
        ('file = "wells.csv"', "", "either a file or points"),
        ('file = "wells.csv"', 'file = "wells.csv"\nerror_probability = 0.1', "which is in the file"),
        ("boxes = [[2, 2, 12, 12], [10, 4, 20, 14]]", "boxes = [[2, 2, 12]]", "has 3 numbers"),
        ("sd = 0.05", "sd = 0", "above 0"),
        ("points = [[1.5, 2.5], [9.5, 20.5]]", "points = [[1.5, 2.5], [9.5]]", "list of places"),
        ("points = [[1.5, 2.5], [9.5, 20.5]]", "points = [[1.5, 99.5]]", "outside the grid"),
        ('prior = "prior.h5"', 'prior = "none.h5"', "no file"),
        (
            'name = "es_mda"\nmembers = 16\nassimilations = 2',
            'name = "dream"\nsnooker = "0.1"',
            "snooker is 0.1; expected a share from 0",
        ),
        (
            'name = "es_mda"\nmembers = 16\nassimilations = 2',
            'name = "completion"\nperceptual_weight = "x"',
            "a number of at least 0",
        ),
        ("seed = 1", "seed = ", "not valid TOML"),
    ],
)
def test_that_a_study_that_cannot_be_used_is_refused_in_one_sentence(latentinv, folder, old, new, words):
    assert old in STUDY
    (folder / "study.toml").write_text(STUDY.replace(old, new))
    outcome = latentinv("calibrate", "study.toml", "--output", "study.json")
    assert outcome.code == 1
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (folder / "study.h5").exists()


def test_that_a_missing_study_and_a_wrong_ending_are_refused(latentinv, folder):
    assert "There is no study" in latentinv("calibrate", "study.toml", "--output", "study.json").err
    assert "use .json" in latentinv("calibrate", "study.toml", "--output", "study.txt").err


def test_that_facies_velocities_are_refused_where_the_prior_is_of_velocities_itself(latentinv, folder):
    SpectralPrior(Covariance("exponential", 8.0), ndim=2, waves=64, mean=0.07).save("prior.h5")
    rays = STUDY[STUDY.index("[[rays]]") :]
    (folder / "study.toml").write_text(STUDY[: STUDY.index("[[wells]]")] + rays)
    outcome = latentinv("calibrate", "study.toml", "--output", "study.json")
    assert outcome.code == 1
    assert "[[rays]] have of_facies, but its prior has a property; leave it out" in outcome.err
