"""How well a prior with an encoder gives back fields of its image: encoded, decoded, and compared cell by cell."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from latentinv.devices import compiled
from latentinv.grid import Grid
from latentinv.priors.learned import AbstractLearnedPrior
from latentinv.training.images import TrainingImage, choose_places, cuttable_shape

RECONSTRUCT_SEED = 7
EDGES = {2: 64, 3: 32}
"""Cells along each axis of the fields that are encoded, by the number of axes; fewer where patches are smaller."""
IMPROVED = 50
"""Of how many of the fields the encoding is improved by steps, as `encode` does unless told otherwise."""


class Reconstruction(NamedTuple):
    """Fields beside what their encodings are decoded to.

    Accuracies are shares of cells that have their facies again, or, of a continuous property, the share of its variance
    that is explained.
    """

    fields: int
    shape: tuple[int, ...]
    """Cells of each."""
    latents: int
    """Of each."""
    accuracy: float
    """Of the encoder alone, in the mean of all fields."""
    worst: float
    """The least of all fields."""
    improved: float
    """Mean accuracy of `encode` with its steps, of the first `IMPROVED` fields."""


def reconstruct(
    prior: AbstractLearnedPrior, image: TrainingImage, patch: tuple[int, ...], count: int = 200
) -> Reconstruction:
    """Encode and decode patches of an image.

    Parameters
    ----------
    prior
        A prior with an encoder.
    image
        The image, best one that the prior has not seen.
    patch
        Most cells of patches along each axis.
    count
        Number of patches.
    """
    shape = cuttable_shape(image, tuple(min(n, EDGES[prior.ndim]) for n in patch))
    grid, model = Grid(shape), prior.facies_model
    whole = image.values if image.values is not None else np.asarray(image.categories)[image.facies]
    fields = choose_places(np.random.default_rng(RECONSTRUCT_SEED), image, shape, count).cut(whole)
    generate = compiled(lambda z: prior.realization(prior.generate(z, grid)))

    def accuracies(some: np.ndarray, **steps: int) -> Float[np.ndarray, "field"]:
        found = np.stack([generate(prior.encode(field, grid, **steps)) for field in some])
        return _explained(found, some) if model is None else (found == some).mean(axis=tuple(range(1, some.ndim)))

    every, improved = accuracies(fields, steps=0), accuracies(fields[:IMPROVED])
    return Reconstruction(
        count, shape, prior.latent_size(grid), float(every.mean()), float(every.min()), float(improved.mean())
    )


def _explained(
    found: Shaped[np.ndarray, "field *grid"], given: Shaped[np.ndarray, "field *grid"]
) -> Float[np.ndarray, "field"]:
    """Share of the variance of all fields that is explained in each."""
    errors = ((found - given) ** 2).mean(axis=tuple(range(1, given.ndim)))
    return 1 - errors / given.var()
