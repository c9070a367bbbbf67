"""Boreholes on cells: vertical, inclined and curved holes whose cells are known, and tables that cannot be used."""

import numpy as np
import pytest

from latentinv import Grid, HardData, InputError
from latentinv.data import Borehole, log_cells, read_boreholes
from latentinv.priors.core import FaciesModel

VERTICAL = np.zeros((1, 3))
MODEL = FaciesModel((0, 1, 2), (-0.5, 0.5))


def hole(collar, intervals, facies, survey=VERTICAL, name="B1"):
    return Borehole(name, collar, np.asarray(survey, float), np.asarray(intervals, float), np.asarray(facies))


def test_that_a_vertical_hole_goes_down_through_layers():
    grid = Grid((10, 4, 5), spacing=2.0)  # z from 0 to 20, up
    log = log_cells([hole((5.0, 3.0, 20.0), [(0, 6), (6, 14)], [1, 2])], grid)
    np.testing.assert_array_equal(grid.cells(log.coordinates)[:, 1:], [[1, 2]] * 7)
    layers = grid.cells(log.coordinates)[:, 0]
    assert dict(zip(layers.tolist(), log.facies.tolist(), strict=True)) == {9: 1, 8: 1, 7: 1, 6: 2, 5: 2, 4: 2, 3: 2}
    assert (log.conflicts, log.outside, log.left_out) == ((), 0.0, 0)
    wells = HardData(grid, log.coordinates, log.facies, MODEL, labels=log.labels)
    assert wells.count == 7


def test_that_where_z_is_a_depth_the_hole_goes_to_larger_z():
    grid = Grid((6, 5), spacing=(2.0, 1.0), axes="xz", z_axis="depth")
    log = log_cells([hole((5.0, 77.0, 0.0), [(1, 3), (3, 9)], [0, 2])], grid)
    np.testing.assert_array_equal(grid.cells(log.coordinates), [[k, 2] for k in range(1, 6)])
    assert log.facies.tolist() == [0, 0, 2, 2, 2]
    assert log.outside == pytest.approx(3.0)
    assert "3 m of log lie outside the grid" in log.report()


def test_that_an_inclined_hole_goes_where_it_points():
    grid = Grid((20, 20, 20))
    towards_east = hole((2.0, 10.5, 20.0), [(0, 12 * np.sqrt(2))], [1], [(0, 45.0, 90.0)])
    places = towards_east.places([0.0, np.sqrt(2), 5 * np.sqrt(2)], downward=-1.0)
    np.testing.assert_allclose(places, [[2, 10.5, 20], [3, 10.5, 19], [7, 10.5, 15]], atol=1e-12)
    cells = grid.cells(log_cells([towards_east], grid).coordinates)
    assert {(19 - k, 10, 2 + k) for k in range(12)} <= {*map(tuple, cells.tolist())}


def test_that_a_hole_that_turns_follows_the_arc_of_a_circle():
    """From straight down to horizontal north in a quarter of a circle of radius 100."""
    quarter = 50 * np.pi
    turning = hole((0.0, 0.0, 0.0), [(0, 1)], [0], [(0, 0, 0), (quarter, 90, 0)])
    angles = np.array([0.0, 0.3, 1.0, np.pi / 2])
    places = turning.places(100 * angles, downward=1.0)
    np.testing.assert_allclose(places[:, 1], 100 * (1 - np.cos(angles)), atol=1e-9)
    np.testing.assert_allclose(places[:, 2], 100 * np.sin(angles), atol=1e-9)
    np.testing.assert_allclose(turning.places([quarter + 30], downward=1.0), [[0, 130, 100]], atol=1e-9)
    late = hole((0.0, 0.0, 0.0), [(0, 1)], [0], [(40, 0, 0), (40 + quarter, 90, 0)])
    np.testing.assert_allclose(late.places([40 + quarter], downward=1.0), [[0, 100, 140]], atol=1e-9)


