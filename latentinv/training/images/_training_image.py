"""Training images: the example of the geology from which a prior is learned.

A training image is an array of facies codes, two- or three-dimensional, ``[y, x]`` or ``[z, y, x]`` with row 0 at the
least y and layer 0 at the least z. It is held as category *indices* (0, 1, …) beside the codes of the file, because
networks count from zero and reports use the user's codes. An image of a continuous property holds its values too; its
facies are then the quarters of its distribution (halves in three dimensions), by which generated fields are compared
with it. Cells may be missing; patches are cut from what is known, and what stands in missing cells is never looked at.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Shaped, UInt8
from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter

from latentinv.errors import InputError
from latentinv.io import missing_cells
from latentinv.priors.core import facies_names

from ._auxiliary import AuxiliaryMap

MOST_FACIES = 16
"""An image with more distinct values than this is a grey picture, not facies."""

RARE, EDGES = 0.05, 0.8
"""A facies with less of the cells than the first, of which more than the second lie between others, is taken for an
edge that was blurred."""


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
    known
        Which cells have a value; None if all have. Where one is missing, that of the nearest known cell is held.
    missing
        What the file has in cells without a value, such as ``-9999`` or ``nan``.
    colours
        Of the facies in a coloured picture, such as ``#1f77b4``.
    names
        What the facies are called; empty where nobody said.
    maps
        Auxiliary maps beside it.
    """

    facies: UInt8[np.ndarray, "*grid"]
    categories: tuple[int, ...]
    name: str
    sha256: str
    values: Float32[np.ndarray, "*grid"] | None = None
    known: Bool[np.ndarray, "*grid"] | None = None
    missing: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    maps: tuple[AuxiliaryMap, ...] = ()

    @classmethod
    def from_array(
        cls, array: Shaped[np.ndarray, "*grid"], name: str, missing: Sequence[float] | None = None
    ) -> "TrainingImage":
        """Make a training image from an array of facies codes.

        Parameters
        ----------
        array
            The codes.
        name
            How people call it.
        missing
            Codes of missing values; the usual ones if omitted. NaN and infinities are missing in any case.

        Raises
        ------
        InputError
            If the array has not two or three axes, holds values that are not whole numbers, a single facies, or more
            than 16.
        """
        array = _with_axes(array, name)
        filled, known, found = _filled(array, name, missing)
        codes = _codes(filled, name)
        facies = np.searchsorted(codes, filled).astype(np.uint8)
        facies.setflags(write=False)
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        return cls(facies, tuple(int(code) for code in codes), name, digest, known=known, missing=found)

    @classmethod
    def from_values(
        cls, array: Shaped[np.ndarray, "*grid"], name: str, missing: Sequence[float] | None = None
    ) -> "TrainingImage":
        """Make a training image from an array of a continuous property.

        Parameters
        ----------
        array
            The values.
        name, missing
            As for `from_array`.

        Raises
        ------
        InputError
            If the array has not two or three axes, or holds values that are not numbers, or so few distinct ones that
            they are facies.
        """
        array = _with_axes(array, name)
        if array.dtype.kind not in "iuf":
            raise InputError(
                f"The training image {name!r} holds values of type {array.dtype}; expected numbers of a continuous "
                "property."
            )
        filled, known, found = _filled(array, name, missing)
        values = filled.astype(np.float32)
        if (count := len(np.unique(values))) <= MOST_FACIES:
            raise InputError(
                f"The training image {name!r} holds {count} distinct values in single precision, too few for a "
                f"continuous property; train on up to {MOST_FACIES} as facies, or subtract a constant from large ones."
            )
        values.setflags(write=False)
        parts = 4 if values.ndim == 2 else 2
        inside = _inside(values, known)
        below = inside[inside < inside.max()].max()  # so that a value that caps most cells is not all there is
        cuts = np.unique(np.minimum(np.quantile(inside, np.arange(1, parts) / parts), below))
        # If one value fills more than a quarter there are fewer classes, none of them empty.
        present, facies = np.unique(np.searchsorted(cuts, values), return_inverse=True)
        facies = facies.reshape(values.shape).astype(np.uint8)
        facies.setflags(write=False)
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        return cls(facies, tuple(range(len(present))), name, digest, values, known, found)

    def named(self, names: Mapping[str, str] | Sequence[str]) -> "TrainingImage":
        """The same image with names of its facies.

        Parameters
        ----------
        names
            A name for each facies, by its code or its colour in the picture (``{"0": "clay"}``, ``{"#c0a060":
            "clay"}``), or names in the order of the codes.

        Raises
        ------
        InputError
            If there is not one for each facies, one is no plain word, or two are alike.
        """
        codes = tuple(map(str, self.categories))
        if isinstance(names, Mapping):
            by_colour = dict(zip(self.colours, codes, strict=False))
            given = {by_colour.get(key.lower(), key.strip()): name for key, name in names.items()}
            if set(given) != set(codes) or len(given) < len(names):
                colours = f", or of each colour {', '.join(self.colours)}" if self.colours else ""
                raise InputError(
                    f"Names were given for the facies {', '.join(names)} of the training image {self.name!r}; give one "
                    f"for each of {', '.join(codes)}{colours}."
                )
            names = [given[code] for code in codes]
        return dataclasses.replace(self, names=facies_names(names, self.categories))

    def with_maps(self, maps: Sequence[AuxiliaryMap]) -> "TrainingImage":
        """The same image with auxiliary maps over its cells."""
        return dataclasses.replace(self, maps=tuple(maps))

    @property
    def fingerprint(self) -> str:
        """Digest of all that is learned from: of the array, and of the maps if there are any."""
        each = [self.sha256, *(f"{one.name} {one.sha256}" for one in self.maps)]
        return hashlib.sha256("\n".join(each).encode()).hexdigest() if self.maps else self.sha256

    @property
    def shown(self) -> Float32[np.ndarray, "*grid channel"]:
        """All its auxiliary maps, as networks see them."""
        return np.concatenate([one.range.encode(one.values) for one in self.maps], axis=-1)

    def label(self, index: int) -> str:
        """What people call the facies of an index: its code, with its name or colour where it has one."""
        word = next((words[index] for words in (self.names, self.colours) if words), "")
        return f"{self.categories[index]} ({word})" if word else str(self.categories[index])

    @property
    def indices(self) -> Int[np.ndarray, "*grid"]:
        """Facies by their position in `categories`, −1 in cells that are not known."""
        facies = self.facies.astype(int)
        return facies if self.known is None else np.where(self.known, facies, -1)

    def known_cells(self, array: Shaped[np.ndarray, "*grid"]) -> Shaped[np.ndarray, "cell"]:
        """What an array over the image holds in its known cells."""
        return _inside(array, self.known)


