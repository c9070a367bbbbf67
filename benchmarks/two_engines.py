"""Two engines that have little but the posterior in common, and whether they give the same answer.

The shipped channel prior is conditioned to the 49 wells of the flow case of Laloy et al. (2018,
doi:10.1002/2017WR022148), on the thresholded target: once by tempered sequential Monte Carlo with Hamiltonian
moves, repeated with seeds of its own, and once by parallel-tempered pCN with renewals of small windows on
every rung, without any gradient but that which leads its coldest replicas to a start. What both say of each
pixel and of the log-evidence is compared within their Monte Carlo errors, estimated from the spread of
the replicates and of the ladders. Both renew windows by the same code, which `tests/inference` compares with exact
posteriors; paths, weights, the other moves and swaps are each engine's own.

One standard error of a pixel's probability p is √(p(1 − p) / n), where n, the effective sample size of
an engine, comes from the spread over all pixels, since few replicates determine the spread of one pixel badly.

Run ``python -m benchmarks.two_engines [--replicates 8] [--particles 64] [--chains 4] [--rungs 16] [--warmup 1000]
[--draws 400] [--thinning 8] [--local-moves 4] [--seed 0]``.
"""

import argparse
import time
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from benchmarks._data import steady_flow_wells
from benchmarks._fields import facies_model
from benchmarks._report import run, say, show
from latentinv import Grid, HardData, ParallelTempering, Posterior, Run, TemperedSMC, load_prior, sample
from latentinv.errors import InputError
from latentinv.inference import Progress, diagnose

GRID = Grid((125, 125))
SAID_EACH = 60.0
"""Seconds between two lines of progress."""


class Answer(NamedTuple):
    """What an engine says of a posterior."""

    log_evidence: float
    log_evidence_error: float
    """Its standard error."""
    pixels: Float[np.ndarray, "replicate *grid"]
    """Probability of the highest facies, of each replicate or chain."""


class Lines:
    """A listener that prints progress now and then."""

    def __init__(self, name: str) -> None:
        self.name, self.said_at = name, time.monotonic()

    def on_step(self, step: int, progress: Progress) -> None:
        """Print a line if the last is old."""
        if time.monotonic() - self.said_at > SAID_EACH or progress.done == 1:
            self.said_at = time.monotonic()
            say(f"  {self.name}, step {step}: {progress.words}")


def by_smc(posterior: Posterior, algorithm: TemperedSMC, seeds: range) -> tuple[Answer, list[Run]]:
    """The answer of sequential Monte Carlo, repeated.

    The replicates' evidences are averaged, not their logarithms, whose mean is too small.
    """
    runs = []
    for seed in seeds:
        runs.append(sample(posterior, algorithm, seed=seed, listener=Lines(f"smc {seed}")))
        say(f"  smc {seed}: log-evidence {runs[-1].results.get('log_evidence', np.nan):.2f}")
    found = [one for one in runs if len(one.latents)]
    if not found:
        raise InputError(f"None of {len(runs)} populations met the data; give more replicates or particles.")
    values = np.array([one.results["log_evidence"] for one in found])
    error = jackknife_error(values)
    return Answer(log_mean(values), error, np.stack([pixels(one).mean(axis=(0, 1)) for one in found])), runs


def by_tempering(posterior: Posterior, algorithm: ParallelTempering, seed: int) -> tuple[Answer, Run]:
    """The answer of parallel tempering."""
    one = sample(posterior, algorithm, seed=seed, listener=Lines("tempering"))
    if not len(one.latents):
        raise InputError("The ladders found no field that meets the data, so nothing can be compared; warm up longer.")
    pair = one.results["log_evidence"], one.results["log_evidence_standard_error"]
    answer = Answer(*pair, pixels(one).mean(axis=1))
    return answer, one


def pixels(one: Run) -> Float[np.ndarray, "chain draw *grid"]:
    """Where each draw has the highest facies."""
    return np.asarray(one.by_chain(one.realizations) == max(facies_model(one.posterior.prior).categories), np.float32)


def log_mean(logarithms: Float[np.ndarray, "replicate"]) -> float:
    """Logarithm of the mean of numbers that are given by theirs."""
    return float(logsumexp(logarithms) - np.log(len(logarithms)))


def jackknife_error(logarithms: Float[np.ndarray, "replicate"]) -> float:
    """Standard error of `log_mean`, by leaving out one after the other."""
    count = len(logarithms)
    left = [log_mean(np.delete(logarithms, n)) for n in range(count)] if count > 1 else [np.nan]
    return float(np.sqrt((count - 1) * np.var(left)))


def independent_draws(answer: Answer) -> float:
    """Effective sample size of the pixels of one replicate, from their spread over replicates."""
    mean = answer.pixels.mean(axis=0)
    spread = answer.pixels.var(axis=0, ddof=1)
    # the mean's own error makes p(1 − p) too small by the mean's variance
    return float(np.sum(mean * (1 - mean) + spread / len(answer.pixels)) / np.sum(spread))


