"""Data on pictures: what is drawn where, and what is left out."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from latentinv import Grid
from latentinv.forward.core import Boxes, Lines, Points
from latentinv.plotting._marks import add_marks, honoured, layer_of, legend_entries
from latentinv.plotting._view import view_of

BODY = Grid((4, 6, 5), 2.0, (10.0, 20.0, -8.0))
LOW, HIGH = np.array([10.0, 20.0, -8.0]), np.array([20.0, 32.0, 0.0])


def panel_with(marks, view, field=None):
    """Axes on which marks are drawn."""
    axes = Figure().subplots()
    add_marks(axes, marks, view, (0, 1), field)
    return axes


def test_that_only_what_reaches_into_the_layer_is_drawn():
    view = view_of(BODY, 1)  # z from -6 to -4
    boxes = Boxes(np.array([LOW, LOW, [10, 20, -4]]), np.array([HIGH, [20, 32, -6.5], HIGH]))
    assert len(panel_with([boxes], view).patches) == 1
    wells = Points(np.array([[11.0, 21.0, z] for z in (-7.0, -5.0, -4.5, -3.0)]), codes=np.array([0, 1, 0, 1]))
    spots = [c for c in panel_with([wells], view).collections if isinstance(c, PathCollection)]
    assert sum(len(c.get_offsets()) for c in spots) == 2


def test_that_the_layer_with_most_wells_is_drawn():
    wells = Points(np.array([[11.0, 21.0, -1.0], [13.0, 21.0, -1.0], [11.0, 21.0, -7.0]]), codes=np.zeros(3, int))
    assert layer_of([wells], view_of(BODY)) == 3
    assert layer_of([], view_of(BODY)) == 2
    assert layer_of([wells], view_of(Grid((4, 6)))) is None


def test_that_wells_that_a_draw_misses_have_another_rim():
    grid = Grid((3, 4))
    wells = Points(grid.centres(np.array([[0, 1], [2, 3]])), codes=np.array([1, 1]))
    field = np.zeros((3, 4), int)
    field[2, 3] = 1
    assert honoured(wells, view_of(grid), field).tolist() == [False, True]
    counts = [len(c.get_offsets()) for c in panel_with([wells], view_of(grid), field).collections]
    assert counts == [1, 1]


@pytest.mark.parametrize(("field", "drawn"), [(np.zeros((3, 4), int), 0), (None, 1)])
def test_that_rays_are_drawn_on_summaries_and_their_ends_on_draws_too(field, drawn):
    rays = Lines(np.zeros((2, 2)), np.array([[4.0, 1.0], [4.0, 3.0]]))
    axes = panel_with([rays], view_of(Grid((3, 4))), field)
    assert sum(isinstance(c, LineCollection) for c in axes.collections) == drawn
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[0, 0], [4, 1], [4, 3]])


def test_that_the_legend_explains_what_is_there():
    places = np.zeros((1, 2))
    marks = [Points(places, codes=np.zeros(1, int)), Points(places), Boxes(places, places + 1), Lines(places, places)]
    labels = [entry.get_label() for entry in legend_entries(marks, ("clay", "facies 7"))]
    expected = ["well, clay", "well, facies 7", "well missed", "measurement", "block of a block mean", "ray"]
    assert labels == expected
    assert legend_entries([], (0, 7)) == []


def test_that_flat_sections_are_exaggerated_and_titles_say_so():
    view = view_of(Grid((10, 100), (100.0, 1.0), axes="xz", z_axis="depth"))
    assert (view.words(), view.aspect) == ("vertical exaggeration 250", 0.25)
    assert view_of(BODY, 1).words() == "layer 2 of 4, z -5 m"
    assert view_of(Grid((10, 1, 20))).labels == ("x (m)", "z (m)")
    assert view_of(Grid((10, 20, 1), rotation=10.0)).labels == ("along the section (m)", "z (m)")


def test_that_places_on_a_rotated_section_are_counted_along_it():
    grid = Grid((10, 1, 20), 5.0, (1000.0, 2000.0, -50.0), rotation=30.0)
    point = grid.world(np.array([[42.0, 2.5, 10.0]]))
    np.testing.assert_allclose(view_of(grid).places(point), [[42.0, -40.0]])
