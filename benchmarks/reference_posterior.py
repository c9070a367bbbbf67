"""Each algorithm beside exact draws: rejection sampling from a real GAN prior, on a problem small enough for it.

Four certain wells and four block means on 16×16 cells (`_small_problems`). A draw of the prior is accepted with
probability p(d | z) / max p(d | ·), which gives exact, independent draws of the posterior: of the thresholded one, and
of the soft one for algorithms that need gradients. Facies images of an algorithm's draws and of the exact ones are
compared by their maximum mean discrepancy (Gretton et al. 2012, JMLR 13, 723–773; Gaussian kernel at the median
distance) and by the share of sand in each pixel, both beside the 99 % quantile when the two samples are shuffled, which
is what chance gives to independent draws. Chains are thinned so that draws are near independent.

Run ``python -m benchmarks.reference_posterior [--accepted 1000] [--draws 400] [--algorithms smc,nuts]``. Takes ten to
twenty minutes.
"""

import argparse
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from benchmarks._report import run, say, show
from benchmarks._small_problems import GRID, blocks, small_prior, wells
from latentinv import InputError, Posterior, Run, diagnose, sample
from latentinv.inference import make_algorithm, realize
from latentinv.posterior import Predictions, Target, map_batched
from latentinv.realism import median_distance

BATCH, CHUNK = 32, 4096
MOST = 4_000_000
"""Draws of the prior after which rejection is given up."""
SHUFFLES = 1000
QUANTILE = 0.99
TARGETS: tuple[Target, ...] = ("thresholded", "soft")


class Setting(NamedTuple):
    """How an algorithm is run."""

    target: Target
    promises: bool
    """Whether its draws are said to follow the posterior."""
    draws: str
    """Its setting for the number of draws."""
    options: dict[str, Any]


CHAINS = {"chains": 8, "draws_per_step": 5}
ALGORITHMS = {
    "smc": Setting("thresholded", True, "particles", {"moves": 4, "leapfrogs": 6, "batch_size": 32}),
    "parallel_tempering": Setting(
        "thresholded", True, "draws", {"chains": 4, "rungs": 6, "warmup": 500, "thinning": 20, "draws_per_step": 5}
    ),
    "pcn": Setting("thresholded", True, "draws", CHAINS | {"warmup": 1000, "thinning": 500, "local_moves": 4}),
    "elliptical_slice": Setting("thresholded", True, "draws", CHAINS | {"warmup": 500, "thinning": 40}),
    "nuts": Setting("soft", True, "draws", CHAINS | {"warmup": 200, "thinning": 3, "depth": 5}),
    "es_mda": Setting("soft", False, "members", {"localised": False}),
    "rml": Setting("soft", False, "samples", {"max_iterations": 80, "batch_size": 1}),
    "variational": Setting("soft", False, "draws", {"guide": "full_rank", "iterations": 2000}),
    "laplace": Setting("soft", False, "draws", {}),
}


