"""Volumes, bodies and connections of fields whose answers are counted by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.decisions import (
    connected_volume,
    connection_probability,
    connection_table,
    inside,
    quantiles,
    share,
    volume,
    within_polygon,
)
from latentinv.priors.core import FaciesModel

GRID = Grid((3, 4), spacing=(10.0, 5.0), origin=(100.0, 0.0))
FIELDS = np.array(
    [
        [[1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]],
        [[1, 0, 1, 1], [1, 0, 0, 0], [1, 1, 1, 1]],
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    ]
)


MODEL = FaciesModel((0, 1), (0.0,))


def run_with(realizations, model=MODEL):
    posterior = SimpleNamespace(prior=SimpleNamespace(facies_model=model))
    return SimpleNamespace(posterior=posterior, realizations=realizations)


def test_that_volumes_are_counted_in_all_and_in_a_polygon():
    found = inside(run_with(FIELDS), 1)
    np.testing.assert_array_equal(volume(GRID, found), 50.0 * np.array([5, 8, 0]))
    west = within_polygon(GRID, [[100, 0], [120, 0], [120, 15], [100, 15]])
    np.testing.assert_array_equal(west, [[True, True, False, False]] * 3)
    np.testing.assert_allclose(share(found, west), [2 / 6, 4 / 6, 0])
    np.testing.assert_array_equal(volume(GRID, found, west), 50.0 * np.array([2, 4, 0]))


def test_that_a_property_is_inside_between_two_values():
    values = np.linspace(0, 1, 24).reshape(2, 3, 4)
    run = run_with(values, None)
    np.testing.assert_array_equal(inside(run, between=(0.25, np.inf)), values >= 0.25)
    with pytest.raises(InputError, match=r"the prior has a continuous property: give between=\(least, largest\)"):
        inside(run, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: inside(run_with(FIELDS), 7), "There is no facies 7; the prior has 0, 1"),
        (lambda: inside(run_with(FIELDS)), "the prior has facies: give a facies code"),
        (lambda: inside(run_with(FIELDS[:0]), 1), "The run has no draw"),
        (lambda: within_polygon(GRID, [[0, 0], [1, 1]]), "give three or more"),
        (lambda: within_polygon(GRID, [[0, 0], [1, 0], [1, 1]]), "No cell's centre lies in the polygon"),
        (lambda: quantiles(np.array([1.0, np.nan])), "a finite number for each draw"),
    ],
)
def test_that_what_has_no_answer_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_that_quantiles_are_those_of_the_draws():
    found = quantiles(np.arange(101.0))
    assert found[:4] == (10.0, 50.0, 90.0, 50.0)
    assert found.words("m²") == "P10 10, P50 50, P90 90 m²"


def test_that_places_are_connected_through_edges_only():
    found = inside(run_with(FIELDS), 1)
    west, east, top = (101.0, 1.0), (139.0, 1.0), (139.0, 14.0)
    assert connection_probability(GRID, found, west, east) == pytest.approx(1 / 3)
    assert connection_probability(GRID, found, west, top) == pytest.approx(1 / 3)
    assert connection_probability(GRID, found, (111.0, 7.0), (111.0, 7.0)) == 0.0
    np.testing.assert_array_equal(connected_volume(GRID, found, west), 50.0 * np.array([4, 6, 0]))
    np.testing.assert_array_equal(connected_volume(GRID, found, east), 50.0 * np.array([4, 2, 0]))


def test_that_a_well_of_several_cells_is_connected_if_one_of_them_is():
    found = inside(run_with(FIELDS), 1)
    wells = [[(101.0, 1.0), (101.0, 6.0)], [(139.0, 14.0)], [(121.0, 6.0)]]
    expected = np.array([[2, 1, 0], [1, 2, 0], [0, 0, 0]]) / 3
    np.testing.assert_allclose(connection_table(GRID, found, wells), expected)
