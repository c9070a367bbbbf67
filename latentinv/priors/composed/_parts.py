"""Shared by priors made of other priors: Gaussian parts, concatenated latents, files within a file.

The arrays of part n are stored under their own names behind ``n `` and a space.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import AbstractPrior, LatentMap, prior_from_record
from latentinv.priors.gaussian import check_latent
from latentinv.storage import PriorRecord


def check_scores(parts: Sequence[Any], what: str, ndim: int | None = None) -> None:
    """Check that parts, called `what` in messages, give standard normal scores on `ndim` axes, or all on the same
    number.

    Raises
    ------
    InputError
        If a part does not.
    """
    for number, part in enumerate(parts):
        if not isinstance(part, AbstractPrior) or not part.is_score:
            raise InputError(
                f"{what} {number} is a {type(part).__name__}, or does not have mean 0 and standard deviation 1; give a "
                "Gaussian prior such as SpectralPrior(covariance), without mean, anamorphosis and facies."
            )
    axes = {part.ndim for part in parts} | ({ndim} if ndim else set())
    if len(axes) > 1:
        raise InputError("The parts of the prior have different numbers of axes; give all 2 or all 3.")


def latent_size(parts: Sequence[AbstractPrior], grid: Grid) -> int:
    """The latents of all parts."""
    return sum(part.latent_size(grid) for part in parts)


def latent_maps(parts: Sequence[AbstractPrior], grid: Grid) -> tuple[LatentMap, ...]:
    """The maps of all parts."""
    return tuple(latent_map for part in parts for latent_map in part.latent_maps(grid))


def generate(parts: Sequence[AbstractPrior], z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid number"]:
    """The fields of all parts, side by side along the last axis.

    Raises
    ------
    InputError
        If the length of `z` is not `latent_size(parts, grid)`, or the grid does not suit a part.
    """
    sizes = [part.latent_size(grid) for part in parts]
    check_latent(z, sum(sizes), parts[0].ndim, grid)
    edges = np.cumsum([0, *sizes]).tolist()
    fields = [part.generate(z[first:last], grid) for part, (first, last) in zip(parts, pairwise(edges), strict=True)]
    return jnp.concatenate([f[..., None] if f.ndim == grid.ndim else f for f in fields], axis=-1)


def parameters(
    parts: Sequence[AbstractPrior], names: Sequence[str], z: Float[Array, "latent"], grid: Grid
) -> dict[str, Float[Array, ""]]:
    """The unknown numbers of all parts, with the name of their part ahead if there are several."""
    found: dict[str, Array] = {}
    start = 0
    for name, part in zip(names, parts, strict=True):
        stop = start + part.latent_size(grid)
        ahead = f"{name}: " if len(parts) > 1 else ""
        found |= {f"{ahead}{what}": value for what, value in part.parameters(z[start:stop], grid).items()}
        start = stop
    return found


def to_record(family: str, parts: Sequence[AbstractPrior], metadata: dict[str, Any]) -> PriorRecord:
    """The content of a file of all parts, with further metadata."""
    records = [part.to_record() for part in parts]
    described = [{"family": record.family, "metadata": record.metadata} for record in records]
    arrays = {f"{n} {name}": array for n, record in enumerate(records) for name, array in record.arrays.items()}
    return PriorRecord(family, {**metadata, "parts": described}, arrays)


def from_record(record: PriorRecord) -> list[Any]:
    """Restore the parts from `to_record`."""
    parts = []
    for number, part in enumerate(record.metadata["parts"]):
        own = f"{number} "
        arrays = {name.removeprefix(own): a for name, a in record.arrays.items() if name.startswith(own)}
        parts.append(prior_from_record(PriorRecord(part["family"], part["metadata"], arrays)))
    return parts
