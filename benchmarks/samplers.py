"""What an independent draw costs: every algorithm of the registry, and PyDREAM, on the same posteriors.

Two problems (`_sampling_problems`), both on the soft target: the wells and block means of the flow case of Laloy et al.
(2018, doi:10.1002/2017WR022148) through the shipped channel prior, and a linear tomography of a Gaussian field. Each
algorithm is given about the same number of forward runs, a gradient counting as one, warm-up included. Costs are those
that were counted. Effective sample sizes are of what users care about (facies share or mean, block means, predicted
data, pixels, log-likelihood), by `latentinv.diagnose`; the worst of these stands for the algorithm. Populations are run
from several seeds, and compared as chains. Algorithms that do not promise to sample the target have costs and no
effective size.

PyDREAM (Shockley, Vrugt and Lopez 2018, doi:10.1093/bioinformatics/btx626), the DREAM(ZS) of Python, runs in an
environment of its own and asks us for each likelihood, so that both do the same work; its first quarter is dropped, as
our warm-up is. It takes its seeds from the clock.

Run ``python -m benchmarks.samplers [--budget 10000] [--problems wells] [--algorithms smc,nuts] [--peer-python PATH]``.
"""

import argparse
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks._pydream_peer import VARIABLE, pydream_python, sample_by_pydream
from benchmarks._report import run, say
from benchmarks._sampling_problems import tomography, wells_and_blocks
from latentinv import NonFiniteError, Posterior, diagnose, load_prior, sample
from latentinv.errors import InputError
from latentinv.inference import ALGORITHMS, Diagnosis, make_algorithm
from latentinv.inference.core import draw_tables, evaluate
from latentinv.inference.run import run_of_tables

CHAINS, MOST_DRAWS, REPLICATES = 4, 250, 3
PEER = "pydream"
CLOSED_FORM = "laplace"
"""Exact where the posterior is Gaussian, but no sampler: its draws cost nothing once it is solved."""
AGREEING = 1.05
"""R-hat up to which chains are said to agree."""
COSTS = {
    "pcn": 3,
    "windowed_pcn": 4,
    "mala": 1,
    "elliptical_slice": 6,
    "hmc": 8,
    "nuts": 16,
    "dream": 1,
    "parallel_tempering": 60,
}
"""Forward runs and gradients of a transition, about."""
OWN: Mapping[str, Mapping[str, Any]] = {
    "hmc": {"leapfrogs": 8, "metric": "curvature"},
    "nuts": {"depth": 5, "metric": "curvature"},
    "parallel_tempering": {"rungs": 12, "local_moves": 4},
}
"""Settings besides the numbers of transitions."""
COLUMNS = (
    "ess",
    "rhat",
    "gradients",
    "forward_runs",
    "ess_per_gradient",
    "ess_per_forward",
    "ess_per_second",
    "seconds",
)


class Problem(NamedTuple):
    """A posterior with a name."""

    name: str
    posterior: Posterior


