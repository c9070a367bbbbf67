"""Which cells have no value."""

import numpy as np
import pytest

from latentinv.io import missing_cells


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_that_the_usual_codes_and_what_is_not_finite_are_missing(kind):
    without = [-99, -999, -999.25, -9999, -9966699, 1e21, -1e21, 1e30, np.nan, np.inf, -np.inf]
    values = [0, 1, -1, 99, 999.25, -98, -999.5, -9998, 9999, 1e20, -1e20]
    assert missing_cells(np.array(without, kind)).all()
    assert not missing_cells(np.array(values, kind)).any()


def test_that_codes_of_ones_own_stand_for_the_usual_ones():
    values = np.array([0.1, -999.25, 1e30, np.nan], np.float32)
    assert missing_cells(values, [0.1]).tolist() == [True, False, False, True]
    assert missing_cells(values, []).tolist() == [False, False, False, True]


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int64, np.uint8])
def test_that_integers_are_missing_only_if_their_type_holds_the_code(kind):
    values = np.array([0, 1, 99, 157], kind) if kind is np.uint8 else np.array([0, 1, 99, -99], kind)
    assert missing_cells(values).tolist() == [False, False, False, kind is not np.uint8]
    assert missing_cells(values, [99, 3.5, 1e9]).tolist() == [False, False, True, False]


def test_that_truth_values_and_texts_are_never_missing():
    assert not missing_cells(np.array([True, False])).any()
    assert not missing_cells(np.array(["-99", "nan"])).any()
