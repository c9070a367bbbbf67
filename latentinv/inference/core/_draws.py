"""What is made of draws: fields, realizations and predictions, by one compiled program.

Latents are generated in batches of one size, the last one filled up, so that a draw comes out the same, bit for bit, in
whatever company it is generated; another program may round a field value at a threshold to its other side.
"""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Shaped

from latentinv.posterior import Posterior, Predictions

from ._outside import fields_at_once, filled_up, outside


class Drawn(NamedTuple):
    """What is generated from the latents of draws."""

    fields: Float[np.ndarray, "draw *grid"]
    realizations: Shaped[np.ndarray, "draw *grid"]
    """Facies codes; field values for a prior of a continuous property."""
    predictions: Predictions
    possible: Bool[np.ndarray, "draw"]
    """Whether the exact likelihood leaves a draw possible."""


def generated(posterior: Posterior, latents: Float[np.ndarray, "draw latent"]) -> Iterator[Drawn]:
    """Generate draws batch by batch; one batch without rows if there are no draws."""
    one_batch, size = _generator(posterior)
    for begin in range(0, max(1, len(latents)), size):
        yield one_batch(np.asarray(latents[begin : begin + size]))


def realize(posterior: Posterior, latents: Float[np.ndarray, "draw latent"]) -> Shaped[np.ndarray, "draw *grid"]:
    """Generate the fields of latents, as facies codes where the prior has facies."""
    return np.concatenate([batch.realizations for batch in generated(posterior, latents)])


def draw_tables(
    posterior: Posterior, latents: Float[np.ndarray, "draw latent"], *, together: int, check: bool
) -> tuple[dict[str, np.ndarray], int]:
    """Make the tables of draws that a run keeps.

    Parameters
    ----------
    posterior
        Whose draws they are.
    latents
        The draws.
    together
        So many neighbours are kept or dropped together: the chains' draws of one moment.
    check
        Whether to drop draws that the exact likelihood excludes: a field value at a threshold may have rounded to its
        other side here. Draws that a simulator outside JAX cannot predict, which only an approximation gives, are
        dropped in any case.

    Returns
    -------
    Tables by name, ``[draw, …]``: ``latents``, ``facies`` or ``field``, and ``predicted NAME`` of the exact predictions
    for each observation; and how many draws were dropped.
    """
    batches = [(batch.realizations, batch.predictions.exact, batch.possible) for batch in generated(posterior, latents)]
    realizations, exact, possible = jax.tree.map(lambda *parts: np.concatenate(parts), *batches)
    good = possible if check else np.ones(len(latents), bool)
    if posterior.external:
        good = good & np.all([np.isfinite(table).all(axis=1) for table in exact], axis=0)
    kept = np.repeat(good.reshape(-1, together).all(axis=1), together)
    tables = {"latents": np.asarray(latents), realization_name(posterior): realizations}
    tables |= {predicted_name(o.name): table for o, table in zip(posterior.observations, exact, strict=True)}
    return {name: table[kept] for name, table in tables.items()}, int(np.sum(~kept))


def realization_name(posterior: Posterior) -> str:
    """Under which name realizations are stored."""
    return "field" if posterior.prior.facies_model is None else "facies"


def predicted_name(observation: str) -> str:
    """Under which name an observation's exact predictions are stored."""
    return f"predicted {observation}"


@functools.lru_cache(maxsize=4)
def _generator(posterior: Posterior) -> tuple[Callable[[np.ndarray], Drawn], int]:
    """The map from at most a batch of latents to all that is made of them, compiled once for all seeds; its size."""
    size = fields_at_once(posterior)
    if posterior.external:
        possible = posterior.jit(
            jax.vmap(lambda predictions: jnp.isfinite(posterior.exact_log_likelihood(predictions)))
        )

        def simulated(latents: np.ndarray) -> Drawn:
            made = outside(posterior).evaluate(latents)
            return Drawn(*made, np.asarray(possible(made.predictions)))

        return simulated, size

    def one(z: jax.Array) -> Drawn:
        field = posterior.field(z)
        realization = posterior.prior.realization(field)
        predictions = posterior.predict_field(field)
        return Drawn(field, realization, predictions, jnp.isfinite(posterior.exact_log_likelihood(predictions)))  # type: ignore[arg-type]

    program = posterior.jit(jax.vmap(one))
    return lambda latents: filled_up(program, latents, size), size
