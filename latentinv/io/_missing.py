"""Missing values: the codes by which files say that a cell has no value.

They are not geology. NaN and infinities have no value anywhere. The usual codes of the field's programs are -99, -999,
-999.25 (LAS), -9999 (Esri), -9966699 (SGeMS) and numbers as large as 1e21 (GSLIB) and larger, of either sign.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Shaped

USUAL = (-99.0, -999.0, -999.25, -9999.0, -9966699.0)
"""Codes that are taken for missing unless the user names others."""
HUGE = 0.999e21
"""Size from which a number is such a code; somewhat below 1e21, for it may have been rounded."""


def missing_cells(
    array: Shaped[np.ndarray, "*grid"], codes: Sequence[float] | None = None
) -> Bool[np.ndarray, "*grid"]:
    """Tell which cells have no value.

    Parameters
    ----------
    array
        Numbers; of other types none is missing.
    codes
        The codes of missing values; the usual ones if omitted. NaN and infinities are missing in any case.
    """
    array, chosen = np.asarray(array), USUAL if codes is None else codes
    if array.dtype.kind == "f":
        # Codes as the type rounds them, so that they are found in single precision too.
        without = np.isin(array, np.asarray(chosen, array.dtype)) | ~np.isfinite(array)
        return without | (np.abs(array) >= HUGE) if codes is None else without
    if array.dtype.kind not in "iu":
        return np.zeros(array.shape, bool)
    low, high = np.iinfo(array.dtype).min, np.iinfo(array.dtype).max
    possible = [int(code) for code in chosen if float(code).is_integer() and low <= code <= high]
    return np.isin(array, np.asarray(possible, array.dtype))
