"""Fields, realizations and predictions of many latents, in batches by one compiled program.

Batches have one size, the last one filled up, so that a latent vector gives the same field, bit for bit, whatever else
is in its batch when it is evaluated; devices share it. Where a simulator runs outside JAX, fields and properties are
made in JAX, and all simulations are handed to it at once. Cost: the fields of all latents of a batch at once in memory,
of a simulator those of all.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Shaped

from latentinv.devices import compiled, device_count
from latentinv.posterior import Posterior, Predictions, map_batched

from ._algorithm import Draws

BATCH_FIELDS, BATCH_CELLS = 16, 2**22
"""Most fields generated at once on a device, and most cells of all of them if there is more than one."""


def predict_all(posterior: Posterior, z: Float[Array, "draw latent"]) -> Predictions:
    """Predict all data of all latents, as the state of an algorithm keeps them.

    Within a program simulators are callbacks.
    """
    if isinstance(z, jax.core.Tracer):
        return jax.vmap(posterior.predict)(z)
    return jax.device_put(evaluate(posterior, np.asarray(z)).predictions)


def evaluate(posterior: Posterior, latents: Float[np.ndarray, "draw latent"]) -> Draws:
    """Predict all data of all latents, on the host."""
    predictions = (
        _simulated(posterior, np.asarray(latents))
        if posterior.external
        else _joined(_batches(posterior, np.asarray(latents), _predict_batch))
    )
    return Draws(jax.device_put(latents), predictions)


def realize(posterior: Posterior, latents: Float[np.ndarray, "draw latent"]) -> Shaped[np.ndarray, "draw *grid"]:
    """Generate the fields of latents, as facies codes where the prior has facies."""
    return _joined(_batches(posterior, np.asarray(latents), _realize_batch))


def generate_all(posterior: Posterior, latents: Float[np.ndarray, "draw latent"]) -> Float[np.ndarray, "draw *grid"]:
    """Generate the fields of latents, as the prior gives them."""
    return _joined(_batches(posterior, np.asarray(latents), _generate_batch))


def _simulated(posterior: Posterior, latents: Float[np.ndarray, "draw latent"]) -> Predictions:
    """Predictions where simulators outside JAX predict some of the data."""
    realizations, readings = _joined(_batches(posterior, latents, _prepare_batch))
    both: list[tuple[Any, Any]] = [
        _simulate(observation.simulator, reading) if observation.simulator is not None else reading
        for observation, reading in zip(posterior.observations, readings, strict=True)
    ]
    return Predictions(tuple(soft for soft, _ in both), tuple(exact for _, exact in both), realizations)


def _joined(parts: Iterator[Any]) -> Any:
    return jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)


def _batches(
    posterior: Posterior, latents: Float[np.ndarray, "draw latent"], program: Callable[[Posterior, Any], Any]
) -> Iterator[Any]:
    """Results of a program for each batch; for one batch without rows if there are no latents."""
    size = device_count() * max(1, min(BATCH_FIELDS, BATCH_CELLS // posterior.grid.size))
    for begin in range(0, max(1, len(latents)), size):
        some = latents[begin : begin + size]
        filled = np.concatenate([some, np.zeros((size - len(some), *some.shape[1:]), some.dtype)])
        whole = program(posterior, filled)
        yield _first_rows(whole, len(some))


def _first_rows(tables: Any, count: int) -> Any:
    return jax.tree.map(lambda table: np.asarray(table)[:count], tables)


@compiled
def _predict_batch(posterior: Posterior, latents: Float[Array, "draw latent"]) -> Predictions:
    return map_batched(posterior.predict, latents)


@compiled
def _realize_batch(posterior: Posterior, latents: Float[Array, "draw latent"]) -> Shaped[Array, "draw *grid"]:
    return map_batched(lambda z: posterior.prior.realization(posterior.field(z)), latents)


@compiled
def _generate_batch(posterior: Posterior, latents: Float[Array, "draw latent"]) -> Float[Array, "draw *grid"]:
    return map_batched(posterior.field, latents)


@compiled
def _prepare_batch(posterior: Posterior, latents: Float[Array, "draw latent"]) -> tuple[Array, tuple[Any, ...]]:
    """Realizations, and for each observation predictions or the properties to simulate."""

    def one(z: Float[Array, "latent"]) -> tuple[Array, tuple[Any, ...]]:
        field = jax.lax.optimization_barrier(posterior.field(z))
        readings = tuple(
            observation.predict_both(field) if observation.simulator is None else observation.readings(field)
            for observation in posterior.observations
        )
        return posterior.prior.realization(field), readings

    return map_batched(one, latents)


def _simulate(simulator: Any, readings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of properties read softly and exactly, or of one reading that stands for both."""
    draws, count = readings.shape[:2]
    properties = readings.reshape(draws * count, *simulator.grid.shape)
    data = simulator.evaluate(properties).reshape(draws, count, simulator.count)
    return data[:, 0], data[:, -1]
