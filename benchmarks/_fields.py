"""Unconditioned fields of a prior, and facies as pictures, for every benchmark that looks at fields."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.posterior import map_batched
from latentinv.priors import AbstractFaciesModel, AbstractPrior
from latentinv.training import TrainingImage, sample_patches

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


def patches_of_halves(
    rng: np.random.Generator, image: TrainingImage, axis: int, shape: tuple[int, ...], count: int
) -> tuple[UInt8[np.ndarray, "patch *shape"], UInt8[np.ndarray, "patch *shape"]]:
    """As many patches of one half of an image along an axis, and twice as many of the other.

    What they measure beside each other says how much parts of one geology differ, of which the floor, the distance of
    patches of the same part from each other, knows nothing.
    """
    known = [None, None] if image.known is None else np.array_split(image.known, 2, axis=axis)
    pairs = zip(np.array_split(image.facies, 2, axis=axis), known, strict=True)
    halves = (replace(image, facies=half, known=seen, maps=()) for half, seen in pairs)
    one, other = (sample_patches(rng, half, shape, n * count) for n, half in enumerate(halves, 1))
    return one, other
