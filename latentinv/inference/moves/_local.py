"""Local moves: renew the latents of a small window, partly or wholly, and ask the target.

A gradient follows the walls that well data put up, but does not jump them. Where a population has settled on the wrong
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

from latentinv.posterior import Predictions, each
from latentinv.priors import LatentMap

from ._hamiltonian import Population

KEPT = (0.0, 0.5, 0.8, 0.95)
"""Choices of ρ."""
LARGEST_REACH = 2
"""Windows reach up to this many places from their centre."""


def window(key: Array, latent_maps: tuple[LatentMap, ...]) -> Float[Array, "latent"]:
    """One where a random window of one of the latent maps lies, zero elsewhere."""
    if len(latent_maps) == 1:
        return _window(key, latent_maps[0].shape)
    key_part, key_window = jax.random.split(key)
    part = jax.random.randint(key_part, (), 0, len(latent_maps))
    return jnp.concatenate([jnp.where(part == n, _window(key_window, m.shape), 0.0) for n, m in enumerate(latent_maps)])


def _window(key: Array, latent_map: tuple[int, ...]) -> Float[Array, "latent"]:
    key_centre, key_reach = jax.random.split(key)
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
    latent_maps: tuple[LatentMap, ...],
) -> Population:
    """Try to renew one window of every particle.

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
    latent_maps
        The latents as maps, `AbstractPrior.latent_maps`.
    """
    z = renewed(key, here.z, latent_maps)
    return decided(key, here, Population(z, predict(z)), log_target)


def renewed(
    key: Array, z: Float[Array, "particle latent"], latent_maps: tuple[LatentMap, ...]
) -> Float[Array, "particle latent"]:
    """Propose to renew one window of every particle."""
    key_window, key_kept, key_noise, _ = jax.random.split(key, 4)
    mask = jax.vmap(lambda one: window(one, latent_maps))(jax.random.split(key_window, len(z)))
    kept = jax.random.choice(key_kept, jnp.asarray(KEPT), (len(z), 1))
    new = kept * z + jnp.sqrt(1 - kept**2) * jax.random.normal(key_noise, z.shape)
    return jnp.where(mask > 0, new, z)


def decided(key: Array, here: Population, there: Population, log_target: Callable[[Predictions], Array]) -> Population:
    """Accept what `renewed` proposed with the same key, or not."""
    count, key_accept = len(here.z), jax.random.split(key, 4)[3]
    change = each(log_target, there.predictions, count) - each(log_target, here.predictions, count)
    accepted = jnp.log(jax.random.uniform(key_accept, (count,))) < change  # false where the change is not a number

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(accepted.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, there, here)
