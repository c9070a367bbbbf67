"""Kriging beside GSTools' and beside the formulas for one datum."""

import gstools
import numpy as np
import pytest
from scipy import stats

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors import Covariance, simple_kriging

GRID = Grid((7, 9), spacing=(2.0, 3.0), origin=(1.0, 2.0))
COVARIANCE = Covariance("spherical", 15.0, standard_deviation=1.5)


def at_cells(cells):
    operator = np.zeros((len(cells), *GRID.shape))
    for row, cell in zip(operator, cells, strict=True):
        row[cell] = 1.0
    return operator


def test_that_boreholes_are_kriged_as_by_gstools():
    cells = [(0, 0), (3, 7), (6, 2), (5, 8)]
    values = np.array([1.0, -2.0, 0.5, 2.5])
    ours = simple_kriging(COVARIANCE, GRID, at_cells(cells), values, 0.3, mean=0.4)
    model = gstools.Spherical(dim=2, var=1.5**2, len_scale=15.0)
    places = GRID.centres(np.array(cells)).T
    theirs = gstools.krige.Simple(model, places, values, mean=0.4, cond_err=0.3**2, exact=False)
    y, x = (GRID.centres(np.array([[n, n] for n in range(size)]))[:, axis] for size, axis in ((7, 1), (9, 0)))
    field, variance = theirs.structured((x, y))
    np.testing.assert_allclose(ours.mean, field.T, atol=1e-9)
    np.testing.assert_allclose(ours.standard_deviation**2, variance.T, atol=1e-9)


def test_that_a_block_mean_moves_its_block_and_the_evidence_is_that_of_the_data():
    operator = np.zeros((1, *GRID.shape))
    operator[0, 2:4, 3:6] = 1 / 6
    kriging = simple_kriging(COVARIANCE, GRID, operator, np.array([1.2]), 0.1)
    points = GRID.centres(np.stack(np.unravel_index(np.arange(GRID.size), GRID.shape), axis=-1))
    variance = operator.ravel() @ COVARIANCE.matrix(points, points) @ operator.ravel()
    share = variance / (variance + 0.1**2)
    assert operator.ravel() @ kriging.mean.ravel() == pytest.approx(share * 1.2)
    assert operator.ravel() @ kriging.covariance @ operator.ravel() == pytest.approx(variance * (1 - share))
    assert kriging.log_evidence == pytest.approx(stats.norm.logpdf(1.2, scale=np.sqrt(variance + 0.1**2)))


def test_that_faulty_data_are_refused():
    with pytest.raises(InputError, match="one row of"):
        simple_kriging(COVARIANCE, GRID, at_cells([(0, 0)]), np.zeros(2), 0.1)
    with pytest.raises(InputError, match="give one standard deviation"):
        simple_kriging(COVARIANCE, GRID, at_cells([(0, 0)]), np.zeros(1), np.ones(3))
    with pytest.raises(InputError, match="not positive definite"):
        simple_kriging(COVARIANCE, GRID, at_cells([(0, 0), (0, 0)]), np.zeros(2), 0.0)
