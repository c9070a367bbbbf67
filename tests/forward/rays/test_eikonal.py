"""Curved rays: closed forms of first-arrival times, and the ways they bend."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.forward import CurvedRays, StraightRays


def times(grid, velocity, sources, receivers):
    """Predicted times over a velocity given by a function of y."""
    rows = grid.centres(np.stack([np.arange(grid.shape[0]), np.zeros(grid.shape[0], int)], axis=1))[:, 1]
    field = np.broadcast_to(velocity(rows)[:, None], grid.shape)
    return predict(CurvedRays(grid, sources, receivers), field)


def predict(rays, velocity):
    return np.asarray(rays.predict(jnp.asarray(velocity, jnp.float32)), float)


@pytest.mark.parametrize("grid", [Grid((12, 9), (0.4, 0.5), (-1.0, 3.0)), Grid((5, 6, 7), (1.0, 0.7, 2.0))])
def test_that_rays_are_straight_where_the_velocity_does_not_vary(grid):
    ends = np.random.default_rng(1).uniform(grid.lower, grid.upper, (2, 8, grid.ndim))
    velocity = jnp.full(grid.shape, 0.1)
    found = predict(CurvedRays(grid, *ends), velocity)
    np.testing.assert_allclose(found, StraightRays(grid, *ends).predict(velocity), rtol=2e-6)


def test_that_times_converge_to_those_of_a_velocity_that_grows_with_depth():
    # Rays are arcs of circles: T = arcosh(1 + g² r² / (2 v₁ v₂)) / g (Slotnick 1959, lesson 23).
    surface, growth = 0.1, 0.01
    depths = np.array([1.0, 4.5, 7.25, 11.0])
    sources, receivers = np.tile([0.0, 3.0], (4, 1)), np.stack([np.full(4, 5.0), depths], axis=1)
    ends = surface + growth * sources[:, 1], surface + growth * depths
    squared = np.sum((sources - receivers) ** 2, axis=1)
    expected = np.arccosh(1 + growth**2 * squared / (2 * ends[0] * ends[1])) / growth
    errors = []
    for cells in (4, 8):
        grid = Grid((12 * cells, 5 * cells), 1 / cells)
        errors.append(times(grid, lambda y: surface + growth * y, sources, receivers) - expected)
    assert np.abs(errors[0]).max() < 0.1  # of 40 to 60
    assert 1.7 < np.abs(errors[0]).max() / np.abs(errors[1]).max() < 2.3


def test_that_waves_run_along_a_fast_layer_below_a_slow_one():
    # The head wave of two layers, v₁ above y = 2 and v₂ below, from and to 1 above: t = x / v₂ + 2 √(1/v₁² − 1/v₂²).
    slow, fast, far = 0.06, 0.15, np.array([5.0, 10.0, 15.0])
    head = far / fast + 2 * np.sqrt(1 / slow**2 - 1 / fast**2)
    sources, receivers = np.tile([0.0, 1.0], (3, 1)), np.stack([far, np.ones(3)], axis=1)
    errors = []
    for cells in (4, 8):
        grid = Grid((4 * cells, 16 * cells), 1 / cells)
        errors.append(times(grid, lambda y: np.where(y < 2, slow, fast), sources, receivers) - head)
    assert np.abs(errors[0] / head).max() < 0.05
    assert 1.7 < np.abs(errors[0][-1] / errors[1][-1]) < 2.6
    assert np.all(head < far / slow)


def test_that_a_wave_takes_as_long_back_and_that_an_obstacle_is_gone_around():
    grid = Grid((40, 40), 0.5)
    velocity = np.ones(grid.shape, np.float32)
    velocity[8:32, 18:22] = 1e-3
    ends = np.array([[2.0, 10.0], [18.0, 10.0]])
    there, back = (float(predict(CurvedRays(grid, a, b), velocity)[0]) for a, b in (ends, ends[::-1]))
    # Corners at its faces are slow too, so the obstacle counts as half a metre larger at each side.
    around, around_larger = (2 * np.hypot(7.0 - part, 6.0 + part) + 2.0 + 2 * part for part in (0.0, 0.5))
    assert there == pytest.approx(back, rel=0.01)
    assert around < there < 1.05 * around_larger
    assert float(StraightRays(grid, *ends).predict(jnp.asarray(velocity))[0]) > 1e3


def test_that_rays_may_share_sources_or_receivers():
    grid = Grid((8, 10), 0.5)
    velocity = jnp.exp(0.1 * jax.random.normal(jax.random.key(0), grid.shape))
    many, one = np.array([[5.0, 0.3], [5.0, 2.0], [5.0, 3.9]]), np.tile([0.0, 1.2], (3, 1))
    together = predict(CurvedRays(grid, one, many), velocity)
    alone = [predict(CurvedRays(grid, one[0], end), velocity)[0] for end in many[:2]]
    np.testing.assert_allclose(together[:2], alone, rtol=1e-6)
    np.testing.assert_array_equal(predict(CurvedRays(grid, many, one), velocity), together)


def test_that_the_gradient_lies_along_the_ray_and_adds_up_to_the_time():
    # Times are of the first degree in slowness: Σ s ∂T/∂s = T. Far from the ray nothing matters.
    grid = Grid((16, 24), 0.5)
    rays = CurvedRays(grid, [0.0, 4.1], [12.0, 4.1])
    slowness = jnp.exp(0.02 * jax.random.normal(jax.random.key(1), grid.shape))
    time, gradient = jax.jit(jax.value_and_grad(lambda s: rays.predict(1 / s)[0]))(slowness)
    assert float(jnp.sum(gradient * slowness)) == pytest.approx(float(time), rel=1e-4)
    # Within 1.5 m of it, the width that the first order smears a ray to.
    assert float(jnp.sum(gradient[5:12])) > 0.9 * float(jnp.sum(gradient))


def test_that_a_ray_outside_the_grid_is_refused():
    with pytest.raises(InputError, match="receiver of ray 1"):
        CurvedRays(Grid((5, 6)), [0.0, 1.0], [7.0, 1.0])


def test_that_times_that_were_not_found_are_no_numbers(monkeypatch):
    grid = Grid((20, 20), 0.5)
    rays = CurvedRays(grid, [0.5, 5.0], [9.5, 5.0])
    maze = np.ones(grid.shape, np.float32)
    maze[2:, 6], maze[:-2, 13] = 1e-3, 1e-3
    assert np.isfinite(rays.predict(jnp.asarray(maze))).all()
    monkeypatch.setattr("latentinv.forward.rays._eikonal.MOST_ROUNDS", 1)
    jax.clear_caches()
    assert np.isnan(rays.predict(jnp.asarray(maze))).all()
    jax.clear_caches()
