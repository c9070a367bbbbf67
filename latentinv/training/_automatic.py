"""A recipe for an image that nobody has tuned one for: everything is chosen from the image and the time there is.

*Coarsening* follows from the thickness of bodies. The mean chord of a facies along an axis is the mean length of its
runs of cells (Torquato 2002, doi:10.1007/978-1-4757-6355-8, section 2.5); the thinnest facies, along the axis where it
is thinnest, should be some ten cells thick, for thicker bodies are longer than the networks see. *Blocks*, whose means
the generator learns, are of two cells along an axis, or in a plane of four where bodies are thick enough. *Patches* are
as large as the networks judge, or two thirds of a smaller image. They are *flipped* along an axis where the frequencies
of the image's patterns are those of its mirror image, to within what its quarters differ by. *Steps* are as many as fit
the time there is (`fitted`).
"""

import functools
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Integer

from latentinv.errors import InputError
from latentinv.io.images import FirstRow
from latentinv.realism import pattern_distance, pattern_histogram
from latentinv.training.images import TrainingImage, coarsen, complete_places, read_training_image, times

from ._recipe import Recipe, parse_recipe

THICK = 10.0
"""Cells that the thinnest facies should have."""
LARGEST, LEAST = {2: 192, 3: 64}, 32
"""Edge of a patch in cells, by the number of axes, and its least."""
BLOCKS = {2: 4, 3: 2}
"""Edge of a block in cells, by the number of axes, of bodies that are thick enough."""
THIN = 6.0
"""Thickness in cells below which blocks are of two cells."""
SHARP = 0.4
"""Temperature at which facies are drawn."""
BATCH = {2: 8, 3: 4}
SYMMETRIC = 1.5
"""Largest distance of an image to its mirror image, over that expected by chance, at which patches are flipped."""
WINDOW = 16
"""Blocks along an axis that a discriminator needs at least."""
PLACES = 200
"""Places of patches from which an image with missing cells can be learned."""
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
family = "refined"
architecture = "pyramid"
discriminator_scales = {scales}
small_windows = true
normalisation = "none"

[refinement]
factor = {factor}
temperature = {temperature}

[training]
seed = {seed}
steps = {steps}
batch = {batch}
patch = {patch}
loss = "relativistic"
gradient_penalty = 0.02
gradient_penalty_generated = 0.02
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
    seed: int = 0,
) -> Recipe:
    """Choose a recipe for an image; its number of steps is the longest that is worth while.

    Parameters
    ----------
    path, key, first_row, continuous, missing, classes
        The image's file and how it is read, as for `read_training_image`.
    names
        Of the facies, by code or colour; see `TrainingImage.named`.
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
    coarser = coarsening(image)
    coarse = coarsen(image, coarser) if coarser > 1 else image
    factor = block_edge(coarse)
    patch = patch_shape(coarse, factor)
    codes = None if missing is None else list(missing)
    reading = {
        "key": key,
        "first_row": first_row,
        "continuous": continuous or None,
        "missing": codes,
        "classes": classes,
    }
    if names is not None:
        image.named(names)  # refuses names that are none, before anything is trained
    text = RECIPE.format(
        name=path.name,
        shape=times(image.facies.shape),
        file=json.dumps(os.path.relpath(path, place)),
        reading="".join(f"{name} = {json.dumps(value)}\n" for name, value in reading.items() if value is not None)
        + _names_in_toml(names),
        coarsen=coarser,
        factor=factor,
        temperature=1.0 if continuous else SHARP,
        scales=2 if min(patch) >= 2 * WINDOW * factor else 1,
        flips=list(symmetries(coarse)),
        seed=seed,
        steps=MOST_STEPS,
        batch=BATCH[image.facies.ndim],
        patch=list(patch),
        evaluate_every=MOST_STEPS // COMPARISONS,
        patience=round(PATIENCE * COMPARISONS),
    )
    return parse_recipe(text, place.resolve())


def _names_in_toml(names: Mapping[str, str] | None) -> str:
    if names is None:
        return ""
    pairs = (f"{json.dumps(code)} = {json.dumps(name, ensure_ascii=False)}" for code, name in names.items())
    return f"names = {{{', '.join(pairs)}}}\n"


def thickness(image: TrainingImage) -> float:
    """Mean chord in cells of the facies that is thinnest, along the axis where it is."""
    indices = range(len(image.categories))
    bodies = [
        image.facies == index if image.known is None else image.known & (image.facies == index) for index in indices
    ]
    return min(mean_chord(body, axis) for body in bodies for axis in range(image.facies.ndim))


def mean_chord(inside: Integer[np.ndarray, "*grid"], axis: int) -> float:
    """Mean length of the runs of a facies along an axis; runs that the border cuts count as they are."""
    along = np.moveaxis(np.asarray(inside, bool), axis, 0)
    begins = along[0].sum() + np.sum(along[1:] & ~along[:-1])
    return float(along.sum() / begins) if begins else float("inf")


def coarsening(image: TrainingImage) -> int:
    """Cells along an axis that become one: the thinnest facies keeps `THICK`, and the image its patches."""
    ndim, shortest = image.facies.ndim, min(image.facies.shape)
    wanted = int(thickness(image) / THICK)
    return max(1, min(wanted, 2 * shortest // (3 * LARGEST[ndim])))


def block_edge(image: TrainingImage) -> int:
    """Cells along an axis of the blocks whose means are learned first."""
    most = BLOCKS[image.facies.ndim]
    return most if thickness(image) >= THIN and 2 * min(image.facies.shape) >= 3 * WINDOW * most else 2


def patch_shape(image: TrainingImage, factor: int) -> tuple[int, ...]:
    """Cells of a patch: `LARGEST` along each axis, fewer where blocks are small, or two thirds of the image.

    They are multiples of 16, and fewer if cells of the image are missing, until `PLACES` places are known whole.

    Raises
    ------
    InputError
        If the image is too small, or too much of it is missing, to be learned from.
    """
    shape = image.facies.shape
    largest = LARGEST[len(shape)] if factor == BLOCKS[len(shape)] else 2 * LARGEST[len(shape)] // 3
    cells = tuple(min(largest, 16 * int(2 * n / 3 / 16)) for n in shape)
    if min(cells) < LEAST:
        raise InputError(
            f"The training image has {times(shape)} cells, too few to learn from; give one of at least "
            f"{3 * LEAST // 2} along each axis."
        )
    while image.known is not None and len(complete_places(image, cells)) < PLACES:
        if max(cells) == LEAST:
            raise InputError(
                f"The training image lacks {1 - image.known.mean():.1%} of its cells, so that hardly a patch of "
                f"{times(cells)} cells is known whole; fill the missing cells first, or give another image."
            )
        cells = tuple(max(LEAST, n - 16) for n in cells)
    return cells


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
