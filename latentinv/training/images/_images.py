"""Training images: the example of the geology from which a prior is learned, and patches cut from it.

A training image is an array of facies codes, two- or three-dimensional. It is held as category *indices* (0, 1, …)
beside the codes of the file, because a network counts from zero and a report speaks in the user's codes. An image of a
continuous property holds its values too; its facies are then the quarters of its law (halves in three dimensions), by
which generated fields are compared with it. Files are read by their suffix: NumPy (`.npz`, `.npy`), pictures (`.png`,
`.tif`; the pages of a TIFF are the layers of a 3-D image) and GSLIB or SGeMS text (`.gslib`, `.sgems`, `.dat`, `.txt`;
Deutsch and Journel 1998, *GSLIB*, values with x fastest, then y, then z). Arrays are ``[y, x]`` or ``[z, y, x]``, in
the order of the file: nothing is turned upside down.

Reading costs one sort of the cells (about a second for 2500 × 2500 in text, less otherwise); a patch costs
its copy.
"""

import hashlib
import itertools
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Shaped, UInt8
from PIL import Image, ImageSequence
from scipy import special, stats
from scipy.ndimage import gaussian_filter

from latentinv.errors import InputError, StorageError

MOST_FACIES = 16
"""More distinct values than this are a grey picture, not facies."""
CLEAR = 1e-3
"""Share of the half-way to the next facies that a level keeps from it."""

UNREADABLE = (
    OSError, EOFError, ValueError, KeyError, SyntaxError, struct.error, zipfile.BadZipFile, zlib.error,
    UserWarning, Image.DecompressionBombError,
)  # fmt: skip
"""What NumPy and Pillow raise on damaged files."""


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
        Digest of the bytes of the array the image was made from (as read, C order), which identifies it in
        cards. A coarsened image keeps the digest of its source.
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
                f"continuous property; learn up to {MOST_FACIES} as facies, or take what is common off large numbers."
            )
        values.setflags(write=False)
        parts = 4 if values.ndim == 2 else 2
        cuts = np.unique(np.quantile(values, np.arange(1, parts) / parts))
        # Where one value fills more than a quarter there are fewer classes, none of them empty.
        present, facies = np.unique(np.searchsorted(cuts, values), return_inverse=True)
        facies = facies.reshape(values.shape).astype(np.uint8)
        facies.setflags(write=False)
        return cls(facies, tuple(range(len(present))), name, hashlib.sha256(array.tobytes()).hexdigest(), values)


def read_training_image(path: str | Path, *, key: str | None = None, continuous: bool = False) -> TrainingImage:
    """Read a training image.

    Parameters
    ----------
    path
        A `.npz`, `.npy`, `.png`, `.tif`, `.tiff`, `.gslib`, `.sgems`, `.dat` or `.txt` file. A text file
        states its sizes ``nx ny nz`` in the first line, alone or within a title; its first variable is used.
    key
        Which array of a `.npz` file; needed where it holds several, unless facies are in one called ``facies``.
    continuous
        Whether the values are of a continuous property rather than facies codes.

    Raises
    ------
    StorageError
        If the file is missing, empty or damaged.
    InputError
        If the file is of an unknown kind, or its content is not such an image (see
        `TrainingImage.from_array` and `TrainingImage.from_values`).
    """
    path = Path(path)
    if not path.is_file():
        raise StorageError(f"There is no training image file at {path}; check the path.")
    if path.suffix.lower() not in _READERS:
        known = ", ".join(_READERS)
        raise InputError(f"The training image {path.name} is of an unknown kind; give a file that ends in {known}.")
    if key is not None and path.suffix.lower() != ".npz":
        raise InputError(
            f"The key {key!r} was given for {path.name}, but only .npz files hold named arrays; leave it out."
        )
    if path.stat().st_size == 0:
        raise StorageError(f"The training image {path.name} is empty; fetch or write it again.")
    try:
        array = _READERS[path.suffix.lower()](path, key, None if continuous else "facies")
    except (InputError, StorageError):
        raise
    except UNREADABLE as error:
        detail = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise StorageError(
            f"The training image {path.name} cannot be read ({detail}); it may be truncated, or of another "
            "kind than its suffix says."
        ) from error
    make = TrainingImage.from_values if continuous else TrainingImage.from_array
    return make(array, path.stem)


