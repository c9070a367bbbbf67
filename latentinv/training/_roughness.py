"""How rough facies are, and the temperatures at which a sequential simulation is as rough as its image.

Networks that have learned for minutes give some odds to what an image with smooth banks never shows, so its cells are
drawn with less noise than by their odds. An image may be rough itself, though. So temperatures lie between those that
are asked for and 1: where the share of neighbouring cells with different facies is nearest to the image's.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.keys import from_seed, numbered
from latentinv.networks import FAST, Draw, Drawn, SequentialArchitecture, Weights, simulate
from latentinv.training.images import TrainingImage

EXPONENTS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
"""Of the temperatures that are asked for."""
FIELDS, CELLS = {2: 16, 3: 2}, {2: 64, 3: 32}
"""Fields that are drawn at each, and their cells along an axis."""


def roughness(image: TrainingImage) -> float:
    """Share of neighbouring known cells with different facies."""
    facies, known = image.facies, np.ones(image.facies.shape, bool) if image.known is None else image.known
    differ = pairs = 0.0
    for axis in range(facies.ndim):
        one, other = (np.moveaxis(x, axis, 0) for x in (facies, known))
        both = other[1:] & other[:-1]
        differ += float(np.sum((one[1:] != one[:-1]) & both))
        pairs += float(np.sum(both))
    return differ / pairs


def as_rough(
    architecture: SequentialArchitecture, weights: Weights, temperatures: tuple[float, ...], image: TrainingImage
) -> tuple[float, ...]:
    """Temperatures between some and 1 at which fields are as rough as an image."""
    each = np.asarray(temperatures)[None] ** np.asarray(EXPONENTS)[:, None]
    found = np.asarray(_roughnesses(architecture, weights, jnp.asarray(each, jnp.float32)))
    best = int(np.argmin(np.abs(np.log(np.maximum(found, 1e-6) / roughness(image)))))
    return tuple(round(float(one), 3) for one in each[best])


@functools.partial(compiled, of_networks=True, static_argnums=0)
def _roughnesses(
    architecture: SequentialArchitecture, weights: Weights, temperatures: Float[Array, "choice grid"]
) -> Float[Array, "choice"]:
    key, shape = from_seed(0, "roughness"), (CELLS[architecture.ndim],) * architecture.ndim

    def of(temperatures: Array) -> Array:
        def decide(drawn: Drawn, told: Array) -> Draw:
            own = numbered(numbered(key, drawn.level), drawn.member)
            noise = jax.random.normal(own, (*told.shape[:-1], architecture.channels))
            odds = architecture.cell.tempered(told, temperatures[drawn.level])
            return architecture.cell.draw(odds, architecture.cell.deviates(noise))

        fields = simulate(architecture, weights, FIELDS[architecture.ndim], shape, decide, precision=FAST).level
        differ = [jnp.mean(jnp.any(jnp.diff(fields, axis=1 + n) != 0, axis=-1)) for n in range(architecture.ndim)]
        return jnp.stack(differ).mean()

    return jax.lax.map(of, temperatures)
