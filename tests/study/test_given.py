"""What a study gives its prior: maps, curves and numbers, the right way up, and what cannot be used."""

import numpy as np
import pytest

from latentinv import Cut, InputError, PlurigaussianPrior, SPDEPrior, TruncationRule
from latentinv.cli._parse import parse_given
from latentinv.priors import Anamorphosis
from latentinv.priors.learned import FaciesMeasure, FaciesMeasures
from latentinv.study import parse_study_file
from tests.problems import random_conditional_prior, random_generator_prior, random_sequential_prior

STUDY = '[study]\nprior = "prior.h5"\ngrid = [3, 4]\nspacing = 10.0\norigin = [100.0, 200.0]\n[given]\n'
HEADER = "ncols 4\nnrows 3\nxllcorner {x}\nyllcorner 200\ncellsize 10\n"
NORTH_FIRST = "0.9 0.9 0.9 0.9\n0.5 0.5 0.5 0.5\n0.1 0.1 0.2 0.3\n"


@pytest.fixture
def folder(tmp_path):
    rule = TruncationRule(Cut(0, 0, 1), {0: 0.5, 1: 0.5})
    PlurigaussianPrior([SPDEPrior(1.0, (30.0, 20.0))], rule).named(("clay", "sand")).save(tmp_path / "prior.h5")
    (tmp_path / "sand.asc").write_text(HEADER.format(x=100) + NORTH_FIRST)
    (tmp_path / "elsewhere.asc").write_text(HEADER.format(x=110) + NORTH_FIRST)
    (tmp_path / "holes.asc").write_text(HEADER.format(x=100) + NORTH_FIRST.replace("0.5", "-9999"))
    np.save(tmp_path / "long.npy", np.full((3, 4), 40.0))
    np.save(tmp_path / "small.npy", np.full((3, 3), 0.4))
    np.save(tmp_path / "codes.npy", np.where(np.eye(3, 4), -999.25, 30.0))
    return tmp_path


def test_that_maps_lie_on_the_grid_the_right_way_up(folder):
    text = 'proportions = {sand = "sand.asc"}\nazimuth = 45\nranges = ["long.npy", 12]\n'
    prior = parse_study_file(STUDY + text, folder).prior
    south_first = [[0.1, 0.1, 0.2, 0.3], [0.5] * 4, [0.9] * 4]
    np.testing.assert_allclose(prior.proportions[1], south_first, atol=1e-6)
    np.testing.assert_array_equal(prior.fields[0].ranges, np.stack([np.full((3, 4), 40.0), np.full((3, 4), 12.0)]))
    assert np.all(prior.fields[0].azimuth == 45)


def test_that_of_several_arrays_of_a_file_that_of_the_same_name_is_taken(folder):
    np.savez(folder / "maps.npz", sand=np.full((3, 4), 0.2), azimuth=np.full((3, 4), 60.0))
    prior = parse_study_file(f'{STUDY}proportions = {{sand = "maps.npz"}}\nazimuth = "maps.npz"\n', folder).prior
    np.testing.assert_allclose(prior.proportions[1], 0.2, atol=1e-6)
    assert np.all(prior.fields[0].azimuth == 60)


def test_that_a_curve_runs_along_the_first_axis(folder):
    prior = parse_study_file(STUDY + "proportions = {1 = [0.1, 0.2, 0.3]}\n", folder).prior
    np.testing.assert_allclose(prior.proportions[1].ravel(), [0.1, 0.2, 0.3], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('proportions = {sand = "small.npy"}', r"map small.npy has \(3, 3\) cells, the grid \(3, 4\)"),
        ('azimuth = "codes.npy"', "codes.npy lacks values in 3 cells; fill them"),
        ('proportions = {sand = "holes.asc"}', "holes.asc lacks values in 4 cells; fill them"),
        ('proportions = {sand = "elsewhere.asc"}', "elsewhere.asc says that it lies on .* but the grid is"),
        ("proportions = {sand = [0.1, 0.2]}", "local proportions are for"),
        ("proportions = {gravel = 0.1}", "There is no facies gravel"),
        ("depth = 3", "given 'depth', but takes proportions, ranges, azimuth; correct the name"),
        ("azimuth = true", "expected a number, a list of numbers, a map's file"),
    ],
)
def test_that_what_cannot_be_given_is_refused(folder, text, message):
    with pytest.raises(InputError, match=message):
        parse_study_file(f"{STUDY}{text}\n", folder)


