"""A run for ArviZ: a tree of labelled arrays by chain and draw, ready for its plots and tables.

Groups: ``posterior`` (facies shares or the mean, a lattice of pixels, and what each observation predicts under its
name), ``observed_data`` (under the same names), ``log_likelihood`` (of each observation), ``sample_stats`` (``lp``, the
log-density; of chains also what each step of the driver reported, along ``step``). A population counts as one chain.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from latentinv.data.core import say_point

from ._functionals import spread_cells
from ._subject import RunLike

if TYPE_CHECKING:
    import xarray


STEP_STATISTICS = {"acceptance": "acceptance_rate", "step_size": "step_size", "divergences": "diverging"}
"""Columns of the trace that are given for each chain, and their names in ArviZ."""


def to_arviz(run: RunLike) -> "xarray.DataTree":
    """Give a run as a tree of labelled arrays."""
    from xarray import DataTree

    groups = {"posterior": _posterior(run), "observed_data": _observed(run)}
    parts = run.log_likelihoods
    groups["log_likelihood"] = _dataset({name: (("chain", "draw"), run.by_chain(of)) for name, of in parts.items()})
    groups["sample_stats"] = _statistics(run, sum(parts.values(), np.zeros(len(run.latents))))
    tree = DataTree.from_dict(groups)
    tree.attrs |= {"algorithm": run.algorithm, "inference_library": "latentinv", "sampling_time": run.seconds}
    return tree


def _posterior(run: RunLike) -> Any:
    posterior, realizations = run.posterior, run.realizations
    model, cells = posterior.prior.facies_model, spread_cells(posterior.grid)
    dims = ("chain", "draw")
    if model is None:
        mean = realizations.reshape(len(realizations), -1).mean(axis=1, dtype=float)
        variables: dict[str, Any] = {"mean": (dims, run.by_chain(mean))}
    else:
        shares = [[np.mean(field == code) for code in model.categories] for field in realizations]
        table = np.asarray(shares, float).reshape(-1, len(model.categories))
        variables = {"share": ((*dims, "facies"), run.by_chain(table))}
    variables["pixel"] = ((*dims, "place"), run.by_chain(realizations[(slice(None), *cells.T)]))
    for observation in posterior.observations:
        drawn, _ = observation.compared(realizations, run.predicted[observation.name])
        variables[observation.name] = ((*dims, f"{observation.name} datum"), run.by_chain(drawn))
    places = {"place": [say_point(at, posterior.grid.axes) for at in posterior.grid.centres(cells)]}
    return _dataset(variables, places if model is None else places | {"facies": list(model.names or model.categories)})


def _observed(run: RunLike) -> Any:
    pairs = ((o, run.predicted[o.name]) for o in run.posterior.observations)
    data = {o.name: o.compared(run.realizations, exact)[1] for o, exact in pairs}
    return _dataset({name: ((f"{name} datum",), values) for name, values in data.items()})


def _statistics(run: RunLike, log_likelihood: np.ndarray) -> Any:
    density = log_likelihood - 0.5 * np.sum(run.latents.astype(float) ** 2, axis=1)
    variables: dict[str, Any] = {"lp": (("chain", "draw"), run.by_chain(density))}
    if run.chains is not None:
        for name, called in STEP_STATISTICS.items():
            column = run.trace.get(name)
            if column is not None and column.shape[1:] == (run.chains,):
                variables[called] = (("chain", "step"), column.T)
    return _dataset(variables)


def _dataset(variables: dict[str, Any], coordinates: dict[str, Any] | None = None) -> Any:
    """Labelled arrays, counted along axes without labels."""
    from xarray import Dataset

    sizes = {dim: n for dims, values in variables.values() for dim, n in zip(dims, values.shape, strict=True)}
    labels = {dim: np.arange(n) for dim, n in sizes.items()} | (coordinates or {})
    return Dataset(variables, coords=labels)
