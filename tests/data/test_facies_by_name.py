"""Facies by name or by code in wells, blocks, boreholes and studies, and in what is said of them."""

import numpy as np
import pytest

from latentinv import BlockMeans, Grid, HardData, InputError
from latentinv.data import log_cells, read_boreholes
from latentinv.data._agreement import check_agreement
from latentinv.study import parse_study_file
from tests.problems import random_generator_prior

PRIOR = random_generator_prior().named(("clay", "fine sand"))
GRID = Grid((8, 8))


def wells(folder, rows, prior=PRIOR):
    path = folder / "wells.csv"
    path.write_text("x;y;lithology\n" + "".join(f"{row}\n" for row in rows))
    return HardData.from_csv(path, GRID, prior)


def test_that_wells_have_names_in_any_case_or_codes(tmp_path):
    data = wells(tmp_path, ["0.5;0.5; CLAY ", "1.5;0.5;Fine Sand", "2.5;0.5;1"])
    np.testing.assert_array_equal(data.codes, [0, 1, 1])
    assert data.misfits(np.zeros((4, 3)))[1].startswith("well at x 1.5 m, y 0.5 m (fine sand): honoured in 0 %")


def test_that_an_unknown_name_is_refused_with_its_line_and_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"line 3, column facies holds 'gravel', but the prior has the facies 0 \(cla"):
        wells(tmp_path, ["0.5;0.5;clay", "1.5;0.5;gravel"])
    with pytest.raises(InputError, match=r"line 2, .* names; give the codes 0, 1, or name the facies"):
        wells(tmp_path, ["0.5;0.5;clay"], random_generator_prior())
    with pytest.raises(InputError, match=r"has facies 7, which the prior does not have; use 0 \(clay\), 1 \(fine sand"):
        wells(tmp_path, ["0.5;0.5;7"])


def test_that_contradictions_are_told_by_name(tmp_path):
    with pytest.raises(InputError, match=r"shows clay, but the well on line 3 .* shows fine sand in the same cell"):
        wells(tmp_path, ["0.5;0.5;clay", "0.6;0.5;fine sand"])
    model = PRIOR.facies_model
    pair = [HardData(GRID, [[0.5, 0.5]], [code], model, name=name) for code, name in ((0, "a"), (1, "b"))]
    with pytest.raises(InputError, match="'a' shows clay and 'b' fine sand, both as certain"):
        check_agreement(pair, model)


def test_that_blocks_name_the_facies_whose_share_they_have(tmp_path):
    path = tmp_path / "blocks.csv"
    path.write_text("x_min,y_min,x_max,y_max,mean,sd,facies\n0,0,4,4,0.25,0.05,Clay\n")
    named = BlockMeans.from_csv(path, GRID, PRIOR)
    field = np.where(np.arange(8)[:, None] < 3, -3.0, 3.0) * np.ones((8, 8))  # three rows of clay
    np.testing.assert_allclose(named.predict_exact(field.astype(np.float32)), [0.75])


def test_that_boreholes_have_names_and_report_conflicts_with_them(tmp_path):
    (tmp_path / "collars.csv").write_text("hole,x,y,z\nA,1.5,0,8\n")
    (tmp_path / "intervals.csv").write_text("hole,from,to,facies\nA,0,2.4,clay\nA,2.4,4,FINE SAND\n")
    model, section = PRIOR.facies_model, Grid((8, 8), axes="xz")
    holes = read_boreholes(tmp_path / "collars.csv", tmp_path / "intervals.csv", facies_model=model)
    log = log_cells(holes, section, facies_model=model)
    assert log.conflicts == ("the cell at x 1.5 m, z 5.5 m, hole A: fine sand on 0.6 m, clay on 0.4 m",)
    assert log_cells(holes, section).conflicts[0].endswith("facies 1 on 0.6 m, 0 on 0.4 m")
    with pytest.raises(InputError, match=r"intervals.csv, line 2, column facies holds 'clay'"):
        read_boreholes(tmp_path / "collars.csv", tmp_path / "intervals.csv")


def test_that_points_in_a_study_have_names(tmp_path):
    PRIOR.save(tmp_path / "prior.h5")
    text = '[study]\nprior = "prior.h5"\ngrid = [8, 8]\n[[wells]]\npoints = [[0.5, 0.5], [1.5, 0.5]]\n'
    file = parse_study_file(text + 'facies = ["Fine sand", 0]\n', tmp_path)
    np.testing.assert_array_equal(file.observations[0].codes, [1, 0])
    with pytest.raises(InputError, match="There is no facies gravel"):
        parse_study_file(text + 'facies = ["gravel", 0]\n', tmp_path)
