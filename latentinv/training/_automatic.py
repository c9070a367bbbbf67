"""A recipe for an image that nobody has tuned one for: everything is chosen from the image and the time there is.

*Coarsening* follows from the thickness of bodies. The mean chord of a facies along an axis is the mean length of its
runs of cells (Torquato 2002, doi:10.1007/978-1-4757-6355-8, section 2.5); the thinnest facies, along the axis where it
is thinnest, should be some ten cells thick, for thicker bodies are longer than the networks see. Cells of the *grids*
lie as many times as far apart along one axis as along another as bodies are longer (`stretch`). Grids are as many as
the image has room for, up to one of about every 64th cell. Cells of fine grids
stand for *blocks* as large as leave room for other facies between those that a block takes first, the thinnest.
*Patches* hold a small image whole. They are *flipped* along
an axis where the frequencies of the image's patterns are those of its mirror image, to within what its quarters differ
by.
*Steps* are as many as fit the time there is (`fitted`).
"""

import functools
import itertools
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Integer

from latentinv.errors import InputError
from latentinv.io.images import FirstRow
from latentinv.networks import facies_of_blocks
from latentinv.realism import pattern_distance, pattern_histogram
from latentinv.training.images import (
    TrainingImage,
    coarsen,
    comparable_shape,
    complete_places,
    read_training_image,
    times,
)

from ._recipe import Recipe, parse_recipe

THICK = 10.0
"""Cells that the thinnest facies should have."""
LARGEST, LEAST = {2: 320, 3: 64}, 48
"""Edge of a patch in cells, by the number of axes, at most; edge of an image, at least."""
CELLS = 1_600_000
"""Of a batch, of which the finest grid sees a sixteenth."""
GRIDS, ROOM, APART = {2: 6, 3: 5}, 2, 16
"""Most grids, by the number of axes, if nothing is stretched; cells of the coarsest that the image should have along
each axis; cells that those of the coarsest are apart at least, unless nothing is stretched: the first are drawn
independently."""
WIDTHS = {2: (48, 48, 64, 64, 64, 48, 32), 3: (32, 32, 32, 48, 32, 32)}
WINDOWS = {2: (1, 2, 2, 2, 2, 2, 2), 3: (1, 2, 2, 2, 2, 1)}
STRETCH = 8
"""Most times that cells of a grid lie as far apart along one axis as along another."""
FILLED = 0.8
"""Largest share of blocks that the facies that they take first may have."""
SHARP = (0.8, 0.7, 0.5)
"""Temperatures at which facies are drawn on the finest grids."""
SYMMETRIC = 1.5
"""Largest distance of an image to its mirror image, over that expected by chance, at which patches are flipped."""
PLACES = 200
"""Windows known whole from which an image with missing cells can be judged."""
ENOUGH = 600
"""Cells along an axis from which symmetry is judged."""
MOST_STEPS, COMPARISONS, PATIENCE = 20_000, 16, 0.4
"""Longest training, comparisons with the image in one, and the share of them that may pass without a better state."""

RECIPE = """\
# Chosen for {name}, {shape} cells, by `latentinv train`; change what you like and train again with this file.
[image]
file = {file}
{reading}coarsen = {coarsen}
flips = {flips}

[networks]
family = "sequential"

[sequential]
widths = {widths}
windows = {windows}
stretch = {stretch}
apart = {apart}
{blocks}wells = {wells}
temperatures = {temperatures}

[training]
seed = {seed}
steps = {steps}
batch = {batch}
patch = {patch}
average = 0.995
evaluate_every = {evaluate_every}
patience = {patience}
"""


