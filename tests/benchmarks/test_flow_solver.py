"""The benchmark of the groundwater solver."""

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import flow_solver
from latentinv.forward import steady_heads

pytestmark = pytest.mark.assure


def case(cells):
    """A small case in the published one's terms."""
    facies = np.zeros((cells, cells), int)
    facies[cells // 3 : cells // 2] = 1
    wells = np.array([2, cells // 2, cells - 3])
    return {"true_facies": facies, "head_row": wells, "head_column": wells, "head_observed": np.full(3, 9.5)}


def test_that_the_peer_solves_the_same_problem():
    model = flow_solver.aquifer(21)
    conductivity = np.where(case(21)["true_facies"] == 1, flow_solver.SAND, flow_solver.CLAY)
    ours = steady_heads(model, jnp.asarray(conductivity, jnp.float32))
    np.testing.assert_allclose(ours, flow_solver.direct_heads(model, conductivity), atol=1e-3)


def test_that_every_time_is_measured():
    figures = flow_solver.times(case(21), fields=2, rounds=1)
    assert min(figures["solve_ms"], figures["gradient_ms"], figures["scipy_ms"], figures["scipy_ratio"]) > 0
    assert figures["value_and_gradient_over_solve"] == pytest.approx(1 + figures["gradient_over_solve"])
