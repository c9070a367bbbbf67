"""Starting points of Markov chains: likely draws of the prior, moved to where the target has some probability.

Each chain starts at one of `CANDIDATES` draws of the prior of its own, taken with a probability in proportion to the
soft likelihood (sampling importance resampling, Rubin 1988). So starts are as far apart as the data allow, and few lie
where the posterior is next to zero and yet a chain without help would stay, such as a field of one facies.

Where data are many, none of these honours all wells, and a chain that starts where the likelihood is zero would wander
blindly. Such a start is moved to a nearby field that meets the data: Adam (Kingma and Ba 2014, arXiv:1412.6980)
minimises

    ½‖z − z₀‖² − log p(d | z; t)

from the prior's draw z₀, in rounds of growing inverse temperature t, until the exact likelihood no longer excludes it.
Staying near a separate draw keeps the starts apart and their norm like that of draws (as randomised maximum likelihood
does, Oliver et al. 1996). Warm-up does the rest. Cost: `CANDIDATES` fields per chain, and `ITERATIONS` gradients a
chain and round.
"""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from latentinv.inference.moves import TemperedLikelihood
from latentinv.keys import named
from latentinv.posterior import Posterior, log_prior, map_batched
from latentinv.pytrees import Count

ITERATIONS, ROUNDS, LEARNING_RATE = 60, 12, 0.05
CANDIDATES = 32
SHARPENING = 1.4
"""Growth of the inverse temperature from round to round; the last round is at 40."""


def likely_draws(posterior: Posterior, key: Array, shape: tuple[int, int]) -> Float[Array, "chain latent"]:
    """Draw candidates for each chain from the prior, and choose one for each chain by its likelihood."""
    (chains, candidates), (key_draws, key_choice) = shape, named(key, "draws", "choice")
    z = jax.random.normal(key_draws, (*shape, posterior.latent_size))
    if candidates == 1:
        return z[:, 0]

    def log_likelihood(z: Array) -> Array:
        found = posterior.tempered_log_likelihood(posterior.predict_soft(z), 1.0)
        return jnp.where(jnp.isnan(found), -jnp.inf, found)

    likelihoods = map_batched(log_likelihood, z.reshape(-1, posterior.latent_size), chains).reshape(shape)
    return z[jnp.arange(chains), jax.random.categorical(key_choice, likelihoods)]


def approach(
    likelihood: TemperedLikelihood, z: Float[Array, "latent"], anchor: Float[Array, "latent"], t: Array
) -> Float[Array, "latent"]:
    """Do one round from `z` towards the data, near `anchor`."""
    posterior, adam = likelihood.posterior, optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, ITERATIONS))

    def loss(z: Array) -> Array:
        return -log_prior(z - anchor) - posterior.tempered_log_likelihood(posterior.predict_soft(z), t)

    def iterate(_: int, carry: tuple[Array, optax.OptState]) -> tuple[Array, optax.OptState]:
        z, memory = carry
        update, memory = adam.update(jax.grad(loss)(z), memory)
        return optax.apply_updates(z, update), memory

    return jax.lax.fori_loop(0, ITERATIONS, iterate, (z, adam.init(z)))[0]


def search_starts(
    likelihood: TemperedLikelihood,
    z: Float[Array, "chain latent"],
    anchors: Float[Array, "chain latent"],
    settled: Bool[Array, "chain"],
    number: Count,
) -> Float[Array, "chain latent"]:
    """Do the round of this number, from 0, for all chains that still need it.

    Data whose simulator has no gradients do not guide it; they exclude only failed simulations.
    """
    likelihood = likelihood._replace(posterior=likelihood.posterior.differentiable_part())
    t = SHARPENING ** number.astype(jnp.float32)
    nearer = map_batched(lambda pair: approach(likelihood, pair[0], pair[1], t), (z, anchors))
    keep = settled | ~jnp.isfinite(nearer).all(axis=1)
    return jnp.where(keep[:, None], z, nearer)


def adopt(possible: Bool[Array, "chain"]) -> Array:
    """For each chain the one whose place it takes: its own if it is possible, else a possible one, in turn.

    At least one must be possible.
    """
    order = jnp.argsort(~possible, stable=True)
    return jnp.where(possible, jnp.arange(possible.size), order[jnp.arange(possible.size) % possible.sum()])
