"""Training images: the example of the geology from which a prior is learned.

A training image is an array of facies codes, two- or three-dimensional, ``[y, x]`` or ``[z, y, x]`` with row 0 at the
least y and layer 0 at the least z. It is held as category *indices* (0, 1, …) beside the codes of the file, because
networks count from zero and reports use the user's codes. An image of a continuous property holds its values too; its
facies are then the quarters of its distribution (halves in three dimensions), by which generated fields are compared
with it.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Shaped, UInt8

from latentinv.errors import InputError

MOST_FACIES = 16
"""An image with more distinct values than this is a grey picture, not facies."""


@dataclass(frozen=True, eq=False)
class TrainingImage:
    """An example of the geology.

    Parameters
    ----------
    facies
        Category indices, ``[row, column]`` or ``[layer, row, column]``: positions in `categories`.
    categories
        The facies codes as the file writes them, ascending.
    name
        How people call the image.
    sha256
        Digest of the bytes of the array the image was made from (row 0 at the least y, C order), which identifies
        it in cards. A coarsened image keeps the digest of its source.
    values
        Of a continuous property; None for facies.
    """

    facies: UInt8[np.ndarray, "*grid"]
    categories: tuple[int, ...]
    name: str
    sha256: str
    values: Float32[np.ndarray, "*grid"] | None = None

    @classmethod
    def from_array(cls, array: Shaped[np.ndarray, "*grid"], name: str) -> "TrainingImage":
        """Make a training image from an array of facies codes.

        Raises
        ------
        InputError
            If the array has not two or three axes, holds values that are not finite whole numbers, a single
            facies, or more than 16.
        """
        array = _with_axes(array, name)
        codes = _codes(array, name)
        facies = np.searchsorted(codes, array).astype(np.uint8)
        facies.setflags(write=False)
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        return cls(facies, tuple(int(code) for code in codes), name, digest)

    @classmethod
    def from_values(cls, array: Shaped[np.ndarray, "*grid"], name: str) -> "TrainingImage":
        """Make a training image from an array of a continuous property.

        Raises
        ------
        InputError
            If the array has not two or three axes, or holds values that are not finite numbers, or so few
            distinct ones that they are facies.
        """
        array = _with_axes(array, name)
        if array.dtype.kind not in "iuf":
            raise InputError(
                f"The training image {name!r} holds values of type {array.dtype}; expected numbers of a continuous "
                "property."
            )
        _check_finite(array, name, "give every cell a number")
        values = array.astype(np.float32)
        if (count := len(np.unique(values))) <= MOST_FACIES:
            raise InputError(
                f"The training image {name!r} holds {count} distinct values in single precision, too few for a "
                f"continuous property; train on up to {MOST_FACIES} as facies, or subtract a constant from large ones."
            )
        values.setflags(write=False)
        parts = 4 if values.ndim == 2 else 2
        cuts = np.unique(np.quantile(values, np.arange(1, parts) / parts))
        # If one value fills more than a quarter there are fewer classes, none of them empty.
        present, facies = np.unique(np.searchsorted(cuts, values), return_inverse=True)
        facies = facies.reshape(values.shape).astype(np.uint8)
        facies.setflags(write=False)
        return cls(facies, tuple(range(len(present))), name, hashlib.sha256(array.tobytes()).hexdigest(), values)


def _with_axes(array: np.ndarray, name: str) -> np.ndarray:
    """The array, checked to have the axes of an image."""
    array = np.ascontiguousarray(array)
    if array.ndim not in (2, 3) or sum(n > 1 for n in array.shape) < 2:
        raise InputError(
            f"The training image {name!r} has shape {array.shape}; expected (rows, columns) or "
            "(layers, rows, columns) with at least two axes longer than one cell."
        )
    return array


def _check_finite(array: np.ndarray, name: str, what_to_do: str) -> None:
    missing = np.argwhere(~np.isfinite(array))
    if len(missing):
        first = ", ".join(str(index) for index in missing[0])
        raise InputError(
            f"The training image {name!r} holds no finite number in {len(missing)} of its cells, the first of them "
            f"[{first}]; {what_to_do}, or cut out a part where every cell has one."
        )


def _codes(array: np.ndarray, name: str) -> np.ndarray:
    """Distinct facies codes of an array, ascending; refuse what is not facies."""
    if array.dtype.kind not in "buif":
        raise InputError(
            f"The training image {name!r} holds values of type {array.dtype}; expected facies codes (whole numbers)."
        )
    if array.dtype.kind == "f":
        _check_finite(array, name, "give every cell a facies code")
    codes = np.unique(array)
    if array.dtype.kind == "f" and np.any(codes != np.rint(codes)):
        value = codes[codes != np.rint(codes)][0]
        raise InputError(
            f"The training image {name!r} holds the value {value:g}, which is not a whole number; expected "
            "facies codes; threshold the values first, or train on them with continuous = true in the recipe."
        )
    if len(codes) > MOST_FACIES:
        raise InputError(
            f"The training image {name!r} holds {len(codes)} distinct values, more than {MOST_FACIES} facies; "
            "threshold it into facies first (scaled or JPEG-compressed pictures have grey edges), or train on it as a "
            "continuous property, with continuous = true in the recipe."
        )
    if len(codes) < 2:
        raise InputError(
            f"The training image {name!r} holds the single facies {int(codes[0])}; expected at least two, so "
            "there is something to learn."
        )
    return codes


def image_shares(image: TrainingImage) -> Float[np.ndarray, "facies"]:
    """Share of each facies in an image, in the order of its categories."""
    return np.bincount(image.facies.ravel(), minlength=len(image.categories)) / image.facies.size
