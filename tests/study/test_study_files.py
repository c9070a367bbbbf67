"""Study files: every kind of data from a file and from the study itself, and what cannot be used."""

import jax
import numpy as np
import pytest

from latentinv import ESMDA, Grid, HardData, InputError
from latentinv.inference.run import Choice, _driver, is_run_of
from latentinv.priors.core import FaciesModel
from latentinv.storage import RunFile
from latentinv.study import STUDY_DATA, parse_study_file, read_study_file
from tests.problems import random_generator_prior

STUDY = """
[study]
prior = "prior.h5"
grid = [24, 30]
spacing = 10.0
origin = [100.0, 200.0]
seed = 3
"""
SECTION = STUDY.replace("origin = [100.0, 200.0]", 'origin = [0.0, 0.0]\naxes = "xz"\nz_axis = "depth"')
FILES = {
    "wells.csv": "x,y,facies\n105,205,1\n255,315,0\n",
    "blocks.csv": "x_min,y_min,x_max,y_max,mean,sd\n110,210,200,300,0.4,0.05\n",
    "rays.csv": "source_x,source_y,receiver_x,receiver_y,value,sd\n100,205,400,405,4100,10\n",
    "heads.csv": "x,y,value,sd,unit\n205,255,1.5,0.1,ft\n305,255,1.0,0.1,ft\n",
    "gravity.csv": "x,z,value,sd,unit\n155,0,40,5,uGal\n",
    "collars.csv": "hole,x,y,z\nA,155,0,0\n",
    "intervals.csv": "hole,from,to,facies\nA,0,50,1\nA,50,90,0\n",
}
FROM_FILES = {
    "wells": '[[wells]]\nfile = "wells.csv"\n',
    "blocks": '[[blocks]]\nfile = "blocks.csv"\n',
    "rays": '[[rays]]\nfile = "rays.csv"\nof_facies = [0.08, 0.06]\n',
    "heads": '[[heads]]\nfile = "heads.csv"\nof_facies = [1e-5, 1e-3]\nfixed = {west = 1.0, east = 0.0}\n',
    "gravity": '[[gravity]]\nfile = "gravity.csv"\nof_facies = [0.0, 250.0]\n',
    "boreholes": '[[boreholes]]\ncollars = "collars.csv"\nintervals = "intervals.csv"\n',
}
OF_SECTIONS = ("gravity", "boreholes")


@pytest.fixture
def folder(tmp_path):
    random_generator_prior().save(tmp_path / "prior.h5")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_that_every_kind_of_data_of_the_package_is_tested_here_or_with_the_commands():
    known = {name for name, kind in STUDY_DATA.items() if kind.__module__.startswith("latentinv.")}
    assert known == {*FROM_FILES, "simulators", "umbridge"}  # test_study_simulators.py, test_study_umbridge.py


@pytest.mark.parametrize("kind", FROM_FILES)
def test_that_data_are_read_from_files(folder, kind):
    file = parse_study_file((SECTION if kind in OF_SECTIONS else STUDY) + FROM_FILES[kind], folder)
    (given,) = file.data
    assert given.observed
    posterior = file.posterior()
    assert posterior.grid.shape == (24, 30)
    z = np.zeros(posterior.latent_size, np.float32)
    assert np.isfinite(posterior.predict(z).exact[0]).all()
    expected = {"heads": [1.5 * 0.3048, 0.3048], "gravity": [0.04], "rays": [4100.0]}
    if kind in expected:
        np.testing.assert_allclose(given.observation.observed, expected[kind], rtol=1e-6)


IN_THE_STUDY = {
    "wells": ("[[wells]]\npoints = [[105.0, 205.0], [255.0, 315.0]]\n", "facies = [1, 0]\n", [1, 0]),
    "blocks": ("[[blocks]]\nboxes = [[110.0, 210.0, 200.0, 300.0]]\nsd = 0.05\n", "values = [0.4]\n", [0.4]),
    "rays": (
        "[[rays]]\nsources = [[100.0, 205.0]]\nreceivers = [[400.0, 405.0]]\nof_facies = [0.08, 0.06]\nsd = 10.0\n",
        "values = [4100.0]\n",
        [4100.0],
    ),
    "heads": (
        "[[heads]]\npoints = [[205.0, 255.0]]\nof_facies = [1e-5, 1e-3]\nfixed = {west = 1.0}\nsd = 0.1\n"
        "pumping = [[305.0, 255.0, -0.0001]]\n",
        "values = [0.4]\n",
        [0.4],
    ),
    "gravity": (
        "[[gravity]]\npoints = [[155.0, 0.0]]\nof_facies = [0.0, 250.0]\nsd = 0.01\n",
        "values = [0.1]\n",
        [0.1],
    ),
}


@pytest.mark.parametrize("kind", IN_THE_STUDY)
def test_that_data_stand_in_the_study_and_places_alone_are_not_enough_to_run(folder, kind):
    places, values, expected = IN_THE_STUDY[kind]
    head = SECTION if kind in OF_SECTIONS else STUDY
    (given,) = parse_study_file(head + places + values, folder).data
    assert given.observed
    found = given.observation.codes if kind == "wells" else given.observation.observed
    np.testing.assert_allclose(found, expected)
    without = parse_study_file(head + places, folder)
    assert not without.data[0].observed
    with pytest.raises(InputError, match="have places but nothing that was observed there"):
        without.posterior()


