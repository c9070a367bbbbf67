"""What is measured of the fields of `benchmarks.mps_peers`: wells honoured, and windows beside patches of the image."""

import itertools

import numpy as np
from jaxtyping import Int

from benchmarks.hard_data import Case
from latentinv.realism import measure_statistics, total_variation
from latentinv.training import TrainingImage, sample_patches

WINDOW, WINDOWS = 64, 32
"""Cells along the edge of a window (patches of an image of 250×250 cells tell little that is larger); how many are
compared."""
FIGURES = ("windows", "tv_ratio", "lbp1_over_floor", "connectivity_over_floor")
LBP, CONNECTIVITY = "local binary patterns, radius 1", ("connectivity along y", "connectivity along x")

Fields = Int[np.ndarray, "draw row column"]


def windows(fields: Fields, most: int, seed: int) -> Int[np.ndarray, "window row column"]:
    """Windows side by side, at most so many, at random."""
    edge = min(WINDOW, *fields.shape[1:])
    corners = itertools.product(*(range(0, n - edge + 1, edge) for n in fields.shape[1:]))
    cut = np.concatenate([fields[:, row : row + edge, column : column + edge] for row, column in corners])
    return cut[np.random.default_rng([seed, 4]).permutation(len(cut))[:most]]


def spread(fields: Fields, count: int) -> Fields:
    """So many draws from all over a population, so that no tool's windows come from more fields than another's."""
    return fields[np.unique(np.linspace(0, len(fields) - 1, min(count, len(fields))).astype(int))]


def realism(fields: Fields, image: TrainingImage, draws: int, seed: int) -> dict[str, float | int | None]:
    """Total variation over the image's; texture and the worse connectivity in times the floor of as many patches."""
    categories = np.asarray(image.categories)
    cut = windows(np.searchsorted(categories, spread(fields, draws)).astype(np.uint8), WINDOWS, seed)
    if len(cut) < 4:
        return dict.fromkeys(FIGURES) | {"windows": len(cut)}
    patches = sample_patches(np.random.default_rng([seed, 5]), image, cut.shape[1:], 2 * len(cut))
    found = measure_statistics(cut, patches, len(categories), (LBP, *CONNECTIVITY), seed=seed)
    ours, theirs = (float(total_variation(part.astype(np.float32)).pooled()) for part in (cut, image.facies[None]))
    connectivity = max(found[name].times_floor for name in CONNECTIVITY)
    return dict(zip(FIGURES, (len(cut), ours / theirs, found[LBP].times_floor, connectivity), strict=True))


def honoured(fields: Fields, wells: Case) -> float:
    """Least share of the wells that a draw honours; 0 without a draw."""
    if not len(fields):
        return 0.0
    return float((fields[(slice(None), *wells.cells.T)] == wells.codes).mean(axis=1).min())
