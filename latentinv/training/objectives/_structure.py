"""A term of the generator's loss for continuous properties: structure functions, compared with the training image's.

The structure function of order p at a lag h along an axis is S_p(h) = mean |x(s + h) − x(s)|^p over cells s
(Kolmogorov 1941, doi:10.1098/rspa.1991.0075, for velocities; Marshak et al. 1997,
doi:10.1175/1520-0469(1997)054<1423:SIILWD>2.0.CO;2, for the water of clouds); that of order 2 is twice the variogram.
The two orders together tell rare large steps from frequent small ones, which the variogram alone does not. Here x are
the levels that the networks see, p is 1 and 2, and lags are 1, 2, 4, 8, … cells up to a quarter of the patch along the
axis. With f the generated fields' and r the image's, the term is

    D = mean of (log f − log r)² over axes, orders and lags,

in which all scales count alike, however small the steps of neighbours are beside those of distant cells.

The structure functions of one batch, of some eight patches, are uncertain by ten per cent or so at long lags. Were they
compared step by step, the expectation of the squared difference would hold the variance of those of the generated
batch too, and a generator could lessen that by making its fields alike. So f is a running average over the last batches
(`MEMORY`), and its derivative is applied to the current batch, as for patterns (`_patterns.py`); r, whose distribution
does not change, is the average over the patches of all steps so far. In the first step both are those of the batch.
Cost: O(cells) per lag, little beside the networks.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

ORDERS = (1, 2)
MEMORY = 0.95
"""Decay of the running average of generated fields: some 20 batches, for the generator changes."""
LEAST = 1e-6
"""Added to structure functions, of levels from −1 to 1, for the logarithm of one that is 0."""


class Structure(NamedTuple):
    """Running averages of structure functions, along all axes in turn."""

    generated: Float[Array, "lag order"]
    image: Float[Array, "lag order"]


def no_structure(shape: tuple[int, ...]) -> Structure:
    """Initial values for patches of a shape; `running_structure` replaces them in the first step."""
    count = sum(len(_lags(size)) for size in shape)
    return Structure(*(jnp.zeros((count, len(ORDERS))) for _ in range(2)))  # two arrays: a step takes over the memory


def structure_functions(levels: Float[Array, "batch *patch"]) -> Float[Array, "lag order"]:
    """Structure functions of fields, on average over the batch: lags along the first axis, then the next."""
    rows = []
    for axis, size in enumerate(levels.shape[1:], start=1):
        for lag in _lags(size):
            steps = jnp.abs(_part(levels, axis, lag, size) - _part(levels, axis, 0, size - lag))
            rows.append(jnp.stack([jnp.mean(steps**order) for order in ORDERS]))
    return jnp.stack(rows)


def running_structure(
    before: Structure,
    generated: Float[Array, "batch *patch"],
    real: Float[Array, "batch *patch"],
    step: Int[Array, ""],
) -> Structure:
    """The running averages after one more batch; the first batches have equal weights."""
    equal = step / (step + 1.0)
    pairs = ((before.generated, generated, jnp.minimum(MEMORY, equal)), (before.image, real, equal))
    return Structure(*(decay * old + (1 - decay) * structure_functions(new) for old, new, decay in pairs))


def structure_distance(found: Structure) -> Float[Array, ""]:
    """Mean squared difference of the logarithms."""
    generated, image = (jnp.log(each + LEAST) for each in found)
    return jnp.mean((generated - image) ** 2)


def structure_gradient(found: Structure, levels: Float[Array, "batch *patch"]) -> Float[Array, "batch *patch"]:
    """Derivative of `structure_distance` at the running averages, as if they were those of these fields."""
    slope = jax.grad(lambda generated: structure_distance(found._replace(generated=generated)))(found.generated)
    return jax.grad(lambda x: jnp.sum(slope * structure_functions(x)))(levels)


def _lags(size: int) -> tuple[int, ...]:
    """Lags along an axis of a patch, in cells."""
    return tuple(2**n for n in range(max(0, (size // 4).bit_length())))


def _part(levels: Array, axis: int, start: int, stop: int) -> Array:
    return jax.lax.slice_in_dim(levels, start, stop, axis=axis)
