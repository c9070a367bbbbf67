"""Local moves: redraw the latents of a small window, partly or wholly, and accept by the target.

A gradient follows the barriers that well data create, but does not cross them. Where a population is on the wrong
side of a well, a window of latents is drawn anew by the preconditioned Crank–Nicolson proposal (Cotter et al. 2013,
doi:10.1214/13-STS421), z' = ρ z + √(1 − ρ²) ξ inside the window, z' = z outside, which leaves the prior invariant, so
that the likelihood alone decides. Place and size of the window and ρ are drawn afresh for each particle, whatever its
state; where a prior has several maps of latents, so is the one that the window lies in. Cost: one field a particle and
move.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.keys import named
from latentinv.posterior import Posterior, Predictions, each

from ._hamiltonian import Population

KEPT = (0.0, 0.5, 0.8, 0.95)
"""Choices of ρ."""
LARGEST_REACH = 2
"""Windows reach up to this many places from their centre."""


def latent_shapes(posterior: Posterior) -> tuple[tuple[int, ...], ...]:
    """Shapes of the maps that stand one after the other in the latent vector."""
    return tuple(latent_map.shape for latent_map in posterior.prior.latent_maps(posterior.grid))


def window(key: Array, shapes: tuple[tuple[int, ...], ...]) -> Float[Array, "latent"]:
    """One where a random window of one of the latent maps lies, zero elsewhere."""
    if len(shapes) == 1:
        return _window(key, shapes[0])
    key_part, key_window = named(key, "part", "window")
    part = jax.random.randint(key_part, (), 0, len(shapes))
    return jnp.concatenate([jnp.where(part == n, _window(key_window, m), 0.0) for n, m in enumerate(shapes)])


def _window(key: Array, latent_map: tuple[int, ...]) -> Float[Array, "latent"]:
    key_centre, key_reach = named(key, "centre", "reach")
    places = latent_map[:-1]
    reach = jax.random.randint(key_reach, (), 0, LARGEST_REACH + 1)
    centre = jax.random.randint(key_centre, (len(places),), 0, jnp.asarray(places))
    inside = jnp.ones(places, bool)
    for axis, size in enumerate(places):
        near = jnp.abs(jnp.arange(size) - centre[axis]) <= reach
        inside &= near.reshape([-1 if other == axis else 1 for other in range(len(places))])
    return jnp.broadcast_to(inside[..., None], latent_map).ravel().astype(jnp.float32)


def local_move(
    key: Array,
    here: Population,
    *,
    predict: Callable[[Array], Predictions],
    log_target: Callable[[Predictions], Array],
    shapes: tuple[tuple[int, ...], ...],
) -> Population:
    """Propose to redraw one window of every particle, and accept or reject.

    Parameters
    ----------
    key
        Random key.
    here
        Where the particles are.
    predict
        Predictions for all particles.
    log_target
        Log-likelihood of the target from one particle's predictions.
    shapes
        Shapes of the latent maps, from `latent_shapes`.
    """
    z = propose_locally(key, here.z, shapes)
    return accept_locally(key, here, Population(z, predict(z)), log_target)


def propose_locally(
    key: Array, z: Float[Array, "particle latent"], shapes: tuple[tuple[int, ...], ...]
) -> Float[Array, "particle latent"]:
    """Propose to redraw one window of every particle."""
    key_window, key_kept, key_noise = named(key, "window", "kept", "noise")
    mask = jax.vmap(lambda one: window(one, shapes))(jax.random.split(key_window, len(z)))
    kept = jax.random.choice(key_kept, jnp.asarray(KEPT), (len(z), 1))
    new = kept * z + jnp.sqrt(1 - kept**2) * jax.random.normal(key_noise, z.shape)
    return jnp.where(mask > 0, new, z)


def accept_locally(
    key: Array, here: Population, there: Population, log_target: Callable[[Predictions], Array]
) -> Population:
    """Accept what `propose_locally` proposed with the same key, or not."""
    count, key_accept = len(here.z), named(key, "accept")
    change = each(log_target, there.predictions, count) - each(log_target, here.predictions, count)
    accepted = jnp.log(jax.random.uniform(key_accept, (count,))) < change  # false where the change is not a number

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(accepted.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, there, here)
