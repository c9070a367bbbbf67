"""A term of the generator's loss: how often small patterns of two facies occur, compared with the training image.

A discriminator judges field by field, and misses a pattern that occurs a few per cent too often. Here frequencies are
compared with those of the image, which are known:

- *rings*: the facies of a cell together with which of eight directions around it hold the same facies, at radii of 1 to
  8 cells: 512 kinds each. Straight directions look at one cell, diagonal ones from radius 2 on at the four cells around
  the point, all of which must agree, as in local binary patterns (Ojala, Pietikäinen and Mäenpää 2002,
  doi:10.1109/TPAMI.2002.1017623).
- *pairs*: the chance that two cells some way apart along an axis both hold the second facies.
- *steps*: the chance that neighbours along an axis differ, at each place in a latent cell. An image is stationary, but
a generator that prefers some places for its edges comes closer to the image's rings.

With f the frequencies and t the image's, the term is √D, D being the χ² distance ½ Σ (f − t)² / (f + t) of rings, and ½
Σ (f − t)² / t of the others. The derivative of the root does not vanish with D, which must fall from above 1 to below
0.01 against a discriminator whose derivative stays as large as it was. A single batch estimates frequencies poorly, and
its noise would be penalised; so f is a running average over batches, and its derivative is applied to the current
batch. Facies are read exactly; the derivative is the change of the frequencies when a cell is flipped, as if facies
were linear in the generator's output (straight-through, Bengio, Léonard and Courville 2013, arXiv:1308.3432).
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, UInt8

from latentinv.devices import compiled

RADII = (1, 2, 4, 8)
LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
PERIOD = 32
"""Places along an axis that are counted separately: those of one latent cell, or of a few."""
MEMORY = 0.98
"""Decay of the running frequencies."""
RARE = 1e-5
"""Kinds below this frequency count less, since a kind that the image lacks may occur by chance."""
LEAST = 1e-8
"""Added to D under the root, which has no derivative at 0."""


class Frequencies(NamedTuple):
    """How often patterns occur."""

    rings: Float[Array, "radius kind"]
    """Kind 256 · facies + Σ 2^k · (direction k holds the same facies)."""
    pairs: Float[Array, "axis lag"]
    steps: Float[Array, "axis place"]


def least_patch() -> int:
    """Cells that a patch needs along each axis."""
    return max(2 * max(RADII) + 1, max(LAGS) + 1)


def image_frequencies(facies: UInt8[np.ndarray, "row column"], flips: tuple[int, ...] = ()) -> Frequencies:
    """Frequencies in the whole training image, of facies indices 0 and 1, flipped or not along these axes."""
    chosen = itertools.chain.from_iterable(itertools.combinations(flips, count) for count in range(len(flips) + 1))
    count = compiled(_frequencies)
    each = [count(jnp.asarray(np.flip(facies, axes)[None], bool)) for axes in chosen]
    whole: Frequencies = jax.tree.map(lambda *parts: sum(parts) / len(parts), *each)
    return whole._replace(steps=jnp.broadcast_to(whole.steps.mean(axis=1, keepdims=True), whole.steps.shape))


def no_frequencies() -> Frequencies:
    """Initial value of a running average; `running_frequencies` replaces it in the first step."""
    return Frequencies(jnp.zeros((len(RADII), 512)), jnp.zeros((2, len(LAGS))), jnp.zeros((2, PERIOD)))


def running_frequencies(
    before: Frequencies, fields: Float[Array, "batch row column"], step: Int[Array, ""]
) -> Frequencies:
    """The running average after one more batch; the first batches have equal weights."""
    decay = jnp.minimum(MEMORY, step / (step + 1.0))
    return jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, before, _frequencies(fields > 0))


def distance(found: Frequencies, image: Frequencies) -> Float[Array, ""]:
    """How far frequencies are from the image's."""
    rings = (found.rings - image.rings) ** 2 / (found.rings + image.rings + RARE)
    pairs = (found.pairs - image.pairs) ** 2 / (image.pairs + RARE)
    steps = (found.steps - image.steps) ** 2 / (image.steps + RARE)
    return jnp.sqrt(LEAST + 0.5 * (jnp.sum(rings) + jnp.sum(pairs) + jnp.sum(steps)))


def field_gradient(
    found: Frequencies, image: Frequencies, fields: Float[Array, "batch row column"]
) -> Float[Array, "batch row column"]:
    """Derivative of `distance` at the measured frequencies with respect to fields from −1 to 1, straight through."""
    slope = jax.grad(distance)(found, image)
    return jax.grad(lambda x: _linearised(slope, x))(fields)


