"""What maps show of data: places, boxes and lines, as plain records that pictures and exports draw."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped


class Points(NamedTuple):
    """Places of data."""

    coordinates: Float[np.ndarray, "point axis"]
    """Columns ``x, y(, z)``, metres."""
    values: Shaped[np.ndarray, "point"] | None = None
    """What was observed there, a number each; None where it is no number of its own."""
    codes: Int[np.ndarray, "point"] | None = None
    """The facies code seen there."""


class Boxes(NamedTuple):
    """Boxes that data are averages over."""

    lower: Float[np.ndarray, "box axis"]
    """The corner of the least coordinates, columns ``x, y(, z)``, metres."""
    upper: Float[np.ndarray, "box axis"]
    """The corner of the greatest ones."""


class Lines(NamedTuple):
    """Straight lines between two places, such as those from sources to receivers."""

    start: Float[np.ndarray, "line axis"]
    """Columns ``x, y(, z)``, metres."""
    end: Float[np.ndarray, "line axis"]


Mark = Points | Boxes | Lines
