"""Walks through the latents: from one draw to another, or a loop that varies one box of a field and keeps the rest.

Draws of N(0, I) in many dimensions lie near the sphere of radius √n, and a straight line between two of them passes
through its interior, where fields are not typical draws of the prior. `interpolate` goes along the great circle instead
(Shoemake 1985, doi:10.1145/325334.325242); `walk_box` goes round the ellipse z cos θ + ξ sin θ (Murray et al. 2010,
arXiv:1001.0175), each point of which is again a draw, and changes only the latents from which a box of the field is
computed.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import AbstractPrior


def interpolate(
    z_start: Float[Array, "latent"], z_end: Float[Array, "latent"], steps: int
) -> Float[Array, "step latent"]:
    """Interpolate between two latent vectors along the great circle.

    Parameters
    ----------
    z_start, z_end
        The ends, which are the first and the last step. The norm goes evenly from the one's to the other's: it is
        constant where both are as long.
    steps
        Number of vectors on the path, both ends counted.

    Raises
    ------
    InputError
        If there are fewer than two steps, or the ends differ in length, are zero or opposite to each other.
    """
    if steps < 2 or z_start.shape != z_end.shape:
        raise InputError(
            f"A path of {steps} steps between latents of shapes {z_start.shape} and {z_end.shape} was requested; "
            "give two draws on one grid and at least two steps."
        )
    ends = np.stack([z_start, z_end]).astype(float)
    norms = np.linalg.norm(ends, axis=1)
    cosine = float(np.clip(ends[0] @ ends[1] / max(norms.prod(), np.finfo(float).tiny), -1, 1))
    if norms.min() == 0 or cosine < -1 + 1e-9:
        raise InputError("One end of the path is zero or opposite to the other; give two other draws.")
    angle = np.arccos(cosine)
    share = np.linspace(0, 1, steps)[:, None]
    # sin(s·angle) / sin(angle), also where the angle is zero and the ends are equal.
    weights = [part * np.sinc(part * angle / np.pi) / np.sinc(angle / np.pi) for part in (1 - share, share)]
    path = weights[0] * ends[0] / norms[0] + weights[1] * ends[1] / norms[1]
    return jnp.asarray(path * ((1 - share) * norms[0] + share * norms[1]), jnp.float32)


def latents_of_box(
    prior: AbstractPrior, grid: Grid, lower: Float[np.ndarray, "axis"], upper: Float[np.ndarray, "axis"]
) -> Bool[np.ndarray, "latent"]:
    """Mark the latents from which the cells of a box are computed; no others change them.

    Parameters
    ----------
    prior, grid
        The prior, and where its field lives.
    lower, upper
        Corners of the box in metres, x, y(, z).

    Raises
    ------
    InputError
        If the box has no area or leaves the grid, or some latents of the prior change all cells.
    """
    maps = prior.latent_maps(grid)
    if any(one.spacing is None for one in maps):
        raise InputError("Each latent of this prior changes the whole field, not a window of cells; leave the box out.")
    hit = np.nonzero(grid.box_weights(np.asarray(lower, float), np.asarray(upper, float)))
    cells = [slice(int(along.min()), int(along.max()) + 1) for along in hit]
    inside = []
    for one in maps:
        marked = np.zeros(one.shape, bool)
        marked[tuple(slice(max(0, places.start), max(0, places.stop)) for places in one.places_of(cells))] = True
        inside.append(marked.ravel())
    return np.concatenate(inside)


def cells_of_latent(prior: AbstractPrior, grid: Grid, place: tuple[int, ...], number: int = 0) -> tuple[slice, ...]:
    """The window of cells that the latents at a place of a latent map can change.

    Parameters
    ----------
    prior, grid
        The prior, and where its field lives.
    place
        Place in the map, along the array axes.
    number
        Which of the prior's latent maps.

    Raises
    ------
    InputError
        If there is no such map, or it has no such place.
    """
    maps = prior.latent_maps(grid)
    if not 0 <= number < len(maps):
        raise InputError(f"The prior has {len(maps)} latent maps; {number} is none of them, which count from 0.")
    places = maps[number].shape[:-1]
    if len(place) != len(places) or any(not 0 <= i < n for i, n in zip(place, places, strict=True)):
        raise InputError(f"The latent map of this grid has {places} places; {place} is none of them.")
    return maps[number].cells_of(place, grid.shape)


def walk_box(
    key: Array,
    prior: AbstractPrior,
    grid: Grid,
    z: Float[Array, "latent"],
    lower: Float[np.ndarray, "axis"],
    upper: Float[np.ndarray, "axis"],
    *,
    steps: int,
) -> Float[Array, "step latent"]:
    """Go in a loop from a draw back to it, changing only the latents from which a box of its field is computed.

    The field changes in the box and, since neighbouring cells share latents, within the prior's reach of it; the
    rest stays as it is. The last step is one before the first.

    Parameters
    ----------
    key
        Random key, which decides the way; it is used up.
    prior, grid
        The prior, and where its field lives.
    z
        The draw, which is the first step.
    lower, upper
        Corners of the box in metres, x, y(, z).
    steps
        Number of vectors on the way.

    Raises
    ------
    InputError
        If the box has no area or leaves the grid, there is no step, or some latents of the prior change all cells.
    """
    if steps < 1:
        raise InputError(f"A walk of {steps} steps was requested; give at least one.")
    moving = latents_of_box(prior, grid, lower, upper)
    angle = 2 * jnp.pi * jnp.arange(steps)[:, None] / steps
    return jnp.where(moving, z * jnp.cos(angle) + jax.random.normal(key, z.shape) * jnp.sin(angle), z)