def coarsen(image: TrainingImage, factor: int) -> TrainingImage:
    """Make each block of ``factor`` cells an axis one cell, by majority, or the mean of a continuous property.

    Trailing cells are dropped.

    Where two facies are equally frequent in a block, the first cell of the block (in array order) that
    belongs to either decides. Giving ties to the lower or the higher index would change the proportions,
    alternating from block to block would comb straight edges; taking the first cell moves both edges of a
    body the same way, so it keeps its size.

    Raises
    ------
    InputError
        If the factor is below 1, leaves no cell, or leaves a facies without cells.
    """
    if factor < 1 or factor > min(image.facies.shape):
        raise InputError(
            f"Coarsening by {factor} was asked of an image of {_times(image.facies.shape)} cells; give a "
            f"factor between 1 and {min(image.facies.shape)}."
        )
    name = f"{image.name} coarsened by {factor}"
    if image.values is not None:
        means = np.mean(_block_members(image.values, factor), axis=0, dtype=float)
        return replace(TrainingImage.from_values(means, name), sha256=image.sha256)
    members = _block_members(image.facies, factor)
    counts = np.stack([sum(member == k for member in members) for k in range(len(image.categories))])
    most = counts.max(axis=0)
    coarse = np.zeros_like(members[0])
    for member in reversed(members):  # the first member is written last, so it decides
        frequent = np.take_along_axis(counts, member[None].astype(np.intp), axis=0)[0] == most
        coarse = np.where(frequent, member, coarse)
    lost = [code for k, code in enumerate(image.categories) if not np.any(coarse == k)]
    if lost:
        raise InputError(f"Coarsening by {factor} leaves no cell of facies {lost[0]}; give a smaller factor.")
    coarse.setflags(write=False)
    return TrainingImage(coarse, image.categories, name, image.sha256)


def score_levels(values: Float32[np.ndarray, "*grid"]) -> Float32[np.ndarray, "*grid"]:
    """Give each cell of a continuous property a level in (−1, 1): the hyperbolic tangent of its normal score.

    The score is the standard normal quantile of the value's rank (ties share their mean rank), so that the logit a
    network learns is standard normal whatever the property's law; the law comes back with the prior's calibration.
    """
    ranks = stats.rankdata(values).reshape(values.shape)
    return np.tanh(special.ndtri((ranks - 0.5) / values.size)).astype(np.float32)


def signed_levels(image: TrainingImage, edge_width: float) -> Float32[np.ndarray, "*grid"]:
    """Give each cell a level in [−1, 1]: its facies far from an edge, softened towards the next one near an edge.

    Facies k has the level −1 + 2 k / (facies − 1). Levels are filtered by a Gaussian, as a picture is before it is
    sampled, so the step at an edge becomes a slope that a network without layers at full resolution can draw. Where
    the filter carries a cell over half-way to another facies (the corners of bodies, and what is thinner than the
    edges are wide) its level is brought back to its own side, so thresholds half-way give back the facies of every
    cell exactly.

    Parameters
    ----------
    image
        The training image.
    edge_width
        Standard deviation of the Gaussian in cells; 0 keeps the step.
    """
    top = len(image.categories) - 1
    levels = np.linspace(-1, 1, top + 1, dtype=np.float32)[image.facies]
    if not edge_width:
        return levels
    own_side = np.float32((1 - CLEAR) / top)
    softened = gaussian_filter(levels, edge_width, mode="nearest")
    return np.clip(softened, np.maximum(levels - own_side, -1), np.minimum(levels + own_side, 1))


def sample_patches(
    rng: np.random.Generator,
    image: TrainingImage,
    shape: tuple[int, ...],
    count: int,
    *,
    flips: tuple[int, ...] = (),
) -> UInt8[np.ndarray, "patch *shape"]:
    """Cut patches at uniformly random positions.

    Parameters
    ----------
    rng
        Source of randomness.
    image
        Where to cut.
    shape
        Cells of a patch along each axis.
    count
        How many patches.
    flips
        Array axes of a patch (0 is the first) along which it is mirrored with probability one half. Only
        where the geology has no preferred direction: flow, dip and gravity usually give it one.

    Raises
    ------
    InputError
        If the patch does not fit the image, or an axis to flip does not exist.
    """
    return cut_patches(rng, image.facies, shape, count, flips=flips)


def cut_patches(
    rng: np.random.Generator,
    array: Shaped[np.ndarray, "*grid"],
    shape: tuple[int, ...],
    count: int,
    *,
    flips: tuple[int, ...] = (),
) -> Shaped[np.ndarray, "patch *shape"]:
    """Cut patches of an array over the cells of a training image, as `sample_patches` does of its facies."""
    full = array.shape
    if len(shape) != len(full) or any(not 1 <= n <= m for n, m in zip(shape, full, strict=True)):
        raise InputError(
            f"A patch of {_times(shape)} cells cannot be cut from the training image of {_times(full)} "
            "cells; give a smaller patch with as many axes."
        )
    if any(axis not in range(len(full)) for axis in flips):
        raise InputError(
            f"The axes to flip {flips} are not all axes of the image; give numbers from 0 to {len(full) - 1}."
        )
    corners = rng.integers(0, [m - n + 1 for n, m in zip(shape, full, strict=True)], size=(count, len(full)))
    mirrored = rng.random((count, len(flips))) < 0.5
    patches = np.empty((count, *shape), array.dtype)
    for patch, corner, mirror in zip(patches, corners.tolist(), mirrored, strict=True):
        cut = array[tuple(slice(start, start + n) for start, n in zip(corner, shape, strict=True))]
        patch[...] = np.flip(cut, tuple(axis for axis, flip in zip(flips, mirror, strict=True) if flip))
    return patches