# Boxes of the same size anywhere, and rays of nearly the same lengths.
ELSEWHERE = {
    "wells": ("wells.csv", "x,y,facies\n125,225,0\n155,305,1\n"),
    "blocks": ("blocks.csv", "x_min,y_min,x_max,y_max,mean,sd\n160,240,250,330,0.5,0.02\n"),
    "rays": ("rays.csv", "source_x,source_y,receiver_x,receiver_y,value,sd\n100,215,400,415,4200,20\n"),
    "heads": ("heads.csv", "x,y,value,sd,unit\n115,215,1.0,0.2,ft\n385,425,2.0,0.1,ft\n"),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_that_other_data_at_other_places_under_another_name_need_no_other_program(folder, kind):
    file, text = ELSEWHERE[kind]
    (folder / f"other_{file}").write_text(text)
    table = FROM_FILES[kind]
    here, there = (
        parse_study_file(STUDY + text, folder).posterior() for text in (table, table.replace(file, f"other_{file}"))
    )
    assert jax.tree.structure(here) == jax.tree.structure(there)
    assert jax.tree.map(np.shape, jax.tree.leaves(here)) == jax.tree.map(np.shape, jax.tree.leaves(there))
    assert not all(map(np.array_equal, jax.tree.leaves(here), jax.tree.leaves(there)))


@pytest.mark.parametrize("kind", FROM_FILES)
def test_that_the_run_of_a_study_is_told_from_others(folder, kind):
    text = (SECTION if kind in OF_SECTIONS else STUDY) + FROM_FILES[kind]
    (folder / "study.toml").write_text(text)
    posterior, run, algorithm = parse_study_file(text, folder).posterior(), folder / "run.h5", ESMDA(members=8)
    RunFile.create(run, _driver._header(_driver._job(posterior, Choice(algorithm, ""), 3)))
    again = read_study_file(folder / "study.toml").posterior()
    moved = parse_study_file(text.replace("spacing = 10.0", "spacing = 10.5"), folder).posterior()

    assert is_run_of(run, again, algorithm, 3)
    assert not is_run_of(run, again, algorithm, 4)
    assert not is_run_of(run, again, ESMDA(members=9), 3)
    assert not is_run_of(run, moved, algorithm, 3)


def test_that_the_grid_lies_where_the_study_says(folder):
    text = STUDY.replace("seed = 3", "rotation = 30.0\n") + "[[wells]]\npoints = [[105.0, 215.0]]\nfacies = [1]\n"
    file = parse_study_file(text, folder)
    assert file.grid == Grid((24, 30), 10.0, (100.0, 200.0), rotation=30.0)
    model = FaciesModel((0, 1), (0.0,))
    expected = HardData(file.grid, [[105.0, 215.0]], [1], model).cells
    np.testing.assert_array_equal(file.observations[0].cells, expected)


def test_that_heads_are_fixed_on_the_sides_that_are_named(folder):
    text = SECTION + FROM_FILES["heads"].replace("fixed = {west = 1.0, east = 0.0}", "fixed = {top = 5.0, west = 1.0}")
    (folder / "heads.csv").write_text("x,z,value,sd\n205,55,1.5,0.1\n")
    fixed = np.asarray(parse_study_file(text, folder).observations[0].forward.aquifer.fixed_heads)
    np.testing.assert_array_equal(fixed[0, 1:], 5.0)  # z is a depth, so the top is the first row
    np.testing.assert_array_equal(fixed[1:, 0], 1.0)
    assert np.isnan(fixed[1:, 1:]).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (STUDY, "The study has no data; give it wells"),
        ("[study]\ngrid = [4, 5]\n", "lacks 'prior'"),
        (STUDY + "[[tides]]\n", r"has a table \[tides\]; expected \[study\], \[grid\], \[given\], .*\[\[wells\]\]"),
        (STUDY + "[wells]\nfile = 'wells.csv'\n", r"one table \[wells\]; write \[\[wells\]\]"),
        (STUDY + "[[wells]]\n", "need either a file or points"),
        (STUDY + FROM_FILES["wells"] + "points = [[1.0, 2.0]]\n", "need either a file or points"),
        (STUDY + FROM_FILES["wells"] + "error_probability = 0.1\n", "have a file and 'error_probability'"),
        (STUDY + FROM_FILES["wells"] * 2, "two data sets called 'wells'"),
        (STUDY + IN_THE_STUDY["wells"][0] + "facies = [1]\n", "have 2 points and 1 facies"),
        (STUDY + IN_THE_STUDY["rays"][0] + "values = [1.0, 2.0]\n", "have 2 values for 1 places"),
        (
            STUDY + IN_THE_STUDY["rays"][0].replace("[[400.0, 405.0]]", "[[400.0, 405.0], [1.0, 2.0]]"),
            "have 1 sources and 2 receivers; give as many of each",
        ),
        (STUDY + '[[rays]]\nfile = "rays.csv"\n', "lack 'of_facies', the velocity of each facies"),
        (STUDY + FROM_FILES["rays"] + "logarithm = true\n", "have logarithm, but its prior has facies"),
        (STUDY + FROM_FILES["heads"].replace("west", "left"), "fixed = .*expected heads by side"),
        (STUDY + FROM_FILES["heads"].replace("west", "top"), "fix a head in the top, but its grid has no axis z"),
        (STUDY + FROM_FILES["heads"] + "pumping = [[1.0, 2.0]]\n", "has 2 numbers; give 2 coordinates and a rate"),
        (STUDY + "[algorithm]\nparticles = 3\n" + FROM_FILES["wells"], r"\[algorithm\] has no name"),
        (STUDY.replace("24, 30", "24, 30, 5") + FROM_FILES["wells"], "axes"),
    ],
)
def test_that_a_study_that_cannot_be_used_is_refused(folder, text, words):
    (folder / "study.toml").write_text(text)
    with pytest.raises(InputError, match=words):
        read_study_file(folder / "study.toml").posterior()
