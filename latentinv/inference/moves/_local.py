"""Local moves: redraw the latents of windows, partly or wholly, and accept each on the data that it can change.

A gradient follows the barriers that well data create, but does not cross them. Where a population is on the wrong
side of a well, windows of latents are drawn anew by the preconditioned Crank–Nicolson proposal (Cotter et al. 2013,
doi:10.1214/13-STS421), z' = ρ z + √(1 − ρ²) ξ inside the windows, z' = z outside, which leaves the prior invariant, so
that the likelihood alone decides. Where windows change disjoint parts of the field (`_windows`), one field serves all
of them: each datum's prediction depends on one window only, so what it would be under any choice of windows is known,
and the windows are accepted or not one after the other, each given those before. That is exact whatever the noise.
Cost: one field a particle and move, and a likelihood of stored predictions for each window.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from latentinv.keys import named
from latentinv.posterior import Posterior, Predictions
from latentinv.pytrees import Count, Scalar

from ._hamiltonian import Population
from ._windows import WindowLattice, Windows

KEPT = (0.0, 0.5, 0.8, 0.95)
"""Choices of ρ."""
SIZES = (1, 3, 5)
"""Choices of the places of a window along each axis."""

LogTarget = Callable[[Predictions], Array]


class Decision(NamedTuple):
    """What became of the windows of a proposal."""

    accepted: Bool[Array, "window"]
    acceptance: Scalar
    """Mean probability with which windows that can change data were accepted; 1 if there were none."""
    decided: Count
    """Number of windows that can change data."""


def local_windows(posterior: Posterior) -> WindowLattice:
    """The windows of local moves."""
    return WindowLattice(posterior, SIZES)


def local_move(
    key: Array,
    here: Population,
    *,
    predict: Callable[[Array], Predictions],
    log_target: LogTarget,
    lattice: WindowLattice,
) -> Population:
    """Propose to redraw windows of every particle, and accept or reject each.

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
    lattice
        From `local_windows`.
    """
    keys = jax.random.split(key, len(here.z))
    z, windows = jax.vmap(lambda key, z: propose_locally(key, z, lattice))(keys, here.z)
    there = Population(z, predict(z))

    def accept(key: Array, one: Population, other: Population, windows: Windows) -> Population:
        return accept_locally(key, one, other, windows, lattice, log_target)

    return jax.vmap(accept)(keys, here, there, windows)


def propose_locally(
    key: Array, z: Float[Array, "latent"], lattice: WindowLattice
) -> tuple[Float[Array, "latent"], Windows]:
    """Propose to redraw windows of one particle, of a size and by a ρ drawn anew; gives the windows too."""
    windows, (key_kept, key_noise) = drawn_windows(key, lattice), named(key, "kept", "noise")
    kept = jax.random.choice(key_kept, jnp.asarray(KEPT))
    return renewed(key_noise, z, windows, jnp.sqrt(1 - kept**2)), windows


def drawn_windows(key: Array, lattice: WindowLattice) -> Windows:
    """The windows that `propose_locally` redraws with this key."""
    key_size, key_windows = named(key, "size", "windows")
    return lattice.draw(key_windows, jax.random.randint(key_size, (), 0, len(lattice.sizes)))


def accept_locally(
    key: Array, here: Population, there: Population, windows: Windows, lattice: WindowLattice, log_target: LogTarget
) -> Population:
    """Accept the windows that `propose_locally` proposed with the same key, or not."""
    return accept_windows(named(key, "accept"), here, there, windows, lattice.most, log_target)[0]


def renewed(key_noise: Array, z: Float[Array, "latent"], windows: Windows, step_size: Scalar) -> Float[Array, "latent"]:
    """Renew the latents of all windows by the share `step_size` of their standard deviation."""
    noise = jax.random.normal(key_noise, z.shape)
    return jnp.where(windows.latents >= 0, jnp.sqrt(1 - step_size**2) * z + step_size * noise, z)


def accept_windows(
    key_accept: Array, here: Population, there: Population, windows: Windows, most: int, log_target: LogTarget
) -> tuple[Population, Decision]:
    """Accept each window of one particle's proposal, or not.

    Parameters
    ----------
    key_accept
        Random key.
    here, there
        The particle, and it with all windows renewed.
    windows, most
        The windows, and how many there can be.
    log_target
        Log-likelihood of the target from predictions.
    """
    draws = jnp.log(jax.random.uniform(key_accept, (most,)))

    def decide(number: Array, carry: tuple[Predictions, Array, Array]) -> tuple[Predictions, Array, Array]:
        now, value, log_ratios = carry
        other = _with_window(number, now, there.predictions, windows)
        after = log_target(other)
        accepted = draws[number] < after - value  # false where the change is not a number
        now, value_now = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), (other, after), (now, value))
        return now, value_now, log_ratios.at[number].set(after - value)

    data = here.predictions._replace(realization=())
    start = data, log_target(data), jnp.zeros(most)
    data, _, log_ratios = lax.fori_loop(0, most, decide, start)
    accepted = draws < log_ratios
    inside = _chosen(accepted, windows.latents)
    z, cells = jnp.where(inside, there.z, here.z), _chosen(accepted, windows.cells)
    realizations: list[Any] = [there.predictions.realization, here.predictions.realization]
    empty = isinstance(realizations[1], tuple)
    realization = () if empty else jnp.where(_over(cells, realizations[1]), *realizations)
    probability = jnp.where(jnp.isnan(log_ratios), 0.0, jnp.exp(jnp.minimum(log_ratios, 0.0)))
    telling = _holding(windows, most)
    decided = jnp.sum(telling)
    mean = jnp.where(decided > 0, jnp.sum(jnp.where(telling, probability, 0.0)) / jnp.maximum(decided, 1), 1.0)
    return Population(z, data._replace(realization=realization)), Decision(accepted, mean, decided)


def _with_window(number: Array, now: Predictions, then: Predictions, windows: Windows) -> Predictions:
    """The predictions if one more window is renewed."""

    def chosen(new: tuple[Array, ...], old: tuple[Array, ...]) -> tuple[Array, ...]:
        if not old:
            return old
        return tuple(jnp.where(d == number, n, o) for d, n, o in zip(windows.data, new, old, strict=True))

    return now._replace(soft=chosen(then.soft, now.soft), exact=chosen(then.exact, now.exact))


def _chosen(accepted: Bool[Array, "window"], numbers: Array) -> Bool[Array, "..."]:
    """Where the windows of these numbers are accepted."""
    return (numbers >= 0) & accepted[jnp.maximum(numbers, 0)]


def _holding(windows: Windows, most: int) -> Bool[Array, "window"]:
    """Windows that have latents and can change data."""
    held = jnp.zeros(most, bool).at[jnp.maximum(windows.latents, 0)].max(windows.latents >= 0)
    telling = jnp.zeros(most, bool)
    for data in windows.data:
        telling = telling.at[jnp.maximum(data, 0)].max(data >= 0)
    return held & telling


def _over(cells: Bool[Array, "*grid"], realization: Array) -> Bool[Array, "..."]:
    """The cells, for realizations with perhaps several numbers in each."""
    return cells.reshape(*cells.shape, *(1,) * (realization.ndim - cells.ndim))
