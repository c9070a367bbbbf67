"""What only a GPU can tell, in one script of a few minutes: whether results are right there, and how fast they come.

Right: single cells come out where they lie (layout); tiles equal the whole field; a generated field, the heads of the
flow solver and both gradients equal those of this machine's CPU to float32 rounding; a run that is stopped and resumed
ends with the same draws, bit for bit. Fast: the generator's floating-point operations a second, counted by XLA, over
those of a large matrix product of the same precision; posterior draws a second of tempered SMC given wells, by
programs that are compiled already; seconds of compilation; peak memory of the device (of the process on a CPU).

Each part is printed as it finishes, so that a run that is cut still tells something. On a CPU the same parts are done
on small sizes. All devices are used where there are several.

Run ``python -m benchmarks.device``; nothing else should run on the machine meanwhile.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks._rates import matrix_product, operations
from benchmarks._report import last_line, run, say, show
from latentinv import Grid, HardData, Posterior, TemperedSMC, load_prior, resume, sample
from latentinv.forward import Aquifer, SteadyFlow
from latentinv.inference import Progress
from latentinv.priors import AbstractPrior

CONDUCTIVITIES = 1e-4, 1e-2
"""m/s, of clay and sand."""


class Sizes(NamedTuple):
    """Sizes of the parts."""

    cells: int
    """Edge of the fields."""
    fields: int
    """Of a batch of the generator."""
    matrix: int
    """Edge of the matrix product."""
    posterior: int
    """Edge of the posterior's grid."""
    wells: int
    settings: TemperedSMC


QUICK = TemperedSMC(particles=8, moves=1, leapfrogs=3, local_moves=2, probes=1, final_rounds=1)
SMALL = Sizes(96, 2, 1024, 24, 4, QUICK)
LARGE = Sizes(512, 16, 8192, 96, 25, TemperedSMC(particles=64))


def layout(sizes: Sizes) -> dict[str, Any]:
    """Whether wells read the one cell that differs from all others, each in its turn."""
    del sizes
    prior, grid = load_prior("meanders"), Grid((5, 7))
    read, right = jax.jit(lambda wells, field: wells.predict_exact(field)), 0
    for row, column in ((0, 0), (0, 6), (4, 0), (2, 5)):
        wells = HardData(grid, grid.centres(np.array([[row, column]])), [1], prior.facies_model)  # type: ignore[arg-type]
        for number in range(grid.size):
            field = jnp.full(grid.size, -1.0).at[number].set(1.0).reshape(grid.shape)
            met = bool(read(wells, field)[0] == 1)
            right += met == (number == row * 7 + column)
    return {"layout": right == 4 * grid.size}


