"""Unconditioned fields of a prior, and facies as pictures, for every benchmark that looks at fields."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.posterior import map_batched
from latentinv.priors import AbstractFaciesModel, AbstractPrior

BATCH = 16


def facies_model(prior: AbstractPrior) -> AbstractFaciesModel:
    """Give the prior's reading as facies, which every benchmark of fields needs."""
    if prior.facies_model is None:
        raise InputError(
            "The benchmarks measure facies, and this prior is of a continuous property; give a facies prior."
        )
    return prior.facies_model


def draw_facies(prior: AbstractPrior, grid: Grid, count: int, seed: int) -> Int[np.ndarray, "image *grid"]:
    """Draw fields from the prior and read them as category indices."""
    model = facies_model(prior)

    def one(z: Float[Array, "latent"]) -> Int[Array, "*grid"]:
        return model.index(prior.generate(z, grid)).astype(jnp.uint8)

    z = jax.random.normal(jax.random.key(seed), (count, prior.latent_size(grid)))
    return np.asarray(jax.jit(lambda z: map_batched(one, z, min(count, BATCH)))(z))


def pictures(indices: Int[np.ndarray, "image *grid"], facies: AbstractFaciesModel) -> Float[np.ndarray, "image *grid"]:
    """Category indices as pictures in [0, 1]."""
    return np.asarray(indices, np.float32) / (len(facies.categories) - 1)


def cut_patches(
    rng: np.random.Generator, facies: Int[np.ndarray, "row column"], shape: tuple[int, ...], count: int
) -> Int[np.ndarray, "patch row column"]:
    """Patches at uniformly random places of an image."""
    first = rng.integers(0, np.subtract(facies.shape, shape) + 1, (count, 2))
    return np.stack([facies[i : i + shape[0], j : j + shape[1]] for i, j in first])


def patches_of_halves(
    rng: np.random.Generator, facies: Int[np.ndarray, "row column"], axis: int, shape: tuple[int, ...], count: int
) -> tuple[Int[np.ndarray, "patch row column"], Int[np.ndarray, "patch row column"]]:
    """As many patches of one half of an image along an axis, and twice as many of the other.

    What they measure beside each other says how much one image differs from the next of the same geology, of which the
    floor, the distance of patches of one image from each other, knows nothing.
    """
    one, other = np.array_split(facies, 2, axis=axis)
    return cut_patches(rng, one, shape, count), cut_patches(rng, other, shape, 2 * count)
