"""The posteriors that samplers are compared on: wells with block means, and a linear tomography.

Both have the *soft* target, which has gradients and excludes nothing, so that every algorithm, and a peer that starts
from draws of the prior, explores the same density.
"""

import jax.numpy as jnp
import numpy as np

from benchmarks._data import steady_flow_case
from benchmarks._fields import facies_model
from latentinv import BlockMeans, CholeskyPrior, Covariance, Grid, HardData, IndirectData, Posterior
from latentinv.errors import InputError
from latentinv.forward import LinearForward, ray_lengths
from latentinv.priors import AbstractPrior

BLOCK_SD = 0.05
SLOWNESS, SLOWNESS_SD = 12.5, 1.0
"""Nanoseconds per metre: radar waves in moist sand."""
TIME_SD = 0.5
"""Nanoseconds."""


def wells_and_blocks(prior: AbstractPrior, cells: int, seed: int) -> Posterior:
    """The 49 wells of the flow case of Laloy et al. (2018), and the share of sand of its four quarters.

    Parameters
    ----------
    prior
        A prior of two facies.
    cells
        Edge of the upper left part of the case that is taken, of at most 125 cells.
    seed
        Of the block means' errors.

    Raises
    ------
    InputError
        If the case has fewer cells.
    """
    case, model = steady_flow_case(), facies_model(prior)
    most = len(case["true_facies"])
    if not 2 <= cells <= most:
        raise InputError(f"The wells were asked for on {cells} × {cells} cells; give from 2 to {most} along an edge.")
    grid = Grid((cells, cells))
    inside = (case["well_row"] < cells) & (case["well_column"] < cells)
    places = np.stack([case["well_row"], case["well_column"]], axis=1)[inside]
    wells = HardData(grid, grid.centres(places), case["well_facies"][inside].astype(int), model)
    half = cells // 2
    lower = half * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    truth = [case["true_facies"][y : y + half, x : x + half].mean() for x, y in lower]
    error = BLOCK_SD * np.random.default_rng(seed).standard_normal(len(truth))
    means = np.clip(truth + error, 0.0, 1.0)
    blocks = BlockMeans(grid, lower.astype(float), lower + float(half), means, BLOCK_SD, model)
    return Posterior(prior, grid, [wells, blocks], target="soft")


def tomography(cells: int, rays: int, seed: int) -> Posterior:
    """Travel times between two boreholes through a Gaussian field of slowness, drawn from the prior.

    Parameters
    ----------
    cells
        Rows, 0.5 m each; the boreholes are half as far apart as deep.
    rays
        Sources, and as many receivers; each pair is a datum.
    seed
        Of truth and noise.
    """
    grid = Grid((cells, max(2, cells // 2)), spacing=0.5)
    prior = CholeskyPrior(Covariance("exponential", (0.4 * cells, 0.2 * cells), SLOWNESS_SD), mean=SLOWNESS)
    width, depth = 0.5 * grid.shape[1], 0.5 * grid.shape[0]
    depths = (np.arange(rays) + 0.5) / rays * depth
    source, receiver = (part.ravel() for part in np.meshgrid(depths, depths, indexing="ij"))
    ends = [np.stack([np.full(source.size, x), y], axis=1) for x, y in ((0.0, source), (width, receiver))]
    forward = LinearForward(ray_lengths(grid, *ends), grid)
    rng = np.random.default_rng(seed)
    truth = prior.generate(jnp.asarray(rng.standard_normal(prior.latent_size(grid)), jnp.float32), grid)
    times = np.asarray(forward.predict(truth)) + TIME_SD * rng.standard_normal(source.size)
    return Posterior(prior, grid, [IndirectData(grid, forward, times, TIME_SD, name="travel times", unit="ns")])