def test_that_a_cell_with_several_facies_gets_the_longest_and_is_reported():
    grid = Grid((3, 2, 2), spacing=4.0)
    log = log_cells([hole((1.0, 1.0, 12.0), [(0, 5), (5, 8), (8, 8.5)], [1, 2, 0])], grid)
    assert log.facies.tolist() == [2, 1]
    assert log.shares.tolist() == [pytest.approx(0.75, abs=0.03), 1.0]
    assert len(log.conflicts) == 1
    assert log.conflicts[0].startswith("the cell at x 2 m, y 2 m, z 6 m, hole B1: facies 2 on 3 m, 1 on 1 m")
    assert log.left_out == 1
    said = "2 cells are logged, 1 of them with more than one facies; 1 are crossed too briefly and left out."
    assert log.report() == said


def test_that_two_holes_in_one_cell_are_weighed_together():
    grid = Grid((1, 2, 2), spacing=4.0)
    holes = [hole((1.0, 1.0, 4.0), [(0, 3)], [1]), hole((3.0, 3.0, 4.0), [(0, 2)], [2], name="B2")]
    log = log_cells(holes, grid)
    assert (log.facies.tolist(), log.labels) == ([1], ("the cell of hole B1 and B2",))
    assert "hole B1 and B2: facies 1 on 3 m, 2 on 2 m" in log.conflicts[0]


COLLARS = "HoleID,Easting,Northing,Elevation\nA,5,5,20\nB,12,5,18\n"
INTERVALS = "hole_id,from,to,lith\nA,0,4,1\nB,2,6,0\nA,4,10,2\n"
SURVEY = "hole,depth,inclination,azimuth\nB,0,45,90\n"


def written(tmp_path, collars=COLLARS, intervals=INTERVALS, survey=SURVEY):
    for name, text in (("collars", collars), ("intervals", intervals), ("survey", survey)):
        (tmp_path / f"{name}.csv").write_text(text)
    return [tmp_path / f"{name}.csv" for name in ("collars", "intervals", "survey")]


def test_that_tables_of_collars_intervals_and_surveys_are_read(tmp_path):
    first, second = read_boreholes(*written(tmp_path))
    assert (first.name, first.collar) == ("A", (5.0, 5.0, 20.0))
    np.testing.assert_array_equal(first.intervals, [[0, 4], [4, 10]])
    assert first.facies.tolist() == [1, 2]
    np.testing.assert_array_equal(first.survey, VERTICAL)
    np.testing.assert_array_equal(second.survey, [[0, 45, 90]])
    paths = written(tmp_path)
    np.testing.assert_array_equal(read_boreholes(*paths[:2])[1].survey, VERTICAL)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"collars": COLLARS + "A,1,1,1\n"}, r"collars\.csv has more than one collar of hole A"),
        ({"intervals": INTERVALS + "C,0,1,1\n"}, r"intervals\.csv, line 5: hole C has no collar in collars\.csv"),
        ({"survey": SURVEY + "C,0,1,1\n"}, r"survey\.csv, line 3: hole C has no collar"),
        ({"intervals": INTERVALS + "A,9,12,1\n"}, r"the intervals of hole A on lines 4 and 5 overlap"),
        ({"intervals": INTERVALS + "A,12,11,1\n"}, r"line 5 goes from 12 to 11; expected depths that increase"),
        ({"intervals": INTERVALS + "A,12,13,1.5\n"}, r"line 5 has facies 1\.5; expected a facies code"),
        ({"intervals": INTERVALS + ",12,13,1\n"}, r"line 5, column hole is empty"),
        ({"survey": SURVEY + "A,0,-90,0\n"}, r"survey\.csv, line 3 has depth 0, inclination -90 and azimuth 0"),
        ({"survey": SURVEY + "B,0,40,90\n"}, r"two stations of hole B at one depth"),
        ({"collars": COLLARS.replace("Elevation", "depth")}, r"collars\.csv has no column z"),
    ],
)
def test_that_tables_that_cannot_be_used_are_refused_by_line(tmp_path, changed, words):
    with pytest.raises(InputError, match=words):
        read_boreholes(*written(tmp_path, **changed))


def test_that_a_map_and_logs_beside_the_grid_are_refused():
    one = hole((1.0, 1.0, 4.0), [(0, 3)], [1])
    with pytest.raises(InputError, match="need a grid with a z axis"):
        log_cells([one], Grid((5, 5)))
    with pytest.raises(InputError, match="check coordinates, and the sense of z"):
        log_cells([one], Grid((5, 5, 5), z_axis="depth", origin=(0.0, 0.0, 100.0)))
