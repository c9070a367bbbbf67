"""Groundwater flow against exact solutions, a published solution of MODFLOW, and the balance of water."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import exp1

from latentinv import Grid, InputError
from latentinv.forward import (
    Aquifer,
    SteadyFlow,
    SteadyFlux,
    TransientFlow,
    TransientFlux,
    steady_flux,
    steady_heads,
    transient_heads,
)
from latentinv.forward.flow import _multigrid
from tests.problems import slowly

DATA = Path(os.environ.get("LATENTINV_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))


def between_ends(grid, west, east):
    """An aquifer whose heads are fixed at both ends along x."""
    heads = np.full(grid.shape, np.nan)
    heads[..., 0], heads[..., -1] = west, east
    return Aquifer(grid, heads, np.zeros(grid.shape))


@pytest.mark.parametrize("shape", [(6, 40), slowly((4, 5, 40))])
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


@pytest.mark.parametrize("shape", [(5, 41), slowly((3, 5, 41))])
def test_that_recharge_heaps_up_the_parabola_between_two_rivers(shape):
    grid, rate, conductivity = Grid(shape, spacing=(4.0, 3.0, 2.0)[: len(shape)]), 2e-8, 1e-4
    # Spread over all layers, so that water flows along x alone; a column of cells is 1 m or 3 layers of 2 m thick.
    thickness, share = (1.0, 1) if len(shape) == 2 else (6.0, 3)
    ends = between_ends(grid, 0.0, 0.0)
    aquifer = Aquifer(grid, ends.fixed_heads, ends.sources, recharge=np.full(shape, rate / share))
    place = np.arange(41)
    expected = rate * 16 * place * (40 - place) / (2 * conductivity * thickness)
    heads = np.asarray(steady_heads(aquifer, jnp.full(shape, conductivity, jnp.float32)))
    np.testing.assert_allclose(heads, np.broadcast_to(expected, shape), atol=1e-4 * expected.max())


def test_that_recharge_of_a_section_enters_over_its_width():
    """Five layers of 2 m, 3 m across: the parabola of an aquifer 10 m thick, whatever the width."""
    grid, rate, conductivity = Grid((5, 41), (4.0, 2.0), axes="xz"), 2e-8, 1e-4
    ends = between_ends(grid, 0.0, 0.0)
    recharge = np.full(grid.shape, rate / 5)
    aquifer = Aquifer(grid, ends.fixed_heads, ends.sources, thickness=3.0, recharge=recharge)
    assert aquifer.inflow.sum() == pytest.approx(rate * 41 * 4.0 * 3.0)
    place = np.arange(41)
    expected = rate * 16 * place * (40 - place) / (2 * conductivity * 10.0)
    heads = np.asarray(steady_heads(aquifer, jnp.full(grid.shape, conductivity, jnp.float32)))
    np.testing.assert_allclose(heads, np.broadcast_to(expected, grid.shape), atol=1e-4 * expected.max())


@pytest.mark.assure
def test_that_the_drawdown_is_what_the_pumping_takes_from_the_heads():
    grid = Grid((20, 24), spacing=(5.0, 5.0))
    sources = np.zeros(grid.shape)
    sources[8, 13] = -2e-3
    heads = between_ends(grid, 10.0, 9.0).fixed_heads
    conductivity = jnp.exp(jax.random.normal(jax.random.key(5), grid.shape) - 7)
    pumped = Aquifer(grid, heads, sources, recharge=1e-8)
    rested = Aquifer(grid, heads, np.zeros(grid.shape), recharge=1e-8)
    expected = steady_heads(rested, conductivity) - steady_heads(pumped, conductivity)
    cells = np.array([[8, 13], [3, 20], [15, 2]])
    found = SteadyFlow(pumped, grid.centres(cells), output="drawdown").predict(conductivity)
    np.testing.assert_allclose(found, np.asarray(expected)[tuple(cells.T)], atol=1e-4 * float(expected.max()))
    # Since the heads of the rested aquifer, until the flow is steady again.
    start = np.asarray(steady_heads(rested, conductivity), float)
    test = (pumped, grid.centres(cells), np.geomspace(10, 1e8, 60))
    settings = {"specific_storage": 1e-4, "observed": [20, 59], "output": "drawdown"}
    stated = TransientFlow(*test, initial_heads=start, **settings).predict(conductivity)
    np.testing.assert_allclose(stated[1::2], found, atol=1e-3 * float(expected.max()))
    # Those heads are the start where none is stated.
    np.testing.assert_allclose(
        TransientFlow(*test, **settings).predict(conductivity), stated, atol=1e-3 * float(expected.max())
    )
    idle = TransientFlow(rested, *test[1:], **settings).predict(conductivity)
    np.testing.assert_allclose(idle, 0.0, atol=1e-3 * float(expected.max()))
    zones = np.arange(24)[None, None] < np.full((1, 20, 1), 7)
    series = [TransientFlux(pumped, zones, test[2], specific_storage=1e-4, initial_heads=h) for h in (start, None)]
    one, other = (np.asarray(flux.predict(conductivity)) for flux in series)
    np.testing.assert_allclose(other, one, atol=1e-3 * 2e-3)


@pytest.mark.parametrize("shape", [(6, 40), slowly((4, 5, 40))])
def test_that_the_flux_through_layers_in_series_is_that_of_darcy(shape):
    grid = Grid(shape, spacing=(2.0, 3.0, 1.5)[: len(shape)])
    resistance = np.exp(np.random.default_rng(1).normal(size=40))
    conductivity = jnp.asarray(np.broadcast_to(1e-4 / resistance, shape), jnp.float32)
    zones = np.zeros((3, *shape), bool)
    zones[0, ..., :1], zones[1, ..., :17], zones[2, ..., 39:] = True, True, True
    area = 6 * 3.0 if len(shape) == 2 else 4 * 1.5 * 5 * 3.0
    flow = area * 1e-4 * 3 / np.sum(2.0 * (resistance[1:] + resistance[:-1]) / 2)
    found = steady_flux(between_ends(grid, 12.0, 9.0), conductivity, zones)
    np.testing.assert_allclose(found, [flow, flow, -flow], rtol=1e-3)


def test_that_borders_give_what_wells_take_less_what_infiltrates():
    grid = Grid((31, 33), spacing=(5.0, 4.0))
    heads = np.full(grid.shape, np.nan)
    heads[:, 0], heads[0, :] = 4.0, 5.0
    sources = np.zeros(grid.shape)
    sources[17, 20] = -3e-3
    aquifer = Aquifer(grid, heads, sources, thickness=7.0, recharge=1e-7)
    conductivity = jnp.exp(1.5 * jax.random.normal(jax.random.key(8), grid.shape) - 8)
    flux = SteadyFlux(aquifer, aquifer.fixed[None])
    expected = 3e-3 - 1e-7 * 20.0 * np.sum(~aquifer.fixed)
    assert float(flux.predict(conductivity)[0]) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("steps", [1, slowly(3)])
def test_that_a_gradient_costs_one_solve_more_than_the_heads(steps, monkeypatch):
    grid, solves, solve = Grid((9, 14)), [], _multigrid._rounds

    def counted(matrix, b):
        jax.debug.callback(lambda: solves.append(1))
        return solve(matrix, b)

    monkeypatch.setattr(_multigrid, "_rounds", counted)
    jax.clear_caches()
    aquifer, wells = between_ends(grid, 3.0, 1.0), np.array([[4.5, 4.5], [9.5, 2.5]])
    if steps == 1:
        forward = SteadyFlow(aquifer, wells)
    else:
        settings = {"specific_storage": 1e-4, "initial_heads": np.ones(grid.shape)}
        forward = TransientFlow(aquifer, wells, np.arange(1.0, steps + 1), **settings)
    for run, expected in ((forward.predict, steps), (jax.grad(lambda k: forward.predict(k).sum()), 2 * steps)):
        solves.clear()
        jax.block_until_ready(jax.jit(run)(jnp.ones(grid.shape)))
        jax.effects_barrier()
        assert len(solves) == expected
    jax.clear_caches()


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


def test_that_a_river_gives_at_each_time_what_storage_does_not():
    """At every time the border and storage give what is pumped; late, the border alone."""
    grid, rate, storage = Grid((21, 23), spacing=(5.0, 4.0)), 3e-3, 1e-4
    heads = np.full(grid.shape, np.nan)
    heads[:, 0] = 4.0
    sources = np.zeros(grid.shape)
    sources[9, 13] = -rate
    aquifer = Aquifer(grid, heads, sources, thickness=7.0)
    conductivity = jnp.exp(jax.random.normal(jax.random.key(8), grid.shape) - 8)
    times, start = np.geomspace(10.0, 1e6, 25), np.full(grid.shape, 4.0)
    settings = {"specific_storage": storage, "initial_heads": start}
    found = np.asarray(TransientFlux(aquifer, aquifer.fixed[None], times, **settings).predict(conductivity), float)
    levels = np.asarray(transient_heads(aquifer, conductivity, start, times, storage), float)
    stored = storage * 20.0 * 7.0 * levels.sum(axis=(1, 2))
    released = -np.diff(stored, prepend=storage * 20.0 * 7.0 * start.sum()) / np.diff(times, prepend=0.0)
    np.testing.assert_allclose(found + released, rate, rtol=5e-3)
    assert found[0] < 0.5 * rate
    assert found[-1] == pytest.approx(rate, rel=2e-3)
    seen = TransientFlux(aquifer, aquifer.fixed[None], times, observed=[3, 20], **settings)
    assert seen.count == 2
    np.testing.assert_allclose(seen.predict(conductivity), found[[3, 20]], rtol=1e-5)


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
        ({"sources": np.eye(4, 5)}, "a source in 4 of the cells whose head is fixed"),
        ({"thickness": 0.0}, "thick"),
        ({"recharge": np.zeros(4)}, "recharge has shape"),
        ({"recharge": np.nan}, "is not finite"),
    ],
)
def test_that_an_aquifer_that_means_nothing_is_refused(change, words):
    stated = {"fixed_heads": np.zeros((4, 5)), "sources": np.zeros((4, 5)), **change}
    with pytest.raises(InputError, match=words):
        Aquifer(Grid((4, 5)), **stated)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"times": [2.0, 1.0]}, "not finite, above 0 and increasing"),
        ({"times": [1.0, np.nan]}, "not finite, above 0 and increasing"),
        ({"times": [1.0, np.inf]}, "not finite, above 0 and increasing"),
        ({"specific_storage": 0.0}, "specific storage"),
        ({"initial_heads": np.zeros((2, 2))}, "initial heads"),
        ({"observed": [5]}, "observed times"),
        ({"output": "rise"}, "expected 'heads' or 'drawdown'"),
    ],
)
def test_that_transient_settings_that_mean_nothing_are_refused(change, words):
    grid = Grid((4, 5))
    stated = {"times": [1.0, 2.0], "specific_storage": 1e-4, "initial_heads": np.zeros(grid.shape), **change}
    times = stated.pop("times")
    with pytest.raises(InputError, match=words):
        TransientFlow(between_ends(grid, 1.0, 0.0), np.array([[2.5, 2.5]]), times, **stated)


@pytest.mark.parametrize("grid", [Grid((2, 3, 4)), Grid((3, 4), axes="xz")])
def test_that_recharge_of_a_body_or_a_section_is_asked_for_cell_by_cell(grid):
    with pytest.raises(InputError, match="enters at the surface only"):
        Aquifer(grid, np.zeros(grid.shape), np.zeros(grid.shape), recharge=1e-8)


@pytest.mark.parametrize(
    ("zones", "words"),
    [(np.ones((2, 3)), "have shape"), (np.zeros((1, 4, 5)), "contains no cell"), (np.ones((1, 4, 5)), "every cell")],
)
def test_that_zones_without_a_border_are_refused(zones, words):
    with pytest.raises(InputError, match=words):
        SteadyFlux(between_ends(Grid((4, 5)), 1.0, 0.0), zones)


@pytest.mark.assure
def test_that_heads_in_time_may_come_in_any_order():
    grid = Grid((6, 8), 5.0)
    sources = np.zeros(grid.shape)
    sources[3, 4] = -1e-3
    aquifer = Aquifer(grid, between_ends(grid, 2.0, 1.0).fixed_heads, sources)
    wells, times = np.array([[12.0, 8.0], [33.0, 22.0]]), [60.0, 300.0, 900.0]
    settings = {"specific_storage": 1e-3, "output": "drawdown"}
    table = TransientFlow(aquifer, wells, times, observed=[0, 2], **settings)
    rows = np.array([[*wells[1], 900.0], [*wells[0], 60.0], [*wells[0], 900.0], [*wells[1], 60.0]])
    each = TransientFlow.at(aquifer, rows, steps=[300.0], **settings)
    conductivity = jnp.exp(jax.random.normal(jax.random.key(2), grid.shape) - 8)
    expected = np.asarray(table.predict(conductivity))[[3, 0, 1, 2]]
    np.testing.assert_allclose(each.predict(conductivity), expected, rtol=1e-5)
    again = TransientFlow.from_arrays(each.to_arrays(), grid)
    np.testing.assert_array_equal(again.predict(conductivity), each.predict(conductivity))
    with pytest.raises(InputError, match="Rows of 2 numbers were given for heads in time; give 2 coordinates"):
        TransientFlow.at(aquifer, wells, **settings)
    with pytest.raises(InputError, match="Row 2 has the time -60 s; give seconds above 0"):
        TransientFlow.at(aquifer, np.where(rows == 60, -60, rows), **settings)
