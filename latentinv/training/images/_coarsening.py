"""Coarsening a training image: blocks of cells become one cell."""

import itertools
from dataclasses import replace

import numpy as np

from latentinv.errors import InputError

from ._patches import times
from ._training_image import TrainingImage


def coarsen(image: TrainingImage, factor: int) -> TrainingImage:
    """Make each block of ``factor`` cells per axis one cell, by majority, or the mean of a continuous property.

    Trailing cells are dropped. A block of which a cell is missing is missing. Auxiliary maps become means.

    Where two facies are equally frequent in a block, the first cell of the block (in array order) that belongs to
    either decides. Giving ties to the lower or the higher index would change the proportions, and alternating from
    block to block would roughen straight edges; taking the first cell moves both edges of a body the same way, so it
    keeps its size.

    Raises
    ------
    InputError
        If the factor is below 1, leaves no cell, or leaves a facies without cells.
    """
    if factor < 1 or factor > min(image.facies.shape):
        raise InputError(
            f"Coarsening by {factor} was requested for an image of {times(image.facies.shape)} cells; give a "
            f"factor between 1 and {min(image.facies.shape)}."
        )
    name, maps = f"{image.name} coarsened by {factor}", tuple(one.coarsened(factor) for one in image.maps)
    known = None if image.known is None else np.all(_block_members(image.known, factor), axis=0)
    if image.values is not None:
        means = np.mean(_block_members(image.values, factor), axis=0, dtype=float)
        coarse_values = TrainingImage.from_values(means if known is None else np.where(known, means, np.nan), name, ())
        return replace(coarse_values, sha256=image.sha256, missing=image.missing, maps=maps)
    members = _block_members(image.facies, factor)
    counts = np.stack([sum(member == k for member in members) for k in range(len(image.categories))])
    most = counts.max(axis=0)
    coarse = np.zeros_like(members[0])
    for member in reversed(members):  # the first member is written last, so it decides
        frequent = np.take_along_axis(counts, member[None].astype(np.intp), axis=0)[0] == most
        coarse = np.where(frequent, member, coarse)
    inside = coarse if known is None else coarse[known]
    lost = [code for k, code in enumerate(image.categories) if not np.any(inside == k)]
    if lost:
        raise InputError(f"Coarsening by {factor} leaves no cell of facies {lost[0]}; give a smaller factor.")
    coarse.setflags(write=False)
    return replace(image, facies=coarse, name=name, known=known, maps=maps)


def _block_members(facies: np.ndarray, factor: int) -> list[np.ndarray]:
    """The first, second, … cell of every block, each as an image of blocks."""
    whole = facies[tuple(slice(0, n - n % factor) for n in facies.shape)]
    offsets = itertools.product(range(factor), repeat=facies.ndim)
    return [whole[tuple(slice(start, None, factor) for start in offset)] for offset in offsets]
