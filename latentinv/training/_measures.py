"""What is measured of a facies in a field: its proportion, and the width of its bodies.

The *width* is the true thickness of bodies, from their apparent ones along the axes. The mean chord of a facies along
an axis, the mean length of its runs of cells, is what geostatistics calls its mean length. It follows from the
proportion p, and from the share τ of neighbours along the axis of which one alone is of the facies: ℓ = 2p / τ (Carle
and Fogg 1996, doi:10.1007/BF02083656; Torquato 2002, doi:10.1007/978-1-4757-6355-8, section 2.5). Runs that the border
cuts do not shorten it. A plane layer of thickness w whose normal is n has chords w / |n_a| along the axes a, so that,
since Σ n_a² = 1,

    w = (Σ_a ℓ_a⁻²)^(−1/2) = 2p / √(Σ_a τ_a²),

exact for straight parallel bodies of any direction on fine cells, where the shortest chord alone would be up to √2
times too long in the plane. Of bodies in all directions alike it is π / (2√2) = 1.11 times the thickness (in three
dimensions 2 / √3 = 1.15), and of round ones below their diameter. It is at most the shortest edge of the field, and 0
where the facies is not. Cost: O(cells).
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def measure_facies(name: str, inside: Bool[Array, "field *grid"]) -> Float[Array, "field"]:
    """Measure a facies in each field.

    Parameters
    ----------
    name
        A name of `latentinv.priors.learned.MEASURES`: ``proportion``, or ``width``, in cells.
    inside
        Where the facies is.
    """
    return {"proportion": _proportion, "width": _width}[name](inside)


def _proportion(inside: Bool[Array, "field *grid"]) -> Float[Array, "field"]:
    return jnp.mean(inside.reshape(len(inside), -1), axis=1, dtype=jnp.float32)


def _width(inside: Bool[Array, "field *grid"]) -> Float[Array, "field"]:
    differ = (jnp.diff(inside, axis=axis) for axis in range(1, inside.ndim) if inside.shape[axis] > 1)
    density = jnp.sqrt(sum(_proportion(one) ** 2 for one in differ))
    # Divides by no less than what gives the longest width, for a facies that is everywhere has no edge at all.
    double, longest = 2 * _proportion(inside), float(min(inside.shape[1:]))
    return double / jnp.maximum(density, double / longest + jnp.finfo(jnp.float32).tiny)
