"""Rays between sources and receivers, and what all travel times share."""

import abc
from typing import Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.forward.core import AbstractForward, Lines
from latentinv.grid import Grid


class AbstractRays(AbstractForward):
    """Travel times from sources to receivers, from velocities.

    Parameters
    ----------
    grid
        The cells.
    sources, receivers
        Coordinates x, y(, z) in metres, a row of each for every ray; on the grid's outer faces or within.

    Raises
    ------
    InputError
        If their numbers differ, a point lies outside the grid, or a ray has no length.
    """

    def __init__(
        self, grid: Grid, sources: Float[np.ndarray, "datum axis"], receivers: Float[np.ndarray, "datum axis"]
    ) -> None:
        self.grid = grid
        self.sources, self.receivers = (np.atleast_2d(np.asarray(ends, float)) for ends in (sources, receivers))
        check_rays(grid, self.sources, self.receivers)
        self._prepare()

    @abc.abstractmethod
    def _prepare(self) -> None:
        """Set the operators that predictions need, once."""

    @property
    def count(self) -> int:
        """Number of rays."""
        return len(self.sources)

    def marks(self, data: Float[np.ndarray, "datum"]) -> tuple[Lines]:
        """Lines between the ends of the rays, which may bend between them."""
        del data
        return (Lines(self.sources, self.receivers),)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The ends of the rays."""
        return {"sources": self.sources, "receivers": self.receivers}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> Self:
        """Make the model again."""
        return cls(grid, arrays["sources"], arrays["receivers"])


def where_possible(velocity: Float[Array, "*grid"], times: Float[Array, "datum"]) -> Float[Array, "datum"]:
    """Times, or no number where a velocity is none, which a likelihood rejects."""
    return jnp.where(jnp.all(velocity > 0), times, jnp.nan)


def check_rays(grid: Grid, sources: np.ndarray, receivers: np.ndarray) -> None:
    """Check the ends of rays.

    Raises
    ------
    InputError
        As `AbstractRays`.
    """
    if sources.shape != receivers.shape or sources.ndim != 2 or sources.shape[1] != grid.ndim or not len(sources):
        raise InputError(
            f"The rays have sources of shape {sources.shape} and receivers of {receivers.shape}; give as many of each, "
            f"with {grid.ndim} coordinates."
        )
    for name, ends in (("source", sources), ("receiver", receivers)):
        inside = np.isfinite(ends).all(axis=1)
        inside[inside] = grid.inside(ends[inside])
        if not inside.all():
            first = int(np.argmin(inside))
            raise InputError(
                f"The {name} of ray {first + 1} at {tuple(ends[first].tolist())} lies outside the grid "
                f"({grid.describe()}); move it, or enlarge the grid."
            )
    short = np.flatnonzero((sources == receivers).all(axis=1))
    if short.size:
        raise InputError(f"Ray {short[0] + 1} ends where it begins; leave it out.")
