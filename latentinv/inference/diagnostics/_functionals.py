"""What users care about in draws: facies shares, predicted data, pixels, the log-likelihood.

Many latents give one field, so whether chains agree is asked of these and not of latents. They come from what a run
keeps of its draws; fields are generated again only for the log-likelihood of facies read softly and for scores within
facies. Cost: one pass over the realizations, and one generation of each draw for either.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from latentinv.data import HardData
from latentinv.data.core import AbstractObservation, say_point
from latentinv.grid import Grid
from latentinv.inference.core import generated
from latentinv.posterior import Posterior
from latentinv.priors.core import AbstractPrior

if TYPE_CHECKING:
    from latentinv.inference.run import Run

PIXELS = 16
"""About so many, on a lattice over the grid."""
MOST_DATA = 500
"""Of an observation with more data so many are looked at, evenly spread."""


def functionals(run: "Run") -> dict[str, Float[np.ndarray, "chain moment"]]:
    """What users care about in a run's draws, by name and chain; a population counts as one chain.

    Parameters
    ----------
    run
        A run, with or without draws.

    Returns
    -------
    The share of each facies (of two, that of the higher code) or the field's mean; for hard data the share of pixels
    honoured, for other data each predicted datum; pixels; scores within facies, if the prior has such, in the mean and
    at pixels; the log-likelihood under the target.
    """
    posterior = run.posterior
    columns = whole_field(posterior.prior, run.realizations)
    for observation in posterior.observations:
        columns |= predicted_data(observation, run.predicted[observation.name])
    columns |= _pixels(posterior.grid, run.realizations)
    columns |= _scores(posterior, run.latents)
    if posterior.observations:
        columns["log-likelihood"] = log_likelihoods(posterior, run.latents, run.predicted)
    return {name: run.by_chain(np.asarray(values, float)) for name, values in columns.items()}


def whole_field(prior: AbstractPrior, realizations: Shaped[np.ndarray, "draw *grid"]) -> dict[str, np.ndarray]:
    """Facies shares, or the mean, of each draw."""
    if prior.facies_model is None:
        return {"mean": np.array([np.mean(field, dtype=float) for field in realizations])}
    codes = prior.facies_model.categories
    shown = codes if len(codes) > 2 else codes[1:]
    return {f"share of facies {code}": np.array([np.mean(r == code) for r in realizations]) for code in shown}


def predicted_data(observation: AbstractObservation, exact: Float[np.ndarray, "draw datum"]) -> dict[str, np.ndarray]:
    """The share of hard data honoured, or each predicted datum, of each draw."""
    name = observation.name
    if isinstance(observation, HardData):
        return {f"{name}, share honoured": np.mean(exact, axis=1, dtype=float)}
    shown = np.unique(np.linspace(0, observation.count - 1, MOST_DATA).astype(int))
    return {f"{name} {i + 1}": exact[:, i] for i in shown}


def log_likelihoods(
    posterior: Posterior, latents: Float[np.ndarray, "draw latent"], predicted: dict[str, np.ndarray]
) -> Float[np.ndarray, "draw"]:
    """Log-likelihood of each draw under the target."""
    return sum(log_likelihood_parts(posterior, latents, predicted).values(), np.zeros(len(latents)))


def log_likelihood_parts(
    posterior: Posterior, latents: Float[np.ndarray, "draw latent"], predicted: dict[str, np.ndarray]
) -> dict[str, Float[np.ndarray, "draw"]]:
    """What each observation adds to the log-likelihood of each draw under the target."""
    one: list[Callable[[Array], Array]]
    if posterior.target == "soft" and posterior.prior.facies_model is not None:
        batches = [batch.predictions.soft for batch in generated(posterior, latents)]
        tables = [np.concatenate(of_data) for of_data in zip(*batches, strict=True)]
        one = [functools.partial(o.tempered_log_likelihood, inverse_temperature=1.0) for o in posterior.observations]
    else:
        tables = [predicted[o.name] for o in posterior.observations]
        one = [
            o.exact_log_likelihood for o in posterior.observations
        ]  # that of the soft reading where there is but one
    names = [o.name for o in posterior.observations]
    parts = zip(names, one, tables, strict=True)
    return {name: np.asarray(jax.jit(jax.vmap(of))(jnp.asarray(table))) for name, of, table in parts}


def _pixels(grid: Grid, realizations: Shaped[np.ndarray, "draw *grid"]) -> dict[str, np.ndarray]:
    cells = spread_cells(grid)
    values = realizations[(slice(None), *cells.T)]
    return {f"pixel at {say_point(at)}": values[:, i] for i, at in enumerate(grid.centres(cells))}


def _scores(posterior: Posterior, latents: Float[np.ndarray, "draw latent"]) -> dict[str, np.ndarray]:
    """Mean and pixels of the scores that a hierarchical prior draws within facies."""
    model, grid = posterior.prior.facies_model, posterior.grid
    if model is None or not model.score_count:
        return {}
    values = np.asarray(_score_program(posterior)(jnp.asarray(latents)))
    names = ["in the mean", *(f"at {say_point(at)}" for at in grid.centres(spread_cells(grid)))]
    return {f"score {k} {name}": values[:, i, k] for k in range(model.score_count) for i, name in enumerate(names)}


@functools.lru_cache(maxsize=4)
def _score_program(posterior: Posterior) -> Callable[[Array], Float[Array, "draw moment score"]]:
    """The map from latents to means and pixels of scores, compiled once for all looks at a run."""
    model, grid = posterior.prior.facies_model, posterior.grid
    assert model is not None
    cells = spread_cells(grid)

    def one(z: Array) -> Float[Array, "moment score"]:
        scores = model.scores(posterior.field(z))
        return jnp.concatenate([scores.mean(axis=range(grid.ndim))[None], scores[tuple(cells.T)]])

    return jax.jit(lambda latents: jax.lax.map(one, latents))


def spread_cells(grid: Grid) -> Int[np.ndarray, "pixel axis"]:
    """Cells of a lattice over the grid."""
    along = round(PIXELS ** (1 / grid.ndim))
    lines = [np.unique(((np.arange(along) + 0.5) / along * size).astype(int)) for size in grid.shape]
    return np.stack([line.ravel() for line in np.meshgrid(*lines, indexing="ij")], axis=1)
