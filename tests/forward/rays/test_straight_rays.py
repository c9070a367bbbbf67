"""Straight rays: exact lengths, and the published crosshole kernel."""

import os
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.forward import StraightRays, ray_lengths

DATA = Path(os.environ.get("LATENTINV_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))


def random_rays(grid, count, seed):
    """Ends anywhere in a grid."""
    low = np.asarray(grid.origin)
    high = low + np.asarray(grid.shape[::-1]) * np.asarray(grid.spacing)
    return np.random.default_rng(seed).uniform(low, high, (2, count, grid.ndim))


@pytest.mark.parametrize("grid", [Grid((7, 9), (0.5, 2.0), (-3.0, 10.0)), Grid((4, 5, 6), (1.0, 0.7, 2.0))])
def test_that_lengths_are_those_of_many_small_pieces(grid):
    sources, receivers = random_rays(grid, 20, 1)
    lengths = ray_lengths(grid, sources, receivers)
    pieces = 40_000
    along = (np.arange(pieces) + 0.5) / pieces
    for ray, (source, receiver) in enumerate(zip(sources, receivers, strict=True)):
        whole = np.linalg.norm(receiver - source)
        cells = grid.cells(source + along[:, None] * (receiver - source))
        found = np.bincount(np.ravel_multi_index(tuple(cells.T), grid.shape), minlength=grid.size) * whole / pieces
        # Every cut between cells is missed by half a piece at most, on both sides of a cell.
        np.testing.assert_allclose(lengths[[ray]].toarray()[0], found, atol=1.01 * whole / pieces)


def test_that_lengths_of_a_ray_add_up_to_it_along_faces_and_borders_too():
    grid = Grid((6, 8))
    sources = np.array([[0.0, 3.0], [0.0, 0.0], [0.0, 6.0], [8.0, 0.0], [4.0, 0.0]])
    receivers = np.array([[8.0, 3.0], [6.0, 6.0], [8.0, 6.0], [8.0, 6.0], [4.0, 6.0]])
    lengths = ray_lengths(grid, sources, receivers)
    np.testing.assert_allclose(lengths.sum(axis=1), np.linalg.norm(receivers - sources, axis=1))
    np.testing.assert_allclose(lengths[[1]].toarray().reshape(grid.shape).diagonal(), np.sqrt(2))


def test_that_a_slow_cell_delays_the_ray_that_crosses_it_and_no_other():
    grid = Grid((5, 6), spacing=(2.0, 1.0))
    rays = StraightRays(grid, [[0.0, 1.5], [0.0, 3.5]], [[12.0, 1.5], [12.0, 3.5]])
    velocity = np.full(grid.shape, 0.1, np.float32)
    velocity[3, 4] = 0.05
    np.testing.assert_allclose(rays.predict(jnp.asarray(velocity)), [120.0, 140.0], rtol=1e-6)


def test_that_the_published_kernel_is_reproduced_on_rays_off_the_faces():
    file = DATA / "crosshole_linear_125x60" / "case.npz"
    if not file.exists():
        pytest.skip(f"the reference data are not at {file}; set LATENTINV_DATA")
    case = np.load(file)
    grid = Grid((125, 60), spacing=(0.1, 0.1))
    depths = np.arange(0.5, 12.25, 0.5)
    source, receiver = (part.ravel() for part in np.meshgrid(depths, depths, indexing="ij"))
    ends = [np.stack([np.full(576, x), y], axis=1) for x, y in ((0.01, source), (5.99, receiver))]
    slowness = 1 / np.where(case["true_facies"] == 1, 0.06, 0.08)
    # The published times belong to a model that was flattened along its columns before the product.
    times = ray_lengths(grid, *ends) @ slowness.ravel(order="F")
    slanted = source != receiver
    difference = times - case["published_noise_free_ns"].ravel()
    assert np.abs(difference[slanted]).max() < 0.02


@pytest.mark.parametrize(
    ("sources", "receivers", "words"),
    [
        ([[0.0, 0.0]], [[1.0, 1.0], [2.0, 2.0]], "as many of each"),
        ([[0.0, 0.0, 0.0]], [[1.0, 1.0, 1.0]], "2 coordinates"),
        ([[0.0, 0.0], [1.0, 7.0]], [[1.0, 1.0], [2.0, 2.0]], "source of ray 2"),
        ([[0.0, 0.0]], [[np.nan, 1.0]], "receiver of ray 1"),
        ([[1.0, 1.0]], [[1.0, 1.0]], "ends where it begins"),
    ],
)
def test_that_rays_that_cannot_be_are_refused(sources, receivers, words):
    with pytest.raises(InputError, match=words):
        StraightRays(Grid((5, 6)), sources, receivers)