def test_that_a_prior_that_takes_nothing_is_given_nothing(folder):
    random_generator_prior().save(folder / "plain.h5")
    text = STUDY.replace("prior.h5", "plain.h5")
    with pytest.raises(InputError, match="given 'azimuth', but takes nothing; leave it out"):
        parse_study_file(f"{text}azimuth = 3\n", folder)


def test_that_the_command_line_says_the_same():
    texts = ["proportions.sand=sand.asc", "proportions.1 = 0.2,0.3", "azimuth=45", "ranges=long.npy,12"]
    expected = {"proportions": {"sand": "sand.asc", "1": [0.2, 0.3]}, "azimuth": 45, "ranges": ["long.npy", 12]}
    assert parse_given(texts) == expected
    for wrong, message in ((["azimuth"], "cannot be read"), (["azimuth=1", "azimuth=2"], "names 'azimuth' twice")):
        with pytest.raises(InputError, match=message):
            parse_given(wrong)


def test_that_a_conditional_prior_is_given_the_wells_of_a_table(tmp_path):
    random_conditional_prior().named(("clay", "sand")).save(tmp_path / "prior.h5")
    (tmp_path / "wells.csv").write_text("x,y,facies\n115,205,sand\n135,225,clay\n")
    seen = np.asarray(parse_study_file(STUDY + 'wells = "wells.csv"\n', tmp_path).prior.seen[0])
    ahead = random_conditional_prior().architecture.ahead
    np.testing.assert_array_equal(seen[ahead, ahead + 1], [1, 1])
    np.testing.assert_array_equal(seen[ahead + 2, ahead + 3], [-1, 1])
    with pytest.raises(InputError, match="wells = 3; give the name of a table"):
        parse_study_file(STUDY + "wells = 3\n", tmp_path)
    random_generator_prior().save(tmp_path / "prior.h5")
    with pytest.raises(InputError, match="was given 'wells', but takes nothing"):
        parse_study_file(STUDY + 'wells = "wells.csv"\n', tmp_path)


def test_that_a_width_of_a_facies_is_given_in_cells(tmp_path):
    widths = FaciesMeasure("width", 1, Anamorphosis((-2.0, 2.0), (4.0, 12.0)))
    random_conditional_prior(measures=FaciesMeasures([widths])).save(tmp_path / "prior.h5")
    prior = parse_study_file(STUDY + "width = 9.5\n", tmp_path).prior
    assert prior.describe()["given"] == "width of facies 1 in cells 9.5"
    with pytest.raises(InputError, match="width = 3, but learned values from 4 to 12"):
        parse_study_file(STUDY + "width = 3\n", tmp_path)
    with pytest.raises(InputError, match="given 'proportion', but takes wells, width; correct the name"):
        parse_study_file(STUDY + "proportion = 0.3\n", tmp_path)


def test_that_a_coarse_map_of_blocks_is_given_to_a_sequential_prior(tmp_path):
    random_sequential_prior(windows=(1, 1, 1), blocks=2).save(tmp_path / "prior.h5")
    np.save(tmp_path / "coarse.npy", np.array([[0.0, 1.0], [-9999.0, 0.0], [1.0, 1.0]]))
    text = '[study]\nprior = "prior.h5"\ngrid = [11, 8]\n[given]\nblocks = "coarse.npy"\nblock_edges = 4\n'
    prior = parse_study_file(text, tmp_path).prior
    np.testing.assert_array_equal(prior.given_here.blocks.levels[..., 0], [[-1, 1], [0, -1], [1, 1]])
    assert prior.given_here.edges == (4, 4)
    with pytest.raises(InputError, match="given blocks = 3; give the name of a file with a map of blocks"):
        parse_study_file(text.replace('"coarse.npy"', "3"), tmp_path)