def _with_axes(array: np.ndarray, name: str) -> np.ndarray:
    """The array, checked to have the axes of an image."""
    array = np.ascontiguousarray(array)
    if array.ndim not in (2, 3) or sum(n > 1 for n in array.shape) < 2:
        raise InputError(
            f"The training image {name!r} has shape {array.shape}; expected (rows, columns) or "
            "(layers, rows, columns) with at least two axes longer than one cell."
        )
    return array


def _filled(
    array: np.ndarray, name: str, codes: Sequence[float] | None
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """The array with the nearest known value in each missing cell, which cells are known, and what marks the others."""
    without = missing_cells(array, codes)
    if not without.any():
        return array, None, ()
    if without.all():
        raise InputError(f"The training image {name!r} has no value in any of its cells; check the file.")
    found = tuple(f"{code:g}" for code in np.unique(array[without]))
    nearest = distance_transform_edt(without, return_distances=False, return_indices=True)
    known = ~without
    known.setflags(write=False)
    return array[tuple(nearest)], known, found


def _inside(array: np.ndarray, known: np.ndarray | None) -> np.ndarray:
    return array.ravel() if known is None else array[known]


def _codes(array: np.ndarray, name: str) -> np.ndarray:
    """Distinct facies codes of an array, ascending; refuse what is not facies."""
    if array.dtype.kind not in "buif":
        raise InputError(
            f"The training image {name!r} holds values of type {array.dtype}; expected facies codes (whole numbers)."
        )
    codes = np.unique(array)
    if array.dtype.kind == "f" and np.any(codes != np.rint(codes)):
        value = codes[codes != np.rint(codes)][0]
        raise InputError(
            f"The training image {name!r} holds the value {value:g}, which is not a whole number; expected "
            "facies codes; threshold the values first, or train on a property with --continuous (in a recipe, "
            "continuous = true)."
        )
    if len(codes) > MOST_FACIES:
        raise InputError(
            f"The training image {name!r} holds {len(codes)} distinct values, more than {MOST_FACIES} facies; for a "
            "picture whose edges were blurred when it was resized or compressed, say how many it shows with --classes; "
            "for a property, give --continuous (in a recipe, classes and continuous)."
        )
    if len(codes) < 2:
        raise InputError(
            f"The training image {name!r} holds the single facies {int(codes[0])}; expected at least two, so "
            "there is something to learn."
        )
    return codes


def slivers(image: TrainingImage) -> tuple[int, ...]:
    """Facies that are rare and only lie between a lower and a higher one: the blurred edges of a resized picture."""
    if image.values is not None:
        return ()
    low, high = minimum_filter(image.facies, 3), maximum_filter(image.facies, 3)
    between = image.known_cells((low < image.facies) & (image.facies < high))
    facies, shares = image.known_cells(image.facies), image_shares(image)
    inner = range(1, len(image.categories) - 1)
    return tuple(image.categories[k] for k in inner if shares[k] < RARE and between[facies == k].mean() > EDGES)


def image_shares(image: TrainingImage) -> Float[np.ndarray, "facies"]:
    """Share of each facies in an image, in the order of its categories."""
    counts = np.bincount(image.known_cells(image.facies), minlength=len(image.categories))
    return counts / counts.sum()