def choose_recipe(
    path: str | Path,
    *,
    folder: str | Path | None = None,
    key: str | None = None,
    first_row: FirstRow | None = None,
    continuous: bool = False,
    missing: Sequence[float] | None = None,
    classes: int | None = None,
    names: Mapping[str, str] | None = None,
    maps: Mapping[str, str | Path] | None = None,
    seed: int = 0,
) -> Recipe:
    """Choose a recipe for an image; its number of steps is the longest that is worth while.

    Parameters
    ----------
    path, key, first_row, continuous, missing, classes
        The image's file and how it is read, as for `read_training_image`.
    names
        Of the facies, by code or colour; see `TrainingImage.named`.
    maps
        Files of auxiliary maps of the image's cells, by name; see `read_auxiliary_map`.
    folder
        Where the recipe will be kept; with the image if omitted.
    seed
        Of the training.

    Raises
    ------
    InputError, StorageError
        If the image cannot be read, or is too small.
    """
    path, place = Path(path), Path(path).parent if folder is None else Path(folder)
    image = read_training_image(
        path, key=key, first_row=first_row, continuous=continuous, missing=missing, classes=classes
    )
    coarser, ndim = coarsening(image), image.facies.ndim
    coarse = coarsen(image, coarser) if coarser > 1 else image
    stretch, grids = choose_grids(coarse)
    patch = patch_shape(coarse, stretch, grids)
    codes = None if missing is None else [code for code in missing if math.isfinite(code)]  # NaN always is
    reading = {
        "key": key,
        "first_row": first_row,
        "continuous": continuous or None,
        "missing": codes,
        "classes": classes,
    }
    require_places(coarse)
    if names is not None:
        image.named(names)  # refuses names that are none, before anything is trained
    files = {} if maps is None else {name: _path_from(place, file) for name, file in maps.items()}
    text = RECIPE.format(
        name=path.name,
        shape=times(image.facies.shape),
        file=json.dumps(_path_from(place, path)),
        reading="".join(f"{name} = {json.dumps(value)}\n" for name, value in reading.items() if value is not None)
        + _texts_in_toml("names", names or {})
        + _texts_in_toml("maps", files),
        coarsen=coarser,
        widths=list(WIDTHS[ndim][-grids:]),
        windows=[WINDOWS[ndim][0], *WINDOWS[ndim][1:][1 - grids :]],
        stretch=list(stretch),
        apart=str(ndim == 2).lower(),
        wells=str(not continuous).lower(),
        blocks="" if continuous else _blocks_in_toml(coarse, stretch, grids),
        temperatures=[1.0] * grids if continuous else [*[1.0] * (grids - len(SHARP)), *SHARP],
        flips=list(symmetries(coarse)),
        seed=seed,
        steps=MOST_STEPS,
        batch=max(1, round(CELLS / math.prod(patch))),
        patch=list(patch),
        evaluate_every=MOST_STEPS // COMPARISONS,
        patience=round(PATIENCE * COMPARISONS),
    )
    return parse_recipe(text, place.resolve())


def _path_from(folder: Path, file: str | Path) -> str:
    """A file's path from a folder; both may be reached by links, and ``..`` leads to where a folder really is."""
    return os.path.relpath(Path(file).parent.resolve() / Path(file).name, folder.resolve())


def _texts_in_toml(key: str, texts: Mapping[str, str]) -> str:
    if not texts:
        return ""
    pairs = (f"{json.dumps(name)} = {json.dumps(text, ensure_ascii=False)}" for name, text in texts.items())
    return f"{key} = {{{', '.join(pairs)}}}\n"


def thickness(image: TrainingImage) -> float:
    """Mean chord in cells of the facies that is thinnest, along the axis where it is."""
    return min(mean_chord(body, axis) for body in _bodies(image) for axis in range(image.facies.ndim))


def _bodies(image: TrainingImage) -> list[Bool[np.ndarray, "*grid"]]:
    """Where each facies is."""
    known = np.ones(image.facies.shape, bool) if image.known is None else image.known
    return [known & (image.facies == index) for index, _ in enumerate(image.categories)]


def mean_chord(inside: Integer[np.ndarray, "*grid"], axis: int) -> float:
    """Mean length of the runs of a facies along an axis; runs that the border cuts count as they are."""
    along = np.moveaxis(np.asarray(inside, bool), axis, 0)
    begins = along[0].sum() + np.sum(along[1:] & ~along[:-1])
    return float(along.sum() / begins) if begins else float("inf")


