"""Tables of draws, by the names under which a run file stores them.

``latents``; ``facies``, or ``field`` for a continuous property; for each observation ``predicted NAME``, its exact
predictions, and ``log_likelihood NAME``, what it adds to the log-likelihood under the target. All of it is as the
algorithm had it when it accepted the draw.
"""

import jax
import jax.numpy as jnp
import numpy as np

from latentinv.posterior import Posterior, Predictions, each
from latentinv.storage import predicted_name as predicted_name

from ._algorithm import Draws


def draw_tables(posterior: Posterior, draws: Draws) -> dict[str, np.ndarray]:
    """Make the tables that a run keeps of draws."""
    parts = _log_likelihoods(posterior, draws.predictions) if len(draws.z) else ()
    tables = {"latents": draws.z, realization_name(posterior): draws.predictions.realization}
    exact = zip(posterior.observations, draws.predictions.exact, strict=True)
    tables |= {predicted_name(o.name): np.minimum(np.asarray(t), 1) if o.hard else t for o, t in exact}
    empty = (np.zeros(0, np.float32) for _ in posterior.observations)
    values = parts or tuple(empty)
    tables |= {likelihood_name(o.name): part for o, part in zip(posterior.observations, values, strict=True)}
    return {name: np.asarray(table) for name, table in tables.items()}


def realization_name(posterior: Posterior) -> str:
    """Name of the table of realizations."""
    return "field" if posterior.prior.facies_model is None else "facies"


def likelihood_name(observation: str) -> str:
    """Name of the table of an observation's part of the log-likelihood."""
    return f"log_likelihood {observation}"


def no_draws(posterior: Posterior) -> Draws:
    """Empty tables of the right shapes; the number of data of a missing forward model is unknown."""
    z = jax.ShapeDtypeStruct((posterior.latent_size,), jnp.float32)
    field = jax.eval_shape(lambda p, z: p.prior.realization(p.field(z)), posterior, z)
    exact = tuple(np.zeros((0, observation.count), np.float32) for observation in posterior.observations)
    empty = np.zeros((0, *field.shape), field.dtype)
    return Draws(np.zeros((0, posterior.latent_size), np.float32), Predictions(exact, exact, empty))  # type: ignore[arg-type]


@jax.jit
def _log_likelihoods(posterior: Posterior, predictions: Predictions) -> tuple[jax.Array, ...]:
    return each(posterior.log_likelihood_parts, predictions, len(predictions.realization))  # type: ignore[return-value, arg-type]