def tiles(sizes: Sizes) -> dict[str, Any]:
    """Largest difference between a field made in tiles and made whole, in units of the field."""
    prior, grid = load_prior("meanders"), Grid((sizes.cells, sizes.cells))
    z = latents(prior, grid)
    whole = np.asarray(jax.jit(prior.generate, static_argnums=1)(jnp.asarray(z), grid))
    parts = prior.tiles(z, grid, sizes.cells // 4)
    return {"tile_max_difference": float(max(np.abs(part - whole[place]).max() for place, part in parts))}


def precision(sizes: Sizes) -> dict[str, Any]:
    """Largest differences from the CPU of a field, of heads and of both gradients, over the largest number of each."""
    prior, grid = load_prior("meanders"), Grid((sizes.posterior, sizes.posterior))
    z, rng = latents(prior, grid), np.random.default_rng(5)
    flow = SteadyFlow(aquifer(grid), grid.centres(rng.integers(1, sizes.posterior - 1, (9, 2))))
    low, high = np.log(CONDUCTIVITIES)

    def field_sum(prior: AbstractPrior, z: jax.Array) -> jax.Array:
        return 0.5 * jnp.sum(prior.generate(z, grid) ** 2)

    def heads(prior: AbstractPrior, z: jax.Array) -> jax.Array:
        share = jax.nn.sigmoid(4 * prior.generate(z, grid))
        return flow.predict(jnp.exp(low + (high - low) * share))

    jobs: dict[str, Callable[[AbstractPrior, jax.Array], jax.Array]] = {
        "generator": lambda prior, z: prior.generate(z, grid),
        "generator_gradient": jax.grad(field_sum, argnums=1),
        "flow": heads,
        "flow_gradient": jax.grad(lambda prior, z: jnp.sum(heads(prior, z) ** 2), argnums=1),
    }
    figures = {}
    for name, job in jobs.items():
        there, here = (np.asarray(jax.jit(job)(*placed(prior, z, device))) for device in (None, jax.devices("cpu")[0]))
        figures[f"{name}_difference"] = float(np.abs(there - here).max() / np.abs(here).max())
    return figures


def rate(sizes: Sizes) -> dict[str, Any]:
    """Floating-point operations a second of the generator and of a matrix product; seconds of compilation."""
    prior, grid = load_prior("meanders"), Grid((sizes.cells, sizes.cells))
    z = jnp.asarray(np.stack([latents(prior, grid, seed) for seed in range(sizes.fields)]))
    begun = time.perf_counter()
    lowered = jax.jit(lambda prior, z: jax.vmap(lambda one: prior.generate(one, grid))(z)).lower(prior, z)
    program = lowered.compile()
    compiled, took = time.perf_counter() - begun, seconds(lambda: program(prior, z))
    generator = operations(lowered) / took
    product, counted = matrix_product(sizes.matrix)
    matrix = counted / seconds(product)
    return {
        "generator_gflops": generator / 1e9,
        "matrix_gflops": matrix / 1e9,
        "generator_share": generator / matrix,
        "generator_fields_per_second": sizes.fields / took,
        "generator_compile_seconds": compiled,
    }


def draws(sizes: Sizes) -> dict[str, Any]:
    """Posterior draws a second given wells, with and without compilation; wells honoured."""
    posterior, seconds_of = wells_posterior(sizes), []
    for seed in (1, 2):
        begun = time.perf_counter()
        found = sample(posterior, sizes.settings, seed=seed)
        seconds_of.append(time.perf_counter() - begun)
    kept = len(found.latents)
    honoured = np.mean(found.predicted["wells"]) if kept else float("nan")
    return {
        "draws_per_second": kept / seconds_of[1],
        "draws_per_second_with_compilation": kept / seconds_of[0],
        "wells_honoured": float(honoured),
    }


class _StopAfter:
    """Stops a run after a step."""

    def on_step(self, step: int, progress: Progress) -> None:
        """Stop the run after its second step."""
        del progress
        if step == 2:
            raise KeyboardInterrupt


def resumed(sizes: Sizes) -> dict[str, Any]:
    """Whether a run that was stopped after its second step ends with the draws of one that was not."""
    posterior = wells_posterior(sizes._replace(posterior=24, wells=4))
    whole = sample(posterior, QUICK, seed=3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.h5"
        try:
            sample(posterior, QUICK, seed=3, output=path, listener=_StopAfter())
        except KeyboardInterrupt:
            other = resume(path)
    return {"resumed_bit_for_bit": whole.latents.tobytes() == other.latents.tobytes()}


def memory(sizes: Sizes) -> dict[str, Any]:
    """Most memory in use so far, in 10⁶ bytes: of the first device, or of the process if the device does not tell."""
    del sizes
    stats = jax.local_devices()[0].memory_stats() or {}
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"peak_mb": stats.get("peak_bytes_in_use", own) / 1e6}


def aquifer(grid: Grid) -> Aquifer:
    """Heads of 10 and 9 m at the ends along x, and a well in the middle."""
    heads, sources = np.full(grid.shape, np.nan), np.zeros(grid.shape)
    heads[:, 0], heads[:, -1] = 10.0, 9.0
    sources[grid.shape[0] // 2, grid.shape[1] // 2] = -1e-3
    return Aquifer(grid, heads, sources)


def wells_posterior(sizes: Sizes) -> Posterior:
    """The shipped prior given wells at random cells of one of its draws."""
    prior, grid = load_prior("meanders"), Grid((sizes.posterior, sizes.posterior))
    model, rng = prior.facies_model, np.random.default_rng(6)
    assert model is not None
    facies = np.asarray(prior.facies(prior.generate(jnp.asarray(latents(prior, grid, 7)), grid)))
    cells = np.stack(np.unravel_index(rng.choice(grid.size, sizes.wells, replace=False), grid.shape), axis=1)
    return Posterior(prior, grid, [HardData(grid, grid.centres(cells), facies[tuple(cells.T)], model)])


def latents(prior: AbstractPrior, grid: Grid, seed: int = 4) -> np.ndarray:
    """Latents that are the same on every device."""
    return np.random.default_rng(seed).standard_normal(prior.latent_size(grid)).astype(np.float32)


def placed(prior: AbstractPrior, z: np.ndarray, device: Any) -> Any:
    """A prior and latents on a device; the default one if none is given."""
    return jax.device_put((prior, jnp.asarray(z)), device)


def seconds(call: Callable[[], Any], repetitions: int = 5) -> float:
    """Median seconds of a call, after one that warms up."""
    jax.block_until_ready(call())
    took = []
    for _ in range(repetitions):
        begun = time.perf_counter()
        jax.block_until_ready(call())
        took.append(time.perf_counter() - begun)
    return float(np.median(took))


PARTS = {
    "layout": layout,
    "tiles": tiles,
    "precision": precision,
    "resume": resumed,
    "rate": rate,
    "draws": draws,
    "memory": memory,
}


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do all parts."""
    begun, device = time.monotonic(), jax.devices()[0]
    small = device.platform == "cpu" if arguments.size is None else arguments.size == "small"
    figures: dict[str, Any] = {
        "device": device.device_kind,
        "platform": device.platform,
        "devices": jax.device_count(),
        "size": "small" if small else "large",
    }
    for name, part in PARTS.items():
        found = part(SMALL if small else LARGE)
        say(f"{name}, after {time.monotonic() - begun:.0f} s: {last_line(found)}")
        figures |= found
    figures["all_seconds"] = time.monotonic() - begun
    show(f"{jax.device_count()} × {device.device_kind}", figures)
    return figures


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description="Check and measure a device.")
    parser.add_argument("--size", choices=("small", "large"), help="sizes of the parts; small on a CPU if omitted")
    return parser.parse_args(words)


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
