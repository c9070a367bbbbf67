"""A model behind UM-Bridge as a forward model; `latentinv.simulators.UMBridge` says what is sent and given back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.simulators import EvaluationCache, Threads, UMBridge

from ._external import ExternalForward


def umbridge_model(
    url: str,
    model: str,
    grid: Grid,
    *,
    config: Mapping[str, Any] | None = None,
    requests: int = 1,
    timeout: float | None = None,
    cache: EvaluationCache | str | Path | None = None,
    retries: int = 0,
    identity: str | None = None,
) -> ExternalForward:
    """Make a forward model of a model that an UM-Bridge server offers.

    The property is sent as one vector with a number per cell: along each row from west to east, the southernmost row
    first (in three dimensions the lowest layer first). Gradients are those of the server, if it has them; its
    ``apply_jacobian`` is not needed, since samplers use gradients of likelihoods alone.

    Parameters
    ----------
    url
        Of the server or of the balancer before several servers, such as ``http://localhost:4242``.
    model
        The model's name there.
    grid
        Where the property lives.
    config
        What the model is to be told besides the property.
    requests
        How many evaluations to ask for at once: as many as the servers can make.
    timeout
        Seconds after which an evaluation is given up; none unless given.
    cache
        A folder that keeps all evaluations, shared between runs; none unless given.
    retries
        How often a failed evaluation is asked for again.
    identity
        A text that names the model's results; URL, name and configuration unless given.

    Returns
    -------
    ExternalForward
        With as many data as the vectors of the model's output have numbers.

    Raises
    ------
    InputError
        If no server answers, it has no such model, or the model takes anything else than one number per cell.
    """
    simulator = UMBridge(url, model, config, identity=identity)
    if simulator.input_sizes != [grid.size]:
        sizes = " and ".join(str(size) for size in simulator.input_sizes) or "no"
        raise InputError(
            f"The model '{model}' of {simulator.url} takes {sizes} numbers with the config {simulator.config}; "
            f"expected one vector of {grid.size}, one number for each cell of the grid of {grid.shape}; change the "
            "grid or the config."
        )
    threads = Threads(requests, timeout=timeout)
    return ExternalForward(simulator, grid, sum(simulator.output_sizes), executor=threads, cache=cache, retries=retries)
