"""Wells that a prior is given: facies that are certain, in some cells of a grid."""

from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, Int

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._latents import check_axes

WELLS = "wells"
"""Name of the condition."""
IN_WORDS = "facies known in some cells: hard data without errors, or the file of a table of wells"


class KnownCells(Protocol):
    """What `latentinv.HardData` has."""

    grid: Grid
    cells: Int[np.ndarray, "cell axis"]
    error_probability: Float[np.ndarray, "cell"]

    @property
    def codes(self) -> Int[np.ndarray, "cell"]:
        """Facies code of each cell."""


def certain_facies(wells: KnownCells, model: Any, ndim: int) -> Int[np.ndarray, "cell"]:
    """The facies of each cell, as positions among a prior's.

    Raises
    ------
    InputError
        If the wells are none, may be wrong or are of other facies, or their grid has other axes.
    """
    if not hasattr(wells, "error_probability"):
        raise InputError(
            f"The prior was given wells as {type(wells).__name__}; give HardData, or in a study or command the name of "
            "a table of wells."
        )
    check_axes(ndim, wells.grid)
    if np.any(np.asarray(wells.error_probability) > 0):
        raise InputError(
            "The prior was given wells with error probabilities, but takes what it is given for certain; give it those "
            "without, and condition to the others."
        )
    codes, seen = list(model.categories), np.asarray(wells.codes).tolist()
    if missing := set(seen) - set(codes):
        raise InputError(f"The prior was given wells of facies {min(missing)}, which it does not have; give others.")
    return np.asarray([codes.index(code) for code in seen])