def coarsening(image: TrainingImage) -> int:
    """Cells along an axis that become one: the thinnest facies keeps `THICK`, and the image its patches."""
    wanted = int(thickness(image) / THICK)
    return max(1, min(wanted, min(image.facies.shape) // LARGEST[image.facies.ndim]))


def stretching(image: TrainingImage) -> tuple[int, ...]:
    """How many times as long as along the shortest axis bodies are along each, as powers of two up to `STRETCH`.

    The length along an axis is the geometric mean of the facies' mean chords.
    """
    lengths = np.asarray([[mean_chord(body, axis) for axis in range(body.ndim)] for body in _bodies(image)])
    each = np.exp(np.log(lengths[np.isfinite(lengths).all(axis=1)]).mean(axis=0))
    return tuple(int(min(STRETCH, 2 ** round(math.log2(ratio)))) for ratio in each / each.min())


def choose_grids(image: TrainingImage) -> tuple[tuple[int, ...], int]:
    """How grids are stretched, and their number, from single cells to the coarsest that the image has room for.

    Raises
    ------
    InputError
        If the image is too small to be learned from.
    """
    shape = image.facies.shape
    if 1 in shape or (len(shape) == 3 and shape[-1] in (3, 4)):
        raise InputError(
            f"The training image has {times(shape)} cells; give a map with two axes, or a volume with at least {LEAST} "
            "cells along each of three. A picture with channels of colours is read from a .png or .tif."
        )
    if min(shape) < LEAST:
        raise InputError(
            f"The training image has {times(shape)} cells, too few to learn from; give one of at least "
            f"{LEAST} along each axis."
        )
    found = stretching(image)
    while True:
        most = GRIDS[len(shape)] + int(math.log2(max(found)) / 2)
        room = min(n * max(found) / each for n, each in zip(shape, found, strict=True))
        grids = min(most, int(math.log2(room / ROOM)))
        if max(found) == 1 or APART * max(found) <= 2**grids:
            return found, grids
        found = tuple(max(1, each // 2) for each in found)


def _blocks_in_toml(image: TrainingImage, stretch: tuple[int, ...], grids: int) -> str:
    order = by_thickness(image)
    blocks = choose_blocks(image, order, stretch, grids)
    codes = [image.categories[index] for index in order]
    return f"blocks = {blocks}\norder = {codes}\n" if blocks else ""


def by_thickness(image: TrainingImage) -> tuple[int, ...]:
    """Facies, by index, from the thinnest on."""
    chords = [min(mean_chord(body, axis) for axis in range(body.ndim)) for body in _bodies(image)]
    return tuple(int(index) for index in np.argsort(chords, kind="stable"))


def choose_blocks(image: TrainingImage, order: tuple[int, ...], stretch: tuple[int, ...], grids: int) -> int:
    """On how many grids cells may stand for blocks before the facies that blocks take first fills the plane."""
    blocks = 0
    for count in range(1, grids):
        edges = [max(1, each * 2**count // max(stretch)) for each in stretch]
        found = facies_of_blocks(image.indices, order, edges)
        if np.sum(found == order[0]) > FILLED * np.sum(found >= 0):
            break
        blocks = count
    return blocks


def require_places(image: TrainingImage) -> None:
    """Check that windows of an image are known whole, with which fields can be compared.

    Raises
    ------
    InputError
        If there are fewer than `PLACES`.
    """
    shape = comparable_shape(image, image.facies.shape)
    if image.known is not None and len(complete_places(image, shape)) < PLACES:
        raise InputError(
            f"The training image lacks {1 - image.known.mean():.1%} of its cells, so that hardly a window of "
            f"{times(shape)} cells is known whole; fill the missing cells first, or give another image."
        )


def patch_shape(image: TrainingImage, stretch: Sequence[int], grids: int) -> tuple[int, ...]:
    """Cells of a patch along each axis, some `LARGEST` or, for a small image, so many that the coarsest grid lies
    anywhere.

    They are whole cells of that grid.
    """
    largest, units = LARGEST[image.facies.ndim], (each * 2**grids // max(stretch) for each in stretch)
    pairs = zip(units, image.facies.shape, strict=True)
    return tuple(unit * min(math.ceil(largest / unit), math.ceil((n + unit) / unit)) for unit, n in pairs)


def symmetries(image: TrainingImage) -> tuple[int, ...]:
    """Axes along which the image cannot be told from its mirror image by patterns of two cells per axis.

    None is if cells are missing, for the patterns at their edges would tell of the gaps.
    """
    if image.known is not None:
        return ()
    facies = image.facies[tuple(slice(0, ENOUGH) for _ in image.facies.shape)]
    if min(facies.shape) < LEAST:
        return ()
    histogram = functools.partial(pattern_histogram, size=2, levels=3)
    quarters = [histogram(facies[part][None]) for part in _quarters(facies.shape)]
    floor = np.mean([float(pattern_distance(a, b)) for a, b in itertools.combinations(quarters, 2)])
    whole = histogram(facies[None])
    # Divergences of samples go with one over their size, and the whole is four times as large as a quarter.
    distances = [
        4 * float(pattern_distance(histogram(np.flip(facies, axis)[None]), whole)) for axis in range(facies.ndim)
    ]
    return tuple(axis for axis, distance in enumerate(distances) if distance <= SYMMETRIC * floor)


def _quarters(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """The halves of the two longest axes, combined."""
    longest = sorted(range(len(shape)), key=lambda axis: -shape[axis])[:2]
    halves = [(slice(0, n // 2), slice(n // 2, n)) if k in longest else (slice(None),) for k, n in enumerate(shape)]
    yield from itertools.product(*halves)
