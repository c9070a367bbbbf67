"""A look at a user's functions before a run: whether they give numbers, and gradients, where the prior draws fields."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from latentinv.data.core import AbstractObservation
from latentinv.errors import NonFiniteError
from latentinv.keys import from_seed
from latentinv.posterior import Posterior

TRIED = 8
"""Draws of the prior on which functions are tried."""
MOST_LOST = 0.5
"""Share of finite predictions that may have no finite gradient."""


def check_user_functions(posterior: Posterior) -> None:
    """Try the forward functions that users wrote on a few draws of the prior.

    The same for all algorithms, since those that need no gradients may still use them to find a start. Cost: one
    compiled program for each function.

    Raises
    ------
    NonFiniteError
        If a function gives no finite predictions, or more than half of its gradients are not finite.
    """
    latents = jax.random.normal(from_seed(0, "try user functions"), (TRIED, posterior.latent_size))
    for observation in posterior.observations:
        if observation.from_function:
            _check(posterior, observation, latents)


def _check(posterior: Posterior, observation: AbstractObservation, latents: Float[Array, "draw latent"]) -> None:
    def try_one(z: Float[Array, "latent"]) -> tuple[Bool[Array, ""], Bool[Array, ""]]:
        if not observation.has_gradient:
            return jnp.isfinite(observation.predict(posterior.field(z))).all(), jnp.bool_(True)
        predicted, back = jax.vjp(lambda z: observation.predict(posterior.field(z)), z)
        (slope,) = back(jnp.ones_like(predicted))
        return jnp.isfinite(predicted).all(), jnp.isfinite(slope).all()

    numbers, slopes = map(np.asarray, jax.jit(jax.vmap(try_one))(latents))
    if not numbers.any():
        raise NonFiniteError(
            f"The forward function of '{observation.name}' gives NaN or infinite predictions for all of {TRIED} draws "
            "of the prior; it must give finite numbers for the properties that the prior can have."
        )
    lost = int(np.sum(numbers & ~slopes))
    if lost > MOST_LOST * numbers.sum():
        raise NonFiniteError(
            f"The forward function of '{observation.name}' has NaN or infinite gradients for {lost} of {numbers.sum()} "
            "draws of the prior where its predictions are finite; mend them (jnp.where passes on NaN from the branch "
            "that is not taken), or use it without gradients: FunctionForward(function, grid, has_gradient=False)."
        )