def _with_axes(array: np.ndarray, name: str) -> np.ndarray:
    """The array, if it has the axes of an image."""
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


def _block_members(facies: np.ndarray, factor: int) -> list[np.ndarray]:
    """The first, second, … cell of every block, each as an image of blocks."""
    whole = facies[tuple(slice(0, n - n % factor) for n in facies.shape)]
    offsets = itertools.product(range(factor), repeat=facies.ndim)
    return [whole[tuple(slice(start, None, factor) for start in offset)] for offset in offsets]


def _read_numpy(path: Path, key: str | None, usual: str | None) -> np.ndarray:
    with path.open("rb") as file:
        content = np.load(file, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content
        names = list(content.files)
        if key is None:
            key = usual if usual in names else names[0] if len(names) == 1 else None
        if key not in names:
            asked = "no key was given" if key is None else f"not {key!r}"
            raise InputError(
                f"{path.name} holds the arrays {', '.join(names)}, and {asked}; name the one to use with key."
            )
        return content[key]


def _read_picture(path: Path, *_: None) -> np.ndarray:
    with warnings.catch_warnings(), Image.open(path) as picture:
        warnings.filterwarnings("error", message="Truncated")  # Pillow only warns of a TIFF that ends early
        pages = [_grey(page, path) for page in ImageSequence.Iterator(picture)]
    if len({page.shape for page in pages}) > 1:
        raise InputError(f"The pages of {path.name} differ in size; expected the layers of one image.")
    return np.stack(pages) if len(pages) > 1 else pages[0]


def _grey(page: Image.Image, path: Path) -> np.ndarray:
    """One page as grey levels."""
    if page.mode == "1":
        return np.array(page.convert("L"))
    if page.mode in ("P", "PA"):
        page = page.convert("RGBA")
    values = np.array(page)
    if values.ndim == 2:
        return values
    if page.mode not in ("RGB", "RGBA", "LA") or (page.mode != "RGB" and np.any(values[..., -1] != 255)):
        raise InputError(f"The picture {path.name} ({page.mode}) is not plain grey; save it as an opaque grey picture.")
    colours = values[..., :3] if page.mode.startswith("RGB") else values[..., :1]
    if np.any(colours != colours[..., :1]):
        raise InputError(f"The picture {path.name} is coloured; save it with one grey level a facies.")
    return colours[..., 0]


def _read_gslib(path: Path, *_: None) -> np.ndarray:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n", 2)
    count = int(lines[1].split()[0]) if len(lines) == 3 and re.match(r"\s*[1-9]\d*\b", lines[1]) else None
    if count is None:
        raise InputError(
            f"{path.name} has no GSLIB header; expected the sizes 'nx ny nz', the number of variables, their "
            "names, each on its own line, then the values."
        )
    body = lines[2].split("\n", count)
    try:
        values = np.array(body[count].split() if len(body) > count else [], dtype=float)
    except ValueError as error:
        raise InputError(
            f"{path.name} holds a value that is not a number after the header ({error}); correct it."
        ) from None
    nx, ny, nz = _sizes(lines[0].strip(), len(values) / count, path)
    array = values.reshape(-1, count)[:, 0].reshape(nz, ny, nx)
    return array[0] if nz == 1 else array


def _sizes(title: str, cells: float, path: Path) -> tuple[int, int, int]:
    """Find ``nx, ny, nz`` in the first line, and check them against the number of cells found."""
    numbers = [int(word) for word in re.findall(r"(?<![\d.])\d+(?![\d.])", title)]
    triples = list(zip(numbers, numbers[1:], numbers[2:], strict=False))
    if not triples:
        raise InputError(f"The first line of {path.name} ({title!r}) does not state the sizes; write 'nx ny nz' there.")
    fitting = [triple for triple in triples if min(triple) > 0 and np.prod(triple) == cells]
    if not fitting:
        nx, ny, nz = triples[0]
        raise StorageError(
            f"{path.name} states {nx} × {ny} × {nz} = {nx * ny * nz} cells in its first line but holds "
            f"values for {cells:g}; it may be truncated, or the sizes wrong."
        )
    return fitting[0]


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)


_READERS: dict[str, Callable[..., np.ndarray]] = {
    **dict.fromkeys((".npz", ".npy"), _read_numpy),
    **dict.fromkeys((".png", ".tif", ".tiff"), _read_picture),
    **dict.fromkeys((".gslib", ".sgems", ".dat", ".txt"), _read_gslib),
}
