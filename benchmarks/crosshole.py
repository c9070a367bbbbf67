"""Crosshole radar in channels: whether optimisations explain the data, and what the posterior knows.

Geometry and noise are those of Laloy et al. (2019, doi:10.1016/j.cageo.2019.104333): 24 sources and 24 receivers beside
125×60 cells of 0.1 m, straight rays, 0.08 m/ns in clay and 0.06 in sand, noise of 1 ns. Three parts:

1. *Operator.* Our lengths of rays in cells, times the published truth flattened along its columns, against the
   published times without noise (which were made so, by mistake), on rays that do not run along the faces of cells.
2. *Starts.* Ten truths drawn from the shipped channel prior, whose times are those of their thresholded facies plus the
   published noise; from ten starts each `MultistartMAP` seeks latents within 1 000 gradients. A start succeeds if the
   times of its thresholded facies miss the data by 1.02 ns rms or less, as published.
3. *Shipped truth*, which comes from another generator and which our prior need not contain: draws of the posterior by
   `TemperedSMC`, twice, so that R-hat compares two runs that know nothing of each other.

Run ``python -m benchmarks.crosshole [--parts operator,starts,shipped] [--truths 10] [--starts 10]``.
"""

import argparse
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks._data import crosshole_case
from benchmarks._fields import facies_model
from benchmarks._report import Steps, run, say, show
from latentinv import (
    FaciesProperty,
    Grid,
    IndirectData,
    MultistartMAP,
    Posterior,
    TemperedSMC,
    diagnose,
    load_prior,
    sample,
)
from latentinv.forward import StraightRays, ray_lengths
from latentinv.priors import AbstractPrior

GRID = Grid((125, 60), 0.1, axes="xz", z_axis="depth")
VELOCITIES = (0.08, 0.06)
"""Of clay and sand, m/ns."""
NOISE_NS = 1.0
SLOPE = 120.0
"""Of the soft reading of facies: an optimum of the soft model must hold for the thresholded one, and the sampler's last
step, to the thresholded target, must be small beside the noise."""
SUCCESS_NS = 1.02
PARTS = ("operator", "starts", "shipped")


def antennas() -> tuple[Float[np.ndarray, "ray axis"], Float[np.ndarray, "ray axis"]]:
    """Coordinates x, y of the ends of all rays, in metres; the source changes slowest."""
    depths = np.arange(0.5, 12.25, 0.5)
    source, receiver = (part.ravel() for part in np.meshgrid(depths, depths, indexing="ij"))
    return tuple(np.stack([np.full(source.size, x), y], axis=1) for x, y in ((0.01, source), (5.99, receiver)))  # type: ignore[return-value]


def operator_error(case: dict[str, np.ndarray]) -> float:
    """Largest difference from the published times off the faces, in nanoseconds, of the model they were made of."""
    sources, receivers = antennas()
    slowness = 1 / np.where(case["true_facies"] == 1, VELOCITIES[1], VELOCITIES[0])
    times = ray_lengths(GRID, sources, receivers) @ slowness.ravel(order="F")
    slanted = sources[:, 1] != receivers[:, 1]
    return float(np.abs(times - case["published_noise_free_ns"].ravel())[slanted].max())


def observed_times(prior: AbstractPrior, facies: np.ndarray, noise: np.ndarray) -> Float[np.ndarray, "ray"]:
    """Noisy times of a truth, in nanoseconds."""
    index = np.searchsorted(facies_model(prior).categories, facies)
    velocity = jnp.asarray(np.asarray(VELOCITIES)[index], jnp.float32)
    return np.asarray(StraightRays(GRID, *antennas()).predict(velocity), float) + noise.ravel()


def inversion(prior: AbstractPrior, data: Float[np.ndarray, "ray"]) -> Posterior:
    """The posterior of times, facies being read by a slope where gradients are needed."""
    rays, reading = StraightRays(GRID, *antennas()), FaciesProperty(facies_model(prior), VELOCITIES, slope=SLOPE)
    return Posterior(
        prior, GRID, [IndirectData(GRID, rays, data, NOISE_NS, property=reading, name="travel times", unit="ns")]
    )


def rmse(posterior: Posterior, predicted: Float[np.ndarray, "draw datum"]) -> Float[np.ndarray, "draw"]:
    """Root mean square misfit of each draw's times, in nanoseconds."""
    times = posterior.observations[0]
    assert isinstance(times, IndirectData)
    return np.sqrt(np.mean((predicted - times.observed) ** 2, axis=1))