def compare(one: Answer, other: Answer) -> dict[str, float]:
    """How far two answers are apart, and how far they may be."""
    difference = one.pixels.mean(axis=0) - other.pixels.mean(axis=0)
    expected = sum(answer.pixels.var(axis=0, ddof=1) / len(answer.pixels) for answer in (one, other))
    sizes = [len(answer.pixels) * independent_draws(answer) for answer in (one, other)]
    p = np.average([answer.pixels.mean(axis=0) for answer in (one, other)], axis=0, weights=sizes)
    # a pixel that was the same in all draws may yet be the other facies once in as many
    p = np.clip(p, 1 / sum(sizes), 1 - 1 / sum(sizes))
    error = np.sqrt(p * (1 - p) * sum(1 / size for size in sizes))
    return {
        "pixel_worst_in_se": float(np.max(np.abs(difference) / error)),
        "pixel_rms_difference": float(np.sqrt(np.mean(difference**2))),
        "pixel_rms_expected": float(np.sqrt(np.mean(expected))),
        "log_evidence_in_se": abs(one.log_evidence - other.log_evidence)
        / float(np.hypot(one.log_evidence_error, other.log_evidence_error)),
    }


def measure(
    posterior: Posterior, smc: TemperedSMC, seeds: range, tempering: ParallelTempering, seed: int
) -> dict[str, Any]:
    """Ask both engines, and compare."""
    begun = time.monotonic()
    tempered, ladders = by_tempering(posterior, tempering, seed)
    middle = time.monotonic()
    for sentence in ladders.results.get("warnings", []):
        say(f"  tempering: {sentence}")
    say(f"  tempering: inverse temperatures {_numbers(ladders.trace['inverse_temperature'][-1])}")
    say(f"  tempering: exchanges {_numbers(np.nanmean(ladders.trace['swap_acceptance'][-20:], axis=0))}")
    populations, runs = by_smc(posterior, smc, seeds)
    worst = diagnose(ladders).worst()
    figures = {
        "log_evidence_smc": populations.log_evidence,
        "log_evidence_smc_sd": populations.log_evidence_error,
        "log_evidence_tempering": tempered.log_evidence,
        "log_evidence_tempering_sd": tempered.log_evidence_error,
        **compare(populations, tempered),
        "rhat_max": None if worst is None else worst.rhat,
        "independent_draws_smc": len(populations.pixels) * independent_draws(populations),
        "independent_draws_tempering": len(tempered.pixels) * independent_draws(tempered),
        "log_evidence_smc_runs": [one.results.get("log_evidence", np.nan) for one in runs],
        "minutes_smc": (time.monotonic() - middle) / 60,
        "minutes_tempering": (middle - begun) / 60,
    }
    for name, spent in (("smc", runs), ("tempering", [ladders])):
        figures |= {f"{cost}_{name}": sum(one.results[cost] for one in spent) for cost in ("gradients", "forward_runs")}
    kept = ("round_trips", "least_swap_acceptance", "communication_barrier")
    return figures | {name: ladders.results.get(name) for name in kept}


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Ask both engines about the 49 wells."""
    prior, (cells, codes) = load_prior(arguments.prior), steady_flow_wells()
    posterior = Posterior(prior, GRID, [HardData(GRID, GRID.centres(cells), codes, facies_model(prior))])
    smc = TemperedSMC(particles=arguments.particles)
    tempering = ParallelTempering(
        chains=arguments.chains,
        rungs=arguments.rungs,
        warmup=arguments.warmup,
        draws=arguments.draws,
        thinning=arguments.thinning,
        local_moves=arguments.local_moves,
        draws_per_step=1,
    )
    seeds = range(arguments.seed, arguments.seed + arguments.replicates)
    figures = measure(posterior, smc, seeds, tempering, arguments.seed)
    show("49 wells of the flow case, 125×125 cells, by two engines", figures)
    return figures


def _numbers(values: Float[np.ndarray, "number"]) -> str:
    return ", ".join(f"{value:.2g}" for value in values)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.two_engines",
        description="Ask sequential Monte Carlo and parallel tempering the same.",
    )
    parser.add_argument("--replicates", type=int, default=8, help="runs of sequential Monte Carlo")
    parser.add_argument("--particles", type=int, default=64, help="of each of them")
    parser.add_argument("--chains", type=int, default=4, help="ladders of parallel tempering")
    parser.add_argument("--rungs", type=int, default=16, help="of each of them")
    parser.add_argument("--warmup", type=int, default=1000, help="transitions before the first draw")
    parser.add_argument("--draws", type=int, default=400, help="of parallel tempering")
    parser.add_argument("--thinning", type=int, default=8, help="transitions between two draws of a ladder")
    parser.add_argument("--local-moves", type=int, default=4, help="renewals of a window in a transition")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    parser.add_argument("--prior", default="channels", help="a shipped prior's name, or a prior file")
    return parser.parse_args(words)


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
