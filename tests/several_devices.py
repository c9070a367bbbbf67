"""What is computed on four virtual devices of a CPU and on one of them, for the tests of `latentinv.devices`.

Run as a program, which gets its own devices; it writes pairs of results, of samplers or of single evaluations, into the
file that it is given.
"""

import contextlib
import sys

import jax
import jax.numpy as jnp
import numpy as np

from latentinv import ESMDA, Grid, ParallelTempering, PreconditionedCrankNicolson, TemperedSMC, sample
from latentinv.devices import compiled, device_count, one_device
from latentinv.inference.core import evaluate
from latentinv.inference.moves import linearise
from latentinv.posterior import map_batched
from tests.problems import generator_posterior, linear_gaussian, random_generator_prior

FEW = {"warmup": 8, "thinning": 2, "draws_per_step": 3, "draws": 9, "chains": 3}
SAMPLERS = {
    "smc": TemperedSMC(particles=6, moves=1, leapfrogs=2, local_moves=2, final_rounds=1),
    "es_mda": ESMDA(members=10, assimilations=2),
    "pcn": PreconditionedCrankNicolson(**FEW),
    "parallel_tempering": ParallelTempering(**(FEW | {"rungs": 3})),
}


def drawn():
    """Draws of all samplers, on the devices in use."""
    posterior, *_ = linear_gaussian(latents=5, data=6)
    return {name: sample(posterior, settings, seed=3).latents for name, settings in SAMPLERS.items()}


def computed():
    """Single results by name, on the devices in use."""
    found, rng = {"devices": np.asarray(device_count())}, np.random.default_rng(1)
    posterior = generator_posterior(target="soft")
    latents = rng.standard_normal((7, posterior.latent_size)).astype(np.float32)
    program = compiled(
        lambda posterior, z: map_batched(jax.value_and_grad(posterior.soft_log_density), z, batch_size=1)
    )
    found["density"], found["gradient"] = program(posterior, latents)
    found["realization"] = evaluate(posterior, latents).predictions.realization
    gaussian, *_ = linear_gaussian(latents=5, data=6)
    found["jacobian"] = jax.jit(linearise)(gaussian, jnp.ones(5)).scaled_jacobian
    prior, grid = random_generator_prior(), Grid((40, 56))
    z = rng.standard_normal(prior.latent_size(grid)).astype(np.float32)
    found["tiles"] = np.zeros(grid.shape, np.float32)
    for place, tile in prior.tiles(z, grid, tile=16):
        found["tiles"][place] = tile
    return {name: np.asarray(value) for name, value in found.items()}


if __name__ == "__main__":
    both = {}
    for devices, context in (("all", contextlib.nullcontext()), ("one", one_device())):
        with context:
            found = drawn() if sys.argv[2] == "samplers" else computed()
            both |= {f"{devices} {name}": value for name, value in found.items()}
    np.savez(sys.argv[1], **both)
