"""Quantities of interest in draws: facies shares, predicted data, pixels, the log-likelihood.

Many latents give one field, so whether chains agree is asked of these and not of latents. They come from what a run
keeps of its draws; fields are generated again only for scores within facies. Cost: one pass over the realizations, and
one generation of each draw for scores.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from latentinv.data.core import say_point
from latentinv.grid import Grid
from latentinv.posterior import Posterior
from latentinv.priors import AbstractPrior

from ._parameters import parameters
from ._subject import RunLike

PIXELS = 16
"""Approximate number of pixels, on a lattice over the grid."""


def functionals(run: RunLike) -> dict[str, Float[np.ndarray, "chain draw"]]:
    """Quantities of interest in a run's draws, by name and chain; a population counts as one chain.

    Parameters
    ----------
    run
        A run, with or without draws.

    Returns
    -------
    The share of each facies (of two, that of the higher code) or the field's mean; for hard data the share of pixels
    honoured, for other data each predicted datum; pixels, where there are more than two facies whether each has one of
    them; scores within facies, if the prior has such, in the mean and
    at pixels; unknown numbers of the prior, such as its range; the log-likelihood under the target.
    """
    posterior = run.posterior
    columns = whole_field(posterior.prior, run.realizations)
    for observation in posterior.observations:
        columns |= observation.quantities(run.predicted[observation.name])
    columns |= _pixels(posterior, run.realizations)
    columns |= _scores(posterior, run.latents)
    columns |= parameters(posterior, run.latents)
    if posterior.observations:
        columns["log-likelihood"] = sum(run.log_likelihoods.values(), np.zeros(len(run.latents)))
    return {name: run.by_chain(np.asarray(values, float)) for name, values in columns.items()}


def whole_field(prior: AbstractPrior, realizations: Shaped[np.ndarray, "draw *grid"]) -> dict[str, np.ndarray]:
    """Facies shares, or the mean, of each draw."""
    if prior.facies_model is None:
        return {"mean": np.array([np.mean(field, dtype=float) for field in realizations])}
    codes, label = prior.facies_model.categories, prior.facies_model.label
    shown = codes if len(codes) > 2 else codes[1:]
    return {f"share of {label(code)}": np.array([np.mean(r == code) for r in realizations]) for code in shown}


def _pixels(posterior: Posterior, realizations: Shaped[np.ndarray, "draw *grid"]) -> dict[str, np.ndarray]:
    """Values of pixels; of more than two facies, whose codes are no numbers, whether a pixel has each but the first."""
    grid, model = posterior.grid, posterior.prior.facies_model
    cells = spread_cells(grid)
    values = realizations[(slice(None), *cells.T)]
    columns = {f"pixel at {say_point(at, grid.axes)}": values[:, i] for i, at in enumerate(grid.centres(cells))}
    if model is None or len(model.categories) == 2:
        return columns
    others = model.categories[1:]
    return {f"{name}: {model.label(code)}": column == code for name, column in columns.items() for code in others}


def _scores(posterior: Posterior, latents: Float[np.ndarray, "draw latent"]) -> dict[str, np.ndarray]:
    """Mean and pixels of the scores that a hierarchical prior draws within facies."""
    model, grid = posterior.prior.facies_model, posterior.grid
    if model is None or not model.score_count:
        return {}
    cells = spread_cells(grid)
    values = np.asarray(_score_table(posterior, latents, cells))
    names = ["in the mean", *(f"at {say_point(at, grid.axes)}" for at in grid.centres(cells))]
    return {f"score {k} {name}": values[:, i, k] for k in range(model.score_count) for i, name in enumerate(names)}


@jax.jit
def _score_table(
    posterior: Posterior, latents: Float[Array, "draw latent"], cells: Int[Array, "pixel axis"]
) -> Float[Array, "draw place score"]:
    """Means and pixels of scores."""
    model, grid = posterior.prior.facies_model, posterior.grid
    assert model is not None

    def one(z: Array) -> Float[Array, "place score"]:
        scores = model.scores(posterior.field(z))
        return jnp.concatenate([scores.mean(axis=range(grid.ndim))[None], scores[tuple(cells.T)]])

    return jax.lax.map(one, latents)


def spread_cells(grid: Grid) -> Int[np.ndarray, "pixel axis"]:
    """Cells of a lattice over the grid."""
    along = round(PIXELS ** (1 / grid.ndim))
    lines = [np.unique(((np.arange(along) + 0.5) / along * size).astype(int)) for size in grid.shape]
    return np.stack([line.ravel() for line in np.meshgrid(*lines, indexing="ij")], axis=1)
