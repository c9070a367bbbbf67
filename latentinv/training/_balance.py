"""Shares of facies in a sequential simulation, made those of the image on each coarse grid.

Networks that see far learn from the few places of a small image that lie far from its border, where shares may be
others than in the whole, and they carry the difference along. So the odds on each coarse grid, from the coarsest on,
get a shift by which the shares of what is drawn there are the image's. What is drawn on fine grids follows.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.keys import from_seed, numbered
from latentinv.networks import FAST, Draw, Drawn, SequentialArchitecture, Weights, facies_of_blocks, simulate
from latentinv.training.images import TrainingImage, image_shares

FINEST = {2: 8, 3: 2}
"""Distance of cells on the finest grid that is balanced, by the number of axes, unless there is none as coarse: what is
drawn with less than all noise on fine grids of a volume would else shrink the bodies of a rare facies."""
ROUNDS, FIELDS, CELLS = 8, {2: 16, 3: 4}, {2: 32, 3: 12}
"""Steps of the search for a shift; by the number of axes, fields that are drawn in each, and their cells, of the next
grid, along an axis."""
LEAST = 1e-4
"""Share below which the odds of a facies are not told from 0."""


def balanced(
    architecture: SequentialArchitecture,
    weights: Weights,
    temperatures: tuple[float, ...],
    image: TrainingImage,
) -> dict[str, Array]:
    """Weights by which facies, or blocks, have the shares of an image on coarse grids."""
    weights = dict(weights)
    for level in range(len(temperatures)):
        if level and max(architecture.stride(level)) < FINEST[architecture.ndim]:
            break
        target = shares_of_blocks(architecture, image, level + 1)
        shift = _shift(architecture, weights, temperatures, level, jnp.asarray(target, jnp.float32))
        own = [f"{level}.{number}.last.bias" for number, _ in enumerate(architecture.groups(level))]
        for name in own if level else ["first.bias", *own]:
            weights[name] = weights[name] + jnp.tile(shift, len(weights[name]) // len(shift))
    return weights


def shares_of_blocks(
    architecture: SequentialArchitecture, image: TrainingImage, level: int
) -> Float[np.ndarray, "facies"]:
    """Shares of facies in the cells of a grid, which may stand for blocks of cells of an image."""
    edges = architecture.block(level)
    if max(edges) == 1:
        return image_shares(image)
    blocks = facies_of_blocks(image.indices, architecture.order, edges)
    return np.bincount(blocks[blocks >= 0], minlength=len(image.categories)) / np.sum(blocks >= 0)


@functools.partial(compiled, of_networks=True, static_argnums=(0, 2, 3))
def _shift(
    architecture: SequentialArchitecture,
    weights: Weights,
    temperatures: tuple[float, ...],
    level: int,
    target: Float[Array, "facies"],
) -> Float[Array, "channel"]:
    """By which the odds on a grid must change."""
    shape = tuple(CELLS[architecture.ndim] * stride for stride in architecture.stride(level + 1))
    aim, channels = jnp.log(jnp.maximum(target, LEAST)), architecture.channels

    def shares(key: Array, shift: Array) -> Array:
        found = []

        def decide(drawn: Drawn, told: Array) -> Draw:
            own = numbered(numbered(key, drawn.level), drawn.member)
            noise = jax.random.normal(own, (*told.shape[:-1], channels))
            here = drawn.level == level
            odds = architecture.cell.tempered(told + shift if here else told, temperatures[drawn.level])
            draw = architecture.cell.draw(odds, architecture.cell.deviates(noise))
            if here:
                found.append((1 + draw.level.mean(axis=range(draw.level.ndim - 1))) / 2)
            return draw

        simulate(architecture, weights, FIELDS[architecture.ndim], shape, decide, grids=level + 1, precision=FAST)
        each = jnp.stack(found).mean(axis=0)
        return each if channels > 1 else jnp.concatenate([1 - each, each])

    def round_(n: Array, shift: Array) -> Array:
        log = jnp.log(jnp.maximum(shares(numbered(from_seed(0, "balance"), n), shift), LEAST))
        return shift + temperatures[level] * (aim - log if channels > 1 else jnp.diff(aim) - jnp.diff(log))

    return jax.lax.fori_loop(0, ROUNDS, round_, jnp.zeros(channels))
