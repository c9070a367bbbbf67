"""Priors that cost nothing, for tests of what any prior must do: maps of two resolutions, conditions, covariates."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from latentinv import InputError
from latentinv.priors import AbstractPrior, LatentMap
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord


@pytree("weights")
class TwoMapsPrior(AbstractPrior):
    """A coarse map of two numbers for 4 cells, that two blocks see, and a fine one for 2 cells, that one block sees."""

    family, ndim, facies_model = "two maps", 2, None

    def __init__(self, weights=(1.0, 0.5)):
        self.weights = jnp.asarray(weights)

    def latent_maps(self, grid):
        coarse, fine = ([math.ceil(n / step) for n in grid.shape] for step in (4, 2))
        return (
            LatentMap((coarse[0] + 1, coarse[1] + 1, 2), (4, 4), ((4, 0), (4, 0))),
            LatentMap((*fine, 1), (2, 2), ((0, 0), (0, 0))),
        )

    def latent_size(self, grid):
        return sum(one.size for one in self.latent_maps(grid))

    def generate(self, z, grid):
        coarse, fine = self.latent_maps(grid)
        a, b = z[: coarse.size].reshape(coarse.shape), z[coarse.size :].reshape(fine.shape)[..., 0]
        blocks = jnp.tanh(a[1:, 1:, 0] + a[:-1, :-1, 1])
        repeated = (jnp.kron(x, jnp.ones((n, n))) for x, n in ((blocks, 4), (b, 2)))
        field = sum(w * x[: grid.shape[0], : grid.shape[1]] for w, x in zip(self.weights, repeated, strict=True))
        return field * (1 + field**2)  # nonlinear, and seen nowhere else

    def to_record(self):
        return PriorRecord(self.family, {}, {"weights": np.asarray(self.weights)})


@pytree("mean", "trend")
class TrendPrior(AbstractPrior):
    """White noise round a mean and a trend over the grid."""

    family, ndim, facies_model = "trend", 2, None

    def __init__(self):
        self.mean = self.trend = None

    @property
    def conditions(self):
        return {"mean": "of the field", "trend": "added to the mean in each cell, [row, column]"}

    def given(self, **condition):
        unknown = sorted(condition.keys() ^ self.conditions.keys())
        if unknown:
            raise InputError(f"The condition '{unknown[0]}' is missing or unknown; give mean and trend.")
        return replace(self, mean=jnp.asarray(condition["mean"]), trend=jnp.asarray(condition["trend"]))

    def cropped(self, start, shape):
        window = [slice(s, s + n) for s, n in zip(start, shape, strict=True)]
        part = self.trend[tuple(window)]
        lacking = [(0, n - m) for n, m in zip(shape, part.shape, strict=True)]
        return replace(self, trend=jnp.pad(part, lacking))

    def latent_maps(self, grid):
        return (LatentMap((*grid.shape, 1), (1, 1), ((0, 0), (0, 0))),)

    def latent_size(self, grid):
        return grid.size

    def generate(self, z, grid):
        if self.mean is None:
            raise InputError("The prior needs a mean and a trend; give them first.")
        return self.mean + self.trend + z.reshape(grid.shape)

    def to_record(self):
        return PriorRecord(self.family, {}, {"mean": np.asarray(self.mean), "trend": np.asarray(self.trend)})


def cells_changed(prior, grid, number, place):
    """Which cells the latents at a place of a map change."""
    maps = prior.latent_maps(grid)
    z = jax.random.normal(jax.random.key(0), (prior.latent_size(grid),))
    index = np.arange(maps[number].size).reshape(maps[number].shape)[place] + sum(one.size for one in maps[:number])
    generate = jax.jit(lambda prior, z: prior.generate(z, grid))
    before = generate(prior, z)
    changes = [generate(prior, z.at[index].add(by)) != before for by in (3.0, -3.0, *np.eye(len(index)))]
    return np.asarray(jnp.stack(changes).any(axis=0))
