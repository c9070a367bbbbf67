"""A walk from one draw of a posterior to another whose fields all fit the data.

The way goes along the great circle (`interpolate`), where norms are those of draws, but fields between two draws that
fit the data need not fit them. Points that fit less well than both ends are moved to the nearest field that does, as
starts of chains are (`_chain_start.py`): by Adam from the great circle, in rounds of growing inverse temperature, until
the target gives them the likelihood of the worse end, less `SLACK`; of certain wells, until all are honoured. The
points in between show how one field can turn into the other; they are no draws. Cost: `ITERATIONS` gradients a point
and round.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from latentinv.devices import compiled
from latentinv.errors import InputError
from latentinv.inference.moves import TemperedLikelihood
from latentinv.posterior import Posterior, map_batched
from latentinv.priors import interpolate

from ._chain_start import ROUNDS, search_starts

SLACK = 3.0
"""Log-likelihood by which a point may fit less well than the worse end; draws of one posterior differ by more."""


class Walk(NamedTuple):
    """A way between two draws."""

    latents: Float[np.ndarray, "step latent"]
    fits: Bool[np.ndarray, "step"]
    """Which points fit the data as well as the ends."""
    moved: int
    """How many points had to leave the great circle."""


def walk_between(
    posterior: Posterior, z_start: Float[Array, "latent"], z_end: Float[Array, "latent"], steps: int
) -> Walk:
    """Walk from one draw of a posterior to another.

    Parameters
    ----------
    posterior
        The posterior, whose forward models run inside JAX.
    z_start, z_end
        Two draws: the first and the last step.
    steps
        Number of fields on the way, both ends counted.

    Raises
    ------
    InputError
        If a simulator outside JAX predicts data, there are fewer than two steps, the ends are no two draws, or one has
        no likelihood.
    """
    if posterior.external:
        raise InputError("A walk between draws needs forward models inside JAX, and a simulator predicts some data.")
    path = interpolate(z_start, z_end, steps)
    ends = np.asarray(_log_likelihoods(posterior, path[np.array([0, -1])]))
    if not np.isfinite(ends).all():
        raise InputError("One end of the walk does not fit the data; give two draws of this posterior.")
    least = ends.min() - SLACK
    anchors = z = path[1:-1]
    if not len(z):
        return Walk(np.asarray(path), np.ones(len(path), bool), 0)
    settled = first = np.asarray(_log_likelihoods(posterior, z)) >= least
    for number in range(ROUNDS):
        if settled.all():
            break
        z = _search(posterior, z, anchors, jnp.asarray(settled), jnp.int32(number))
        settled = np.asarray(_log_likelihoods(posterior, z)) >= least
    latents = np.concatenate([np.asarray(part) for part in (path[:1], z, path[-1:])])
    return Walk(latents, np.concatenate([[True], settled, [True]]), int(np.sum(~first)))


@compiled
def _search(posterior: Posterior, z: Array, anchors: Array, settled: Array, number: Array) -> Array:
    return search_starts(TemperedLikelihood(posterior), z, anchors, settled, number)


@compiled
def _log_likelihoods(posterior: Posterior, z: Float[Array, "step latent"]) -> Float[Array, "step"]:
    return map_batched(posterior.log_likelihood, z, 1)