def main() -> dict[str, Any]:
    """Measure and print."""
    return benchmark(parse())


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accepted", type=int, default=1000, help="exact draws, at least")
    parser.add_argument("--draws", type=int, default=400, help="draws of each algorithm")
    parser.add_argument("--algorithms", default=",".join(ALGORITHMS), help="which, with commas")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Draw exactly, then by each algorithm, and compare."""
    begun, names = time.perf_counter(), arguments.algorithms.split(",")
    for name in names:
        if name not in ALGORITHMS:
            raise InputError(f"There is no algorithm called '{name}'; choose among {', '.join(ALGORITHMS)}.")
    posteriors = {target: make_problem(target, arguments.seed) for target in TARGETS}
    exact, tried = reject(posteriors, arguments.accepted, arguments.seed)
    figures: dict[str, Any] = {
        "accepted": {target: len(exact[target]) for target in TARGETS},
        "tried": tried,
    }
    say(f"{tried} draws of the prior, accepted {figures['accepted']}")
    for name in names:
        setting = ALGORITHMS[name]
        algorithm = make_algorithm(name, setting.options | {setting.draws: arguments.draws})
        started, posterior = time.perf_counter(), posteriors[setting.target]
        drawn = sample(posterior, algorithm, seed=arguments.seed + 1)
        seconds, latents = time.perf_counter() - started, drawn.latents
        found = compare(realize(posterior, latents), exact[setting.target], arguments.seed) if len(latents) > 1 else {}
        figures[name] = {
            **found,
            "draws": len(latents),
            "target": setting.target,
            "promises": setting.promises,
            "rhat": _rhat(drawn),
            "seconds": seconds,
        }
        show(name, figures[name])
    return {**figures, "minutes": (time.perf_counter() - begun) / 60}


def _rhat(drawn: Run) -> float | None:
    """The worst of all quantities, for chains."""
    worst = diagnose(drawn).worst() if drawn.chains and len(drawn.latents) > 1 else None
    return None if worst is None else worst.rhat


def make_problem(target: Target, seed: int) -> Posterior:
    """The problem, with data of a draw of the prior, the same for both targets."""
    prior = small_prior()
    data = [wells(prior, count=4), blocks(prior, sd=0.2)]
    truth = Posterior(prior, GRID, data, target="thresholded")
    key_truth, key_noise = jax.random.split(jax.random.key(seed))
    simulated = truth.simulate(key_noise, jax.random.normal(key_truth, (truth.latent_size,)))
    posterior = Posterior(prior, GRID, data, target=target)
    posterior = posterior.with_data(simulated)
    return posterior


def reject(
    posteriors: dict[Target, Posterior], accepted: int, seed: int
) -> tuple[dict[Target, Int[np.ndarray, "draw *grid"]], int]:
    """Exact draws of both targets from one stream of draws of the prior, and how many of these it took.

    Raises
    ------
    InputError
        If too few are accepted.
    """
    posterior = posteriors["thresholded"]
    bound = _largest_likelihood(posterior)

    def one(pair: tuple[jax.Array, jax.Array]) -> jax.Array:
        z, uniform = pair
        predictions: Predictions = posterior.predict(z)
        exact, soft = posterior.exact_log_likelihood(predictions), posterior.tempered_log_likelihood(predictions, 1.0)
        return jnp.log(uniform) < jnp.stack([exact, soft]) - bound

    def draw(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        key_latents, key_accept = jax.random.split(key)
        z = jax.random.normal(key_latents, (CHUNK, posterior.latent_size))
        return z, map_batched(one, (z, jax.random.uniform(key_accept, (CHUNK,))), BATCH)

    compiled = jax.jit(draw)
    kept: dict[Target, list[np.ndarray]] = {target: [] for target in TARGETS}
    for chunk in range(MOST // CHUNK):
        z, taken = (np.asarray(x) for x in compiled(jax.random.fold_in(jax.random.key(seed + 1), chunk)))
        for n, target in enumerate(TARGETS):
            kept[target].append(z[taken[:, n]])
        counts = [sum(map(len, kept[target])) for target in TARGETS]
        if chunk % 10 == 9:
            say(f"{(chunk + 1) * CHUNK} draws of the prior, accepted {counts}")
        if min(counts) >= accepted:
            latents = {target: np.concatenate(kept[target]) for target in TARGETS}
            return {target: realize(posterior, latents[target]) for target in TARGETS}, (chunk + 1) * CHUNK
    raise InputError(f"Only {counts} of {MOST} draws of the prior were accepted; ask for fewer with --accepted.")


def _largest_likelihood(posterior: Posterior) -> float:
    """A bound of both log-likelihoods: wells at most 0, Gaussian block means at their data."""
    _, means = posterior.observations
    return float(means.noise.log_likelihood(jnp.zeros(means.count)))  # type: ignore[union-attr]


def compare(draws: Int[np.ndarray, "draw *grid"], exact: Int[np.ndarray, "draw2 *grid"], seed: int) -> dict[str, float]:
    """Discrepancy and worst pixel of two samples, beside those of shuffled ones."""
    rng, count = np.random.default_rng(seed), len(draws)
    both = np.concatenate([draws, exact])
    scale = median_distance(both[rng.permutation(len(both))[:500]])
    images: Float[np.ndarray, "draw cell"] = both.reshape(len(both), -1).astype(float)
    kernel = np.exp(-cdist(images, images, "sqeuclidean") / (2 * scale**2))
    observed = _distances(kernel, images, np.arange(len(images)), count)
    orders = (rng.permutation(len(images)) for _ in range(SHUFFLES))
    shuffled = np.array([_distances(kernel, images, order, count) for order in orders])
    discrepancy, pixel = np.quantile(shuffled, QUANTILE, axis=0)
    return {
        "mmd": float(observed[0]),
        "mmd_over_band": float(observed[0] / discrepancy),
        "worst_pixel_error": float(observed[1]),
        "worst_pixel_band": float(pixel),
    }


def _distances(kernel: np.ndarray, images: np.ndarray, order: np.ndarray, count: int) -> tuple[float, float]:
    """Maximum mean discrepancy, biased and so at least 0, and the largest difference of a pixel's mean."""
    weights = np.full(len(order), -1.0 / (len(order) - count))
    weights[order[:count]] = 1.0 / count
    return float(np.sqrt(max(0.0, weights @ kernel @ weights))), float(np.abs(weights @ images).max())


if __name__ == "__main__":
    run(main)