def predict(posterior: Posterior, latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times ``[draw, ray]`` of thresholded and of soft fields."""
    predictions = jax.jit(lambda z: jax.lax.map(posterior.predict, z))(jnp.asarray(latents))
    return np.asarray(predictions.exact[0], float), np.asarray(predictions.soft[0], float)


def fits(posterior: Posterior, latents: np.ndarray) -> tuple[Float[np.ndarray, "draw"], Float[np.ndarray, "draw"]]:
    """Misfits of thresholded and of soft fields."""
    exact, soft = predict(posterior, latents)
    return rmse(posterior, exact), rmse(posterior, soft)


def starts(prior: AbstractPrior, case: dict[str, np.ndarray], arguments: argparse.Namespace) -> dict[str, Any]:
    """From many starts on each truth, how many end at the noise."""
    exact, soft, spent, begun = [], [], [], time.monotonic()
    posterior = inversion(prior, np.zeros(case["noise_ns"].size))  # data follow; one program serves all
    for number in range(arguments.truths):
        z = jax.random.normal(jax.random.key(10_000 + 1000 * arguments.seed + number), (prior.latent_size(GRID),))
        truth = np.asarray(prior.facies(prior.generate(z, GRID)))
        posterior = posterior.with_data([jnp.asarray(observed_times(prior, truth, case["noise_ns"]))])
        found = sample(posterior, optimiser(arguments.starts), seed=arguments.seed + number)
        hard, mild = fits(posterior, found.latents)
        # Starts that became NaN or infinite gave no field; they count as failed.
        lost = arguments.starts - len(hard)
        exact += [*hard, *[np.inf] * lost]
        soft += [*mild, *[np.inf] * lost]
        spent.append(found.results["gradients"] / arguments.starts)
        good = int(np.sum(np.asarray(exact) <= SUCCESS_NS))
        say(
            f"  truth {number + 1}: rmse {np.sort(hard).round(2).tolist()} ns, {spent[-1]:.0f} gradients per start; "
            f"so far {good} of {len(exact)} at the noise"
        )
    hard_all, soft_all = np.asarray(exact), np.asarray(soft)
    return {
        "starts": len(hard_all),
        "success_share": float(np.mean(hard_all <= SUCCESS_NS)),
        "soft_success_share": float(np.mean(soft_all <= SUCCESS_NS)),
        "median_rmse_ns": float(np.median(hard_all)),
        "worst_rmse_ns": float(hard_all.max()),
        "gradients_per_start": float(np.max(spent)),
        "seconds_per_start": (time.monotonic() - begun) / len(hard_all),
    }


def optimiser(count: int) -> MultistartMAP:
    """The optimiser that is judged."""
    return MultistartMAP(
        starts=count,
        adam_iterations=300,
        lbfgs_iterations=500,
        learning_rate=0.1,
        last_learning_rate=0.02,
        first_inverse_temperature=0.25,
        first_sharpness=1 / SLOPE,
        continuation=0.8,
        likelihood_continuation=0.4,
        exchanges=8,
    )


def sampler(particles: int) -> TemperedSMC:
    """The sampler of the shipped truth."""
    return TemperedSMC(particles=particles)


def shipped(prior: AbstractPrior, case: dict[str, np.ndarray], arguments: argparse.Namespace) -> dict[str, Any]:
    """The posterior of the published truth, from runs of several seeds."""
    posterior = inversion(prior, observed_times(prior, case["true_facies"], case["noise_ns"]))
    algorithm, begun, runs = sampler(arguments.particles), time.monotonic(), []
    for replicate in range(arguments.replicates):
        name = f"shipped truth, run {replicate + 1}"
        runs.append(sample(posterior, algorithm, seed=arguments.seed + replicate, listener=Steps(name)))
    minutes = (time.monotonic() - begun) / 60
    worst = diagnose(runs).worst() if len(runs) > 1 else None
    fields = np.concatenate([one.realizations for one in runs])
    misfits = [fits(posterior, one.latents)[0] for one in runs if len(one.latents)]
    share = np.mean(fields == case["true_facies"]) if len(fields) else np.nan
    mean = np.mean(fields, axis=0) > 0.5
    return {
        "shipped_rmse_ns": float(np.sqrt(np.mean(np.concatenate(misfits) ** 2))) if misfits else None,
        "shipped_pixel_accuracy": float(share),
        "shipped_mean_accuracy": float(np.mean(mean == case["true_facies"])) if len(fields) else None,
        "rhat_max": None if worst is None else worst.rhat,
        "draws": len(fields),
        "gradients_per_draw": float(np.mean([one.trace["gradients"].sum() for one in runs])),
        "minutes": minutes,
    }


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the parts that are asked for; the others are null."""
    prior, case, figures = load_prior(arguments.prior), crosshole_case(), dict.fromkeys(KEYS)
    if "operator" in arguments.parts:
        figures["published_operator_max_ns"] = operator_error(case)
    for part, measure in (("starts", starts), ("shipped", shipped)):
        if part in arguments.parts:
            figures |= measure(prior, case, arguments)
    show("Crosshole radar, 125×60 cells, 576 times", figures)
    return figures


KEYS = (
    "starts",
    "success_share",
    "soft_success_share",
    "median_rmse_ns",
    "worst_rmse_ns",
    "gradients_per_start",
    "seconds_per_start",
    "shipped_rmse_ns",
    "shipped_pixel_accuracy",
    "shipped_mean_accuracy",
    "rhat_max",
    "draws",
    "gradients_per_draw",
    "minutes",
    "published_operator_max_ns",
)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crosshole", description="Invert crosshole radar.")
    parser.add_argument("--parts", type=_parts, default=PARTS, help=f"some of {','.join(PARTS)} (default all)")
    parser.add_argument("--truths", type=int, default=10, help="drawn from the prior (default 10)")
    parser.add_argument("--starts", type=int, default=10, help="on each truth (default 10)")
    parser.add_argument("--particles", type=int, default=64, help="draws of a run on the shipped truth (default 64)")
    parser.add_argument("--replicates", type=int, default=2, help="runs on the shipped truth (default 2)")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    parser.add_argument("--prior", default="channels", help="a shipped prior's name, or a prior file")
    return parser.parse_args(words)


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no part is called {unknown.pop()}; choose from {', '.join(PARTS)}")
    return parts


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
