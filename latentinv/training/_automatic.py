"""A recipe for an image that nobody has tuned one for: everything is chosen from the image and the time there is.

*Coarsening* follows from the thickness of bodies. The mean chord of a facies along an axis is the mean length of its
runs of cells (Torquato 2002, doi:10.1007/978-1-4757-6355-8, section 2.5); the thinnest facies, along the axis where it
is thinnest, should be some ten cells thick, for thicker bodies are longer than the networks see. *Patches* are as large
as the networks judge, or two thirds of a smaller image. *Edges* are softened in proportion to the thickness. Patches
are *flipped* along an axis where the frequencies of the image's patterns are those of its mirror image, to within what
its quarters differ by. *Steps* are as many as fit the time there is (`steps_that_fit`).
"""

import functools
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Integer

from latentinv.errors import InputError
from latentinv.io.images import FirstRow
from latentinv.realism import pattern_distance, pattern_histogram
from latentinv.training.images import TrainingImage, coarsen, read_training_image, times

from ._recipe import Recipe, parse_recipe, with_training

THICK = 10.0
"""Cells that the thinnest facies should have."""
LARGEST, LEAST = {2: 128, 3: 64}, 32
"""Edge of a patch in cells, by the number of axes, and its least."""
BATCH = {2: 8, 3: 4}
SYMMETRIC = 1.5
"""Largest distance of an image to its mirror image, over that expected by chance, at which patches are flipped."""
ENOUGH = 600
"""Cells along an axis from which symmetry is judged."""
MOST_STEPS, COMPARISONS = 20_000, 16
"""Longest training, and comparisons with the image in one."""

RECIPE = """\
# Chosen for {name}, {shape} cells, by `latentinv train`; change what you like and train again with this file.
[image]
file = {file}
{reading}coarsen = {coarsen}
flips = {flips}

[networks]
architecture = "compact"
discriminator_scales = 2

[training]
seed = {seed}
steps = {steps}
batch = {batch}
patch = {patch}
edge_width = {edge_width}
evaluate_every = {evaluate_every}
"""


def choose_recipe(
    path: str | Path,
    *,
    folder: str | Path | None = None,
    key: str | None = None,
    first_row: FirstRow | None = None,
    continuous: bool = False,
    seed: int = 0,
) -> Recipe:
    """Choose a recipe for an image; its number of steps is the longest that is worth while.

    Parameters
    ----------
    path, key, first_row, continuous
        The image's file and how it is read, as for `read_training_image`.
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
    image = read_training_image(path, key=key, first_row=first_row, continuous=continuous)
    factor = coarsening(image)
    coarse = coarsen(image, factor) if factor > 1 else image
    patch = patch_shape(coarse)
    reading = {"key": key, "first_row": first_row, "continuous": continuous or None}
    text = RECIPE.format(
        name=path.name,
        shape=times(image.facies.shape),
        file=json.dumps(os.path.relpath(path, place)),
        reading="".join(f"{name} = {json.dumps(value)}\n" for name, value in reading.items() if value is not None),
        coarsen=factor,
        flips=list(symmetries(coarse)),
        seed=seed,
        steps=MOST_STEPS,
        batch=BATCH[image.facies.ndim],
        patch=list(patch),
        edge_width=0.0 if continuous else round(min(1.3, thickness(coarse) / 8), 2),
        evaluate_every=MOST_STEPS // COMPARISONS,
    )
    return parse_recipe(text, place.resolve())


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    """A recipe chosen here with another number of steps, compared with the image as often."""
    return with_training(recipe, steps=steps, evaluate_every=max(1, steps // COMPARISONS))


def thickness(image: TrainingImage) -> float:
    """Mean chord in cells of the facies that is thinnest, along the axis where it is."""
    indices = range(len(image.categories))
    return min(mean_chord(image.facies == index, axis) for index in indices for axis in range(image.facies.ndim))


def mean_chord(inside: Integer[np.ndarray, "*grid"], axis: int) -> float:
    """Mean length of the runs of a facies along an axis; runs that the border cuts count as they are."""
    along = np.moveaxis(np.asarray(inside, bool), axis, 0)
    begins = along[0].sum() + np.sum(along[1:] & ~along[:-1])
    return float(along.sum() / begins) if begins else float("inf")


def coarsening(image: TrainingImage) -> int:
    """Cells along an axis that become one: the thinnest facies keeps `THICK`, and the image its patches."""
    ndim, shortest = image.facies.ndim, min(image.facies.shape)
    wanted = int(thickness(image) / THICK)
    return max(1, min(wanted, shortest // (2 * LARGEST[ndim])))


def patch_shape(image: TrainingImage) -> tuple[int, ...]:
    """Cells of a patch: `LARGEST` along each axis, or two thirds of the image, in whole blocks of 16.

    Raises
    ------
    InputError
        If the image is too small to be learned from.
    """
    shape = image.facies.shape
    cells = tuple(min(LARGEST[len(shape)], 16 * int(2 * n / 3 / 16)) for n in shape)
    if min(cells) < LEAST:
        raise InputError(
            f"The training image has {times(shape)} cells, too few to learn from; give one of at least "
            f"{3 * LEAST // 2} along each axis."
        )
    return cells


def symmetries(image: TrainingImage) -> tuple[int, ...]:
    """Axes along which the image cannot be told from its mirror image by patterns of two cells per axis."""
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
