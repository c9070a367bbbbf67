"""The image that a SinGAN makes from noise that is fixed once, which each scale is to give as it looks there."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from latentinv.keys import from_seed
from latentinv.networks import SinganArchitecture, mean_of_blocks

from ._method import Task


class Part(NamedTuple):
    """A part of the image on a scale."""

    levels: Float[Array, "one *cell channel"]
    known: Bool[Array, "one *cell one_channel"]
    """Which cells are known whole."""
    noise: tuple[Float[Array, "one *place channel"], ...]
    """What is to give it: of the coarsest scale a part of the noise that is fixed, of the finer ones zeros."""


class OwnImage(NamedTuple):
    """The training image, and the noise that is to give it."""

    levels: Float[Array, "one *cell channel"]
    """Of whole cells of the coarsest scale."""
    known: Float[Array, "one *cell one_channel"]
    """1 where they are known, else 0."""
    noise: Float[Array, "one *place channel"]
    """Of the coarsest scale, around all of it."""

    @classmethod
    def of(cls, task: Task, net: SinganArchitecture) -> "OwnImage":
        """The image of a task, without what it has beyond whole cells."""
        unit, image = net.stride(0), task.image
        whole = tuple(slice(0, n - n % unit) for n in image.facies.shape)
        known = jnp.ones(image.facies.shape) if image.known is None else jnp.asarray(image.known, jnp.float32)
        levels = jnp.asarray(task.levels)[whole]
        shape = net.noise_shapes(levels.shape[:-1], net.scales - 1)[0]
        noise = jax.random.normal(from_seed(task.recipe.training.seed, "noise of the image"), (1, *shape))
        return cls(levels[None], known[whole][None, ..., None], noise)

    @property
    def shape(self) -> tuple[int, ...]:
        """Its cells along each axis."""
        return self.levels.shape[1:-1]

    def corner(self, key: Array, net: SinganArchitecture, shape: tuple[int, ...]) -> Int[Array, "axis"]:
        """The first cell, of the coarsest scale, of a part of a shape at a random place."""
        most = [(n - m) // net.stride(0) + 1 for n, m in zip(self.shape, shape, strict=True)]
        return jax.random.randint(key, (net.ndim,), 0, jnp.array(most))

    def part(
        self, net: SinganArchitecture, scale: int, shape: tuple[int, ...], corner: Int[Array, "axis"] | None = None
    ) -> Part:
        """A part of the image on a scale.

        Parameters
        ----------
        net
            The scales.
        scale
            Of the part.
        shape
            Its cells along each axis, of the image.
        corner
            Its first cell, of the coarsest scale; that of the image if omitted.
        """
        corner = jnp.zeros(net.ndim, int) if corner is None else corner
        strides, start = (net.stride(scale),) * net.ndim, (0, *(net.stride(0) * corner), 0)
        levels, known = (
            mean_of_blocks(lax.dynamic_slice(one, start, (1, *shape, one.shape[-1])), strides)
            for one in (self.levels, self.known)
        )
        # Noise of the coarsest scale lies around a map by as much as the finer ones need, so by less for a coarser one.
        most, here = (net.spans((1,) * net.ndim, one)[0] for one in (net.scales - 1, scale))
        inside = jnp.array([b[0] - a[0] for a, b in zip(most, here, strict=True)])
        coarsest, *finer = net.noise_shapes(levels.shape[1:-1], scale)
        noise = lax.dynamic_slice(self.noise, (0, *(corner + inside), 0), (1, *coarsest))
        return Part(levels, known == 1, (noise, *(jnp.zeros((1, *one)) for one in finer)))
