"""What maps show of data: places, boxes and lines, as plain records that pictures and exports draw."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped


class Points(NamedTuple):
    """Places of data."""

    coordinates: Float[np.ndarray, "point axis"]
    """Columns ``x, y(, z)``, metres."""
    values: Shaped[np.ndarray, "point"] | None = None
    """The number observed at each place; None if there is no single number."""
    codes: Int[np.ndarray, "point"] | None = None
    """The facies code seen there."""


class Boxes(NamedTuple):
    """Boxes over which data are averages."""

    lower: Float[np.ndarray, "box axis"]
    """The corner with the least coordinates, columns ``x, y(, z)``, metres."""
    upper: Float[np.ndarray, "box axis"]
    """The corner with the greatest coordinates."""


class Lines(NamedTuple):
    """Straight lines between two places, such as those from sources to receivers."""

    start: Float[np.ndarray, "line axis"]
    """Columns ``x, y(, z)``, metres."""
    end: Float[np.ndarray, "line axis"]


Mark = Points | Boxes | Lines
