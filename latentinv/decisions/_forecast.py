"""Forecasts: what a forward model predicts of every draw, such as heads after a well is pumped, or another travel time.

The model may be any that data can have: a JAX function, one of the package's, or a simulator outside JAX, which runs in
the same executors and is asked once for the same property. Cost: one run of the model a draw.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from latentinv.data import AbstractProperty, IndirectData
from latentinv.errors import InputError
from latentinv.forward import AbstractForward, Function, FunctionForward
from latentinv.inference.core import evaluate
from latentinv.inference.run import Run
from latentinv.posterior import Posterior

from ._volumes import Quantiles, quantiles


class Forecast(NamedTuple):
    """What is predicted."""

    values: Float[np.ndarray, "draw datum"]
    """Of the draws for which the model ran."""
    unit: str
    """Of the values, where the model states it."""
    failed: int
    """Draws for which it failed."""

    def quantiles(self) -> list[Quantiles]:
        """Quantiles of each number that the model predicts, over the draws for which it ran."""
        return [quantiles(column) for column in self.values.T]


def forecast(run: Run, forward: AbstractForward | Function, *, property: AbstractProperty | None = None) -> Forecast:
    """Run a forward model over the draws of a run.

    Parameters
    ----------
    run
        A run with draws.
    forward
        The model, on the run's grid, or a JAX function of the property.
    property
        How a field is read as the property that the model expects; the field itself unless given.

    Raises
    ------
    InputError
        If the run has no draw, the model is of another grid, or it fails for every draw.
    """
    if not len(run.latents):
        raise InputError("The run has no draw, so nothing can be forecast; `latentinv show` says why.")
    prior, grid = run.posterior.conditioned, run.posterior.grid
    model = forward if isinstance(forward, AbstractForward) else FunctionForward(forward, grid)
    data = IndirectData(grid, model, np.zeros(model.count), 1.0, property=property, name="forecast")
    values = evaluate(Posterior(prior, grid, [data]), run.latents).predictions.exact[0]
    ran = np.isfinite(values).all(axis=1)
    if not ran.any():
        raise InputError("The forward model failed for every draw; run it by hand on one of them.")
    return Forecast(np.asarray(values[ran], float), data.unit, int(np.sum(~ran)))
