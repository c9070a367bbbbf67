"""The first level's choice: from more draws of the prior than there are particles.

A field costs a particle a small part of what a level costs. From m times as many draws of the prior as particles,
importance weights reach further at the same effective sample size, and the particles that are chosen are independent.
The usual m, whose draws cost a quarter of a level, saved one or two levels of thirteen
(``docs/explanation/samplers.md``).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from latentinv.errors import InputError
from latentinv.inference.moves import Population
from latentinv.keys import numbered
from latentinv.posterior import Posterior

GRADIENT = 2.5
"""Cost of a gradient, in fields."""
SHARE = 0.25
"""Cost of the usual draws, in levels."""
MOST_BYTES = 2**27
"""Most memory of all draws together, where their number is not stated."""


def check_first_draws(first_draws: int, particles: int) -> None:
    """Raise `InputError` if there are to be fewer draws than particles."""
    if 0 < first_draws < particles:
        raise InputError(
            f"The settings are first_draws = {first_draws} and particles = {particles}; expected as many first draws "
            "as particles or more, or 0 for the usual number."
        )


def usual_first_draws(gradients: int, forward_runs: int, population: Population) -> int:
    """How many draws of the prior the first level chooses from, if that is not stated: whole populations.

    Parameters
    ----------
    gradients, forward_runs
        Of a level, of all particles.
    population
        Of as many particles as the algorithm keeps.
    """
    particles, size = len(population.z), sum(leaf.nbytes for leaf in jax.tree.leaves(population))
    affordable = round(SHARE * (GRADIENT * gradients + forward_runs) / particles)
    return particles * max(1, min(affordable, MOST_BYTES // size))


def enlarged(
    posterior: Posterior, key: Array, first: Population, predict: Callable[[Posterior, Array], Any], count: int
) -> Population:
    """A population of draws of the prior and further ones, `count` or a few more in all.

    Parameters
    ----------
    posterior, key
        What is sampled, and a random key.
    first
        The population.
    predict
        Predictions of as many latents.
    count
        Draws.
    """
    shape = first.z.shape
    latents = [jax.random.normal(numbered(key, n), shape) for n in range(1, -(-count // len(first.z)))]
    populations = [first, *(Population(z, predict(posterior, z)) for z in latents)]
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *populations)