def chain_settings(cost: int, budget: int) -> dict[str, Any]:
    """Transitions of `CHAINS` chains within a budget, a quarter of them or more warm-up."""
    transitions = max(8, budget // (CHAINS * cost))
    left = transitions - transitions // 4
    draws = min(MOST_DRAWS, left)
    thinning = left // draws
    warmup = transitions - draws * thinning
    per_step = max(1, draws // 10)
    return {
        "chains": CHAINS,
        "warmup": warmup,
        "draws": CHAINS * draws,
        "thinning": thinning,
        "draws_per_step": per_step,
    }


def settings(name: str, budget: int) -> dict[str, Any]:
    """Settings of an algorithm within a budget, as far as that is known beforehand."""
    if name in COSTS:
        return {**chain_settings(COSTS[name], budget), **OWN.get(name, {})}
    few = max(8, budget // 500)
    sized: dict[str, dict[str, Any]] = {
        "smc": {"particles": max(16, budget // (REPLICATES * 400))},
        "es_mda": {"members": max(16, budget // 8)},
        "rml": {"samples": few},
        "laplace": {"starts": 2, "draws": CHAINS * MOST_DRAWS // REPLICATES},
        "stein": {"particles": few, "iterations": 400},
        "variational": {"iterations": max(20, budget // 8)},
        "map": {"starts": max(4, budget // 1000)},
        "completion": {"starts": few},
    }
    return sized.get(name, {})


def measure(problem: Problem, name: str, budget: int, seed: int) -> dict[str, Any]:
    """Run an algorithm, and measure the effective sample size of its draws."""
    begun = time.monotonic()
    try:
        algorithm = make_algorithm(name, settings(name, budget))
        kernel = algorithm.build()
        promising = kernel.samples_target(problem.posterior)
        single = kernel.chains is not None or not promising
        runs = [sample(problem.posterior, algorithm, seed=seed + k) for k in range(1 if single else REPLICATES)]
    except (InputError, NonFiniteError) as error:
        return row(problem, name, None, False, {"reason": str(error), "seconds": time.monotonic() - begun})
    return row(problem, name, diagnose(runs), promising, {"draws": sum(len(one.latents) for one in runs)})


def measure_peer(problem: Problem, python: Path, budget: int) -> dict[str, Any]:
    """The same for PyDREAM."""
    posterior, iterations = problem.posterior, budget // CHAINS
    compiled = jax.jit(posterior.log_likelihood)
    found = sample_by_pydream(
        python,
        lambda z: float(compiled(jnp.asarray(z, jnp.float32))),
        latents=posterior.latent_size,
        chains=CHAINS,
        iterations=iterations,
    )
    kept = found.latents[:, iterations // 4 :]
    kept = kept[:, :: max(1, kept.shape[1] // MOST_DRAWS)]
    latents = kept.swapaxes(0, 1).reshape(-1, posterior.latent_size).astype(np.float32)
    tables = draw_tables(posterior, evaluate(posterior, latents))
    peer = run_of_tables(
        posterior,
        tables,
        algorithm=PEER,
        results={"forward_runs": found.evaluations, "gradients": 0},
        trace={},
        steps=iterations,
        chains=CHAINS,
        seconds=found.seconds,
    )
    return row(problem, PEER, diagnose(peer), True, {"draws": len(latents), "version": found.version})


def row(
    problem: Problem, name: str, diagnosis: Diagnosis | None, promising: bool, more: dict[str, Any]
) -> dict[str, Any]:
    """What is reported of an algorithm on a problem."""
    figures: dict[str, Any] = {
        "problem": problem.name,
        "algorithm": name,
        "settings": dict(OWN.get(name, {})),
        "target": problem.posterior.target,
        "samples_target": promising,
        **dict.fromkeys(COLUMNS),
        **more,
    }
    if diagnosis is None:
        return figures
    figures |= {name: getattr(diagnosis, name) for name in ("gradients", "forward_runs", "seconds")}
    size, worst = diagnosis.worst("bulk_size"), diagnosis.worst()
    if not promising or size is None or worst is None:
        return figures
    told = [quantity.bulk_size for quantity in diagnosis.quantities if not math.isnan(quantity.bulk_size)]
    return {
        **figures,
        "ess": size.bulk_size,
        "ess_median": float(np.median(told)),
        "ess_of": size.name,
        "rhat": worst.rhat,
        "ess_per_gradient": diagnosis.per_gradient(),
        "ess_per_forward": diagnosis.per_forward_run(),
        "ess_per_second": diagnosis.per_second(),
    }


def compare(rows: list[dict[str, Any]], problem: str) -> dict[str, Any]:
    """The sampler with most independent draws a forward run on a problem, beside PyDREAM and our own DREAM(ZS).

    Before its chains agree, the effective sample size of an algorithm is unknown, and overestimated: one whose chains
    agree comes first, and if there is none, the one closest to agreement.
    """
    sizes = {one["algorithm"]: one for one in rows if one["problem"] == problem and one["ess_per_forward"]}
    ours = [one for name, one in sizes.items() if name not in (PEER, CLOSED_FORM)]
    if not ours:
        nothing = dict.fromkeys(("best", "agrees", "over_pydream", "over_own_dream", "rhat"))
        return {"problem": problem, **nothing}
    agreeing = [one for one in ours if one["rhat"] <= AGREEING]
    best = max(agreeing, key=lambda one: one["ess_per_forward"]) if agreeing else min(ours, key=lambda one: one["rhat"])

    def over(name: str) -> float | None:
        return best["ess_per_forward"] / sizes[name]["ess_per_forward"] if name in sizes else None

    return {
        "problem": problem,
        "best": best["algorithm"],
        "agrees": bool(agreeing),
        "over_pydream": over(PEER),
        "over_own_dream": over("dream"),
        "rhat": best["rhat"],
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of all rows."""
    compared = [compare(rows, name) for name in dict.fromkeys(one["problem"] for one in rows)]

    def bound(choose: Callable[[list[float]], float], key: str) -> float | None:
        values = [one[key] for one in compared]
        return None if any(value is None for value in values) else choose(values)

    return {
        "best_over_dream_ess_per_forward": bound(min, "over_pydream"),
        "best_over_own_dream_ess_per_forward": bound(min, "over_own_dream"),
        "rhat_max": bound(max, "rhat"),
        "problems": compared,
        "algorithms": rows,
    }


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run all algorithms on both problems."""
    python = pydream_python(arguments.peer_python)
    if python is None:
        say(f"PyDREAM is not measured: give --peer-python or {VARIABLE} (benchmarks/README.md says how to install it).")
    posteriors: dict[str, Callable[[], Posterior]] = {
        "wells": lambda: wells_and_blocks(load_prior(arguments.prior), arguments.cells, arguments.seed),
        "tomography": lambda: tomography(arguments.rows, arguments.rays, arguments.seed),
    }
    names = arguments.problems or list(posteriors)
    for name in names:
        if name not in posteriors:
            raise InputError(f"There is no problem called '{name}'; choose among {', '.join(posteriors)}.")
    rows = []
    for problem in (Problem(name, posteriors[name]()) for name in names):
        for name in arguments.algorithms or ALGORITHMS:
            rows.append(measure(problem, name, arguments.budget, arguments.seed))
            say(line(rows[-1]))
        if python is not None:
            rows.append(measure_peer(problem, python, arguments.budget))
            say(line(rows[-1]))
        show_rows(problem, rows)
    return summary(rows)


def line(figures: dict[str, Any]) -> str:
    """A row in words, as soon as it is known."""
    head = f"  {figures['problem']}, {figures['algorithm']}: {figures['seconds']:.0f} s"
    if figures["ess"] is None:
        return f"{head}, {figures.get('reason', 'does not promise to sample the target')}"
    return f"{head}, effective sample size {figures['ess']:.1f} ({figures['ess_of']}), R-hat {figures['rhat']:.3f}"


def show_rows(problem: Problem, rows: list[dict[str, Any]]) -> None:
    """Print a problem's table."""
    posterior = problem.posterior
    title = f"{problem.name}: {posterior.grid.shape} cells, {posterior.latent_size} latents, {posterior.target} target"
    table = Table("algorithm", *(name.replace("_", " ") for name in COLUMNS), title=title, title_justify="left")
    for one in rows:
        if one["problem"] == problem.name:
            table.add_row(one["algorithm"], *("–" if one[name] is None else f"{one[name]:.3g}" for name in COLUMNS))
    Console(soft_wrap=True, width=160).print(table)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.samplers", description="Compare all samplers.")
    parser.add_argument("--budget", type=int, default=10_000, help="forward runs of each, about (default 10000)")
    parser.add_argument("--cells", type=int, default=125, help="edge of the grid with wells, at most 125 (default 125)")
    parser.add_argument("--rows", type=int, default=24, help="rows of the tomography's grid (default 24)")
    parser.add_argument("--rays", type=int, default=12, help="sources, and receivers (default 12)")
    parser.add_argument("--problems", type=_names, default=None, help="wells or tomography; both unless given")
    parser.add_argument("--algorithms", type=_names, default=None, help="names, such as smc,nuts; all unless given")
    parser.add_argument("--peer-python", default=None, help=f"a Python with PyDREAM (default: ${VARIABLE})")
    parser.add_argument("--prior", default="channels", help="a shipped prior's name, or a prior file")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness but PyDREAM's")
    return parser.parse_args(words)


def _names(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