def _linearised(slope: Frequencies, fields: Float[Array, "batch row column"]) -> Float[Array, ""]:
    """A number whose derivative in the fields is that of Σ slope · frequencies."""
    sand = (fields > 0).astype(fields.dtype)
    soft = sand + 0.5 * (fields - lax.stop_gradient(fields))
    total = jnp.zeros(())
    for row, radius in enumerate(RADII):
        of_clay, of_sand = slope.rings[row, :256], slope.rings[row, 256:]
        centre, clay_code, sand_code = _codes(sand > 0, radius)
        table = jnp.concatenate([_per_direction(of_clay), _per_direction(of_sand)])
        each = table[jnp.where(centre, 256 + sand_code, clay_code)]
        around = [_holds(soft, centre, radius, n) for n in range(8)]
        flipped = of_sand[sand_code] - of_clay[clay_code]
        value = flipped * _inner(soft, radius) + sum(each[..., n] * around[n] for n in range(8))
        total += jnp.mean(value)
    for axis in range(2):
        for n, lag in enumerate(LAGS):
            total += slope.pairs[axis, n] * jnp.mean(_pair(soft, axis, lag))
        total += jnp.sum(slope.steps[axis] * _steps(soft, axis))
    return total


def _frequencies(sand: Bool[Array, "batch row column"]) -> Frequencies:
    rings = []
    for radius in RADII:
        centre, clay_code, sand_code = _codes(sand, radius)
        kind = jnp.where(centre, 256 + sand_code, clay_code)
        rings.append(jnp.bincount(kind.ravel(), length=512) / kind.size)
    ones = sand.astype(jnp.float32)
    pairs = [[jnp.mean(_pair(ones, axis, lag)) for lag in LAGS] for axis in range(2)]
    return Frequencies(jnp.stack(rings), jnp.array(pairs), jnp.stack([_steps(ones, axis) for axis in range(2)]))


def _codes(
    sand: Bool[Array, "batch row column"], radius: int
) -> tuple[Bool[Array, "..."], Int[Array, "..."], Int[Array, "..."]]:
    """Which cells hold sand, and their codes if they held clay and if they held sand."""
    clay_code = sand_code = jnp.zeros((), jnp.int32)
    for n in range(8):
        cells = [_shifted(sand, radius, *offset) for offset in _offsets(radius, n)]
        every, none = cells[0], ~cells[0]
        for cell in cells[1:]:
            every, none = every & cell, none & ~cell
        clay_code, sand_code = clay_code + (none << n), sand_code + (every << n)
    return _inner(sand, radius), clay_code, sand_code


def _holds(soft: Array, centre: Array, radius: int, direction: int) -> Float[Array, "..."]:
    """Whether a direction holds the centre's facies, with the derivatives with respect to its cells."""
    same = jnp.ones(())
    for offset in _offsets(radius, direction):
        cell = _shifted(soft, radius, *offset)
        same = same * jnp.where(centre, cell, 1 - cell)
    return same


def _per_direction(slope: Float[Array, "code"]) -> Float[Array, "code direction"]:
    """Change of the frequencies' weighted sum when a direction holds, all others unchanged."""
    codes = jnp.arange(256)
    return jnp.stack([slope[codes | (1 << n)] - slope[codes & ~(1 << n)] for n in range(8)], axis=1)


def _offsets(radius: int, direction: int) -> list[tuple[int, int]]:
    """Cells that a direction looks at."""
    y, x = DIRECTIONS[direction]
    if y == 0 or x == 0 or radius == 1:
        return [(radius * y, radius * x)]
    near = int(radius / np.sqrt(2))
    return [(y * a, x * b) for a in (near, near + 1) for b in (near, near + 1)]


def _inner(fields: Array, radius: int) -> Array:
    return _shifted(fields, radius, 0, 0)


def _shifted(fields: Array, radius: int, y: int, x: int) -> Array:
    """Cells displaced from those that are at least the radius from the border."""
    rows, columns = (n - 2 * radius for n in fields.shape[1:])
    return fields[:, radius + y : radius + y + rows, radius + x : radius + x + columns]


def _pair(ones: Array, axis: int, lag: int) -> Array:
    near, far = _apart(ones, axis, lag)
    return near * far


def _steps(ones: Array, axis: int) -> Float[Array, "place"]:
    """Share of neighbours that differ, by the place of the first of them."""
    near, far = _apart(ones, axis, 1)
    differ = jnp.moveaxis(near + far - 2 * near * far, 1 + axis, 0)
    each = jnp.mean(differ, axis=(1, 2))
    places = jnp.arange(len(each)) % PERIOD
    return jax.ops.segment_sum(each, places, PERIOD) / jnp.bincount(places, length=PERIOD)


def _apart(ones: Array, axis: int, lag: int) -> tuple[Array, Array]:
    near, far = ((slice(None),) * (1 + axis) + (part,) for part in (slice(None, -lag), slice(lag, None)))
    return ones[near], ones[far]
