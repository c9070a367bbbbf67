"""Groundwater flow against exact solutions, a published solution of MODFLOW, and the balance of water."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import exp1

from latentinv import Grid, InputError
from latentinv.forward import Aquifer, TransientFlow, steady_heads, transient_heads

DATA = Path(os.environ.get("LATENTINV_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


def between_ends(grid, west, east):
    """An aquifer whose heads are fixed at both ends along x."""
    heads = np.full(grid.shape, np.nan)
    heads[..., 0], heads[..., -1] = west, east
    return Aquifer(grid, heads, np.zeros(grid.shape))


@pytest.mark.parametrize("shape", [(6, 40), (4, 5, 40)])
def test_that_heads_along_layers_in_series_fall_by_their_resistance(shape):
    grid = Grid(shape, spacing=(2.0,) * len(shape))
    resistance = np.exp(np.random.default_rng(1).normal(size=40))
    conductivity = jnp.asarray(np.broadcast_to(1e-4 / resistance, shape), jnp.float32)
    heads = np.asarray(steady_heads(between_ends(grid, 12.0, 9.0), conductivity))
    along = np.concatenate([[0.0], np.cumsum((resistance[1:] + resistance[:-1]) / 2)])
    expected = 12 - 3 * along / along[-1]
    np.testing.assert_allclose(heads, np.broadcast_to(expected, shape), atol=2e-4)


def test_that_a_pumping_well_takes_its_water_from_the_borders():
    grid, rate = Grid((31, 33), spacing=(5.0, 4.0)), 3e-3
    heads = np.full(grid.shape, np.nan)
    heads[:, 0], heads[0, :] = 4.0, 5.0
    sources = np.zeros(grid.shape)
    sources[17, 20] = -rate
    aquifer = Aquifer(grid, heads, sources, thickness=7.0)
    conductivity = jnp.exp(1.5 * jax.random.normal(jax.random.key(8), grid.shape) - 8)
    found = np.asarray(steady_heads(aquifer, conductivity), float)
    entering = 0.0
    for axis, conductance in enumerate(aquifer.conductances(conductivity)):
        flow = np.asarray(conductance) * -np.diff(found, axis=axis)
        fixed = np.isfinite(heads)
        low, high = (np.take(fixed, np.arange(s, s + flow.shape[axis]), axis=axis) for s in (0, 1))
        entering += flow[low & ~high].sum() - flow[high & ~low].sum()
    assert entering == pytest.approx(rate, rel=2e-3)


def test_that_heads_agree_with_modflow():
    file = DATA / "steady_flow_125" / "case.npz"
    if not file.exists():
        pytest.skip(f"the reference data are not at {file}; set LATENTINV_DATA")
    case = np.load(file)
    grid = Grid((125, 125))
    heads = np.full(grid.shape, np.nan)
    heads[:, 0], heads[:, -1] = 10.0, 9.0
    sources = np.zeros(grid.shape)
    sources[62, 62] = -1e-3
    conductivity = jnp.asarray(np.where(case["true_facies"] == 1, 1e-2, 1e-4), jnp.float32)
    error = np.asarray(steady_heads(Aquifer(grid, heads, sources), conductivity)) - case["modflow_head"]
    assert np.sqrt(np.mean(error**2)) < 2e-4
    assert np.abs(error).max() < 1e-3


def test_that_drawdown_about_a_well_is_that_of_theis():
    grid, rate, thickness = Grid((121, 121), spacing=(10.0, 10.0)), 0.01, 10.0
    heads = np.full(grid.shape, np.nan)
    heads[0], heads[-1], heads[:, 0], heads[:, -1] = 0.0, 0.0, 0.0, 0.0
    sources = np.zeros(grid.shape)
    sources[60, 60] = -rate
    aquifer = Aquifer(grid, heads, sources, thickness)
    times = np.geomspace(5, 2000, 80)
    conductivity, storage = 1e-3, 1e-4
    field = jnp.full(grid.shape, conductivity, jnp.float32)
    drawdown = -np.asarray(transient_heads(aquifer, field, np.zeros(grid.shape), times, storage))
    late = times > 200
    for cells in (5, 8, 12):
        u = (10.0 * cells) ** 2 * storage / (4 * conductivity * times[late])
        expected = rate / (4 * np.pi * conductivity * thickness) * exp1(u)
        # Cells of 10 m and steps of 8 % in time leave errors below 2 % of the largest drawdown here.
        np.testing.assert_allclose(drawdown[late, 60, 60 + cells], expected, atol=0.02 * expected.max())


def test_that_late_transient_heads_are_the_steady_ones():
    grid = Grid((9, 14))
    aquifer = between_ends(grid, 3.0, 1.0)
    conductivity = jnp.exp(jax.random.normal(jax.random.key(3), grid.shape) - 5)
    late = transient_heads(aquifer, conductivity, np.zeros(grid.shape), np.geomspace(1, 1e7, 40), 1e-4)[-1]
    np.testing.assert_allclose(late, steady_heads(aquifer, conductivity), atol=2e-4)


def test_that_a_property_without_meaning_gives_no_heads():
    grid = Grid((8, 8))
    conductivity = jnp.full(grid.shape, 1e-4).at[4, 4].set(jnp.nan)
    assert np.isnan(steady_heads(between_ends(grid, 1.0, 0.0), conductivity)[:, 1:-1]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fixed_heads": np.zeros((3, 3))}, "have shape"),
        ({"fixed_heads": np.full((4, 5), np.nan)}, "no fixed head"),
        ({"sources": np.full((4, 5), np.inf)}, "infinite"),
        ({"thickness": 0.0}, "thick"),
    ],
)
def test_that_an_aquifer_that_means_nothing_is_refused(change, words):
    stated = {"fixed_heads": np.zeros((4, 5)), "sources": np.zeros((4, 5)), **change}
    with pytest.raises(InputError, match=words):
        Aquifer(Grid((4, 5)), **stated)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"times": [2.0, 1.0]}, "do not grow"),
        ({"specific_storage": 0.0}, "specific storage"),
        ({"initial_heads": np.zeros((2, 2))}, "initial heads"),
        ({"observed": [5]}, "observed times"),
    ],
)
def test_that_transient_settings_that_mean_nothing_are_refused(change, words):
    grid = Grid((4, 5))
    stated = {"times": [1.0, 2.0], "specific_storage": 1e-4, "initial_heads": np.zeros(grid.shape), **change}
    times = stated.pop("times")
    with pytest.raises(InputError, match=words):
        TransientFlow(between_ends(grid, 1.0, 0.0), np.array([[2.5, 2.5]]), times, **stated)
