"""Means over boxes: data of a pumping test or a coarser model about a volume.

The mean over a box weighs each cell by the share of the box that falls in it; cells cut by the box count by the area
(volume) inside. A `LinearForward` with these weights. Cost: O(cells in boxes).
"""

from collections.abc import Sequence
from typing import final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy import sparse

from latentinv.errors import InputError
from latentinv.forward.core import FORWARDS, AbstractForward, Boxes, Extents
from latentinv.grid import Grid
from latentinv.pytrees import pytree

from ._linear import LinearForward


@final
@FORWARDS.register("box_means")
@pytree("lower", "upper", "number", "_averages")
class BoxMeans(AbstractForward):
    """Means of a property over boxes.

    Parameters
    ----------
    grid
        The cells.
    lower, upper
        Opposite corners of each box, columns ``x, y(, z)`` in metres.
    number
        Of a property with several numbers per cell, such as the shares of all facies, the position of the one that each
        box averages; None for a property of one number per cell.
    labels
        What messages call each box; ``box 1``, ``box 2`` … unless given.

    Raises
    ------
    InputError
        If a box has no area or reaches outside the grid.
    """

    kind = "box_means"
    linear = True

    def __init__(
        self,
        grid: Grid,
        lower: Float[np.ndarray, "box axis"],
        upper: Float[np.ndarray, "box axis"],
        *,
        number: Int[np.ndarray, "box"] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.grid = grid
        self.lower, self.upper = (np.atleast_2d(np.asarray(corner, float)) for corner in (lower, upper))
        labels = [f"box {n}" for n in range(1, len(self.lower) + 1)] if labels is None else labels
        rows = [_weights(grid, *box) for box in zip(labels, self.lower, self.upper, strict=True)]
        self.number = None if number is None else np.asarray(number, int)
        self._averages = LinearForward(sparse.vstack(rows), grid)

    @property
    def count(self) -> int:
        """Number of boxes."""
        return len(self.lower)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """The mean of each box."""
        if self.number is None:
            return self._averages.predict(property)
        numbers = jnp.moveaxis(property, -1, 0)
        each = jax.vmap(self._averages.predict)(numbers)
        return jnp.sum(jnp.where(jnp.arange(len(numbers))[:, None] == self.number, each, 0), axis=0)

    def marks(self, data: Float[np.ndarray, "datum"]) -> tuple[Boxes]:
        """The boxes."""
        del data
        return (Boxes(self.lower, self.upper),)

    def seen(self) -> Bool[np.ndarray, "*grid"]:
        """The cells in boxes."""
        return self._averages.seen()

    def extents(self) -> Extents:
        """The smallest box of cells around each of the boxes."""
        return self._averages.extents()

    def weights(self) -> sparse.csr_array:
        """The share of each box in each cell, for the number that the box averages."""
        weights = self._averages.weights()
        if self.number is None:
            return weights
        numbers = int(np.max(self.number)) + 1
        rows = np.repeat(np.arange(self.count), np.diff(weights.indptr))
        columns = weights.indices * numbers + np.asarray(self.number)[rows]
        return sparse.csr_array((weights.data, (rows, columns)), shape=(self.count, self.grid.size * numbers))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The boxes."""
        arrays = {"lower": self.lower, "upper": self.upper}
        return arrays if self.number is None else {**arrays, "number": self.number}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "BoxMeans":
        """Restore the model."""
        return cls(grid, arrays["lower"], arrays["upper"], number=arrays.get("number"))


def _weights(grid: Grid, label: str, lower: np.ndarray, upper: np.ndarray) -> sparse.csr_array:
    try:
        return sparse.csr_array(grid.box_weights(lower, upper).reshape(1, -1))
    except InputError as error:
        text = str(error)
        raise InputError(f"{label[0].upper()}{label[1:]}: {text[0].lower()}{text[1:]}") from None
