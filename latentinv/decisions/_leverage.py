"""What each datum did: how well the draws fit it, and how the map would look without it.

Leaving a datum out divides the posterior by its likelihood, so draws with weights 1 / p(d_i | draw) stand for the
posterior of all others (Gelfand 1996). Large weights are smoothed by a generalised Pareto distribution, whose shape k
says whether they can be trusted: up to 0.7 they can (Vehtari, Gelman and Gabry 2017, doi:10.1007/s11222-016-9696-4). A
datum with a larger k moved the posterior so far that these draws cannot tell where it would be without; run again
without it. So it is for certain wells, which every draw honours. Cost: a sort of the draws for each datum.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped

from latentinv.errors import InputError

RELIABLE = 0.7


class Leverage(NamedTuple):
    """Of each datum of one data set."""

    misfit: Float[np.ndarray, "datum"]
    """Mean of the draws' predictions less the datum, in standard deviations of the noise."""
    moved: Float[np.ndarray, "datum"]
    """Root mean square change of the map, the mean over draws of each cell, if the datum is left out."""
    shape: Float[np.ndarray, "datum"]
    """Shape k of the weights' tail; NaN where equal draws leave it undefined."""

    @property
    def trusted(self) -> Bool[np.ndarray, "datum"]:
        """Whether `moved` can be trusted."""
        return self.shape <= RELIABLE


def leverage(
    cells: Shaped[np.ndarray, "draw *grid"],
    predicted: Float[np.ndarray, "draw datum"],
    observed: Float[np.ndarray, "datum"],
    sd: Float[np.ndarray, "datum"],
) -> Leverage:
    """Misfit and leverage of each datum with independent Gaussian noise.

    Parameters
    ----------
    cells
        What is mapped, of each draw: whether a cell is sand, or a property.
    predicted
        Of each draw, such as `Run.predicted` has them by the data's name.
    observed, sd
        The data and their standard deviations, one for each or one for all.

    Raises
    ------
    InputError
        If the shapes do not agree, or there are fewer than 25 draws, too few to tell.
    """
    predicted, observed = np.asarray(predicted, float), np.asarray(observed, float)
    sd = np.broadcast_to(np.asarray(sd, float), observed.shape)
    if predicted.shape != (len(cells), observed.size) or len(cells) < 25:
        raise InputError(
            f"Given {len(cells)} draws with predictions of shape {predicted.shape} for {observed.size} data; expected "
            "a row for each of at least 25 draws, and a column for each datum."
        )
    flat = np.asarray(cells, float).reshape(len(cells), -1)
    mean, residuals = flat.mean(axis=0), (predicted - observed) / sd
    moved, shapes = [], []
    for column in residuals.T:
        log_weights, shape = _smoothed(0.5 * column**2)
        weights = np.exp(log_weights - log_weights.max())
        moved.append(np.sqrt(np.mean((weights @ flat / weights.sum() - mean) ** 2)))
        shapes.append(shape)
    return Leverage(residuals.mean(axis=0), np.array(moved), np.array(shapes))


def _smoothed(log_weights: Float[np.ndarray, "draw"]) -> tuple[Float[np.ndarray, "draw"], float]:
    """Log-weights with a smoothed tail, and the shape k of the tail; NaN where draws that agree leave it undefined."""
    from arviz_stats.base import array_stats

    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            smoothed, shape = array_stats.psislw(-log_weights)
    except ValueError:  # all weights of the tail are the same, as where a datum is one cell's facies
        return log_weights, float("nan")
    return (smoothed, float(shape)) if np.isfinite(smoothed).all() else (log_weights, float("nan"))
