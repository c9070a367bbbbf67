"""How many cells a conditional prior honours that it is given: those of patches, as dense as in training."""

import functools
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from latentinv.devices import compiled
from latentinv.grid import Grid
from latentinv.keys import from_seed
from latentinv.priors.learned import WELLS, AbstractLearnedPrior
from latentinv.training.images import TrainingImage, cuttable_shape, sample_patches

from ._recipe import parse_recipe

HONOUR_SEED = 8
DRAWS = {2: 4, 3: 2}
"""Fields for what is known of each patch, by the number of axes."""
PATCHES = {2: 50, 3: 10}


class Honouring(NamedTuple):
    """What fields show of the cells that their prior is given."""

    patches: int
    shape: tuple[int, ...]
    """Cells of each."""
    cells: int
    """How many of these are given."""
    honoured: float
    """Share of them that fields show."""
    chance: float
    """Share of them that fields show without being given them."""


class _Wells(NamedTuple):
    """Facies in cells, as a prior takes them."""

    grid: Grid
    cells: Int[np.ndarray, "cell axis"]
    codes: Int[np.ndarray, "cell"]
    error_probability: Float[np.ndarray, "cell"]


def honouring(prior: AbstractLearnedPrior, image: TrainingImage, patch: tuple[int, ...]) -> Honouring | None:
    """Give a prior cells of patches of an image; None if it takes none.

    Parameters
    ----------
    prior
        A prior with its recipe.
    image
        The image, best one that the prior has not seen.
    patch
        Most cells of patches along each axis.
    """
    if WELLS not in prior.conditions:
        return None
    shape = cuttable_shape(image, patch)
    grid, count, draws = Grid(shape), PATCHES[prior.ndim], DRAWS[prior.ndim]
    known = max(1, round(parse_recipe(prior.provenance["recipe"], Path()).conditioning.pixels * grid.size))
    rng = np.random.default_rng(HONOUR_SEED)
    z = jax.random.normal(from_seed(HONOUR_SEED, "honouring"), (draws, prior.latent_size(grid)))

    @functools.partial(compiled, of_networks=True)
    def generate(prior: AbstractLearnedPrior, z: Float[Array, "draw latent"]) -> Int[Array, "draw *grid"]:
        return jax.vmap(lambda one: prior.realization(prior.generate(one, grid)))(z)

    alone, pairs = np.asarray(generate(prior, z)), []
    for truth in np.asarray(image.categories)[sample_patches(rng, image, shape, count)]:
        cells = np.stack(np.unravel_index(rng.permutation(truth.size)[:known], shape), axis=1)
        codes = truth[tuple(cells.T)]
        given = prior.given(**{WELLS: _Wells(grid, cells, codes, np.zeros(known))})
        places = (slice(None), *cells.T)
        pairs.append([np.mean(np.asarray(fields)[places] == codes) for fields in (generate(given, z), alone)])
    honoured, chance = np.mean(pairs, axis=0).tolist()
    return Honouring(count, shape, known, honoured, chance)
