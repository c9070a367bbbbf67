"""The published flow case: 49 boreholes and 49 heads inverted for channels, on the thresholded target.

The steady case of Laloy et al. (2018, doi:10.1002/2017WR022148): 125×125 cells, sand a hundred times more conductive
than clay, heads fixed on two sides and a well that pumps in the middle; heads known to 0.01 m, facies in the boreholes
without error. They used 282 000 to 320 000 forward runs, with the boreholes as soft data. Here `TemperedSMC` goes from
the prior to both at once; independent runs are compared with each other. A forward run is a solve of the flow equation,
and a gradient costs one more.

Run ``python -m benchmarks.flow_case [--particles 64] [--runs 2] [--moves 2]``. Each level prints as it finishes.
"""

import argparse
import dataclasses
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from benchmarks._data import steady_flow_case
from benchmarks._fields import draw_facies, facies_model
from benchmarks._report import run, say, show
from benchmarks.flow_solver import CLAY, SAND, aquifer
from latentinv import (
    FaciesProperty,
    HardData,
    IndirectData,
    Posterior,
    TemperedSMC,
    choose_algorithm,
    load_prior,
    sample,
)
from latentinv.forward import SteadyFlow, steady_heads
from latentinv.inference import Progress, Run, rhat
from latentinv.inference.tempering._tempered_smc import SHARPER_FROM
from latentinv.priors import AbstractPrior

HEAD_SD = 0.01
SLOPE = 40.0
"""Of the soft conductivity that gradients follow; sharper is nearer to the facies and rougher."""
UNCONDITIONED = 64
BLOCKS, LATTICE = 5, 8
"""Blocks and pixels along each side at which runs are compared."""
BATCH = 16
MOST_LEVELS = 80
LOCAL_MOVES = 24
"""A level. Hamiltonian moves keep to the small steps that the heads allow, so they hardly change latents of which the
heads see little; local moves do."""
FINAL_ROUNDS = 8
"""On the exact target, where particles that descend from one come apart."""


class Levels:
    """A listener that prints each level."""

    def __init__(self, name: str) -> None:
        self.name, self.begun = name, time.monotonic()

    def on_step(self, step: int, progress: Progress) -> None:
        """Print a level."""
        del step
        say(f"  {self.name}, {time.monotonic() - self.begun:.0f} s: {progress.words}")


def flow_posterior(prior: AbstractPrior, case: dict[str, np.ndarray]) -> Posterior:
    """Boreholes without error and heads with Gaussian noise."""
    model = facies_model(prior)
    ground = aquifer(len(case["true_facies"]))
    grid = ground.grid
    wells = np.stack([case["well_row"], case["well_column"]], axis=1)
    heads = np.stack([case["head_row"], case["head_column"]], axis=1)
    conductivity = FaciesProperty(model, (CLAY, SAND), mean="geometric", slope=SLOPE)
    boreholes = HardData(grid, grid.centres(wells), case["well_facies"].astype(int), model)
    flow = SteadyFlow(ground, grid.centres(heads))
    observed = IndirectData(grid, flow, case["head_observed"], HEAD_SD, property=conductivity, name="heads", unit="m")
    return Posterior(prior, grid, [boreholes, observed])


def heads_of(facies: Int[np.ndarray, "draw row column"]) -> Float[np.ndarray, "draw row column"]:
    """Heads over all cells, solved from facies alone, beside what the sampler kept."""
    model = aquifer(facies.shape[1])
    solve = jax.jit(jax.vmap(lambda f: steady_heads(model, jnp.where(f == 1, SAND, CLAY))))
    parts = [facies[n : n + BATCH] for n in range(0, len(facies), BATCH)]
    return np.concatenate([np.asarray(solve(jnp.asarray(part)), float) for part in parts])


def crps(draws: Float[np.ndarray, "draw *number"], truth: Float[np.ndarray, "*number"]) -> float:
    """Mean continuous ranked probability score (Gneiting and Raftery 2007, doi:10.1198/016214506000001437)."""
    count = len(draws)
    rank = (2 * np.arange(1, count + 1) - count - 1).reshape(-1, *(1,) * truth.ndim)
    spread = (rank * np.sort(draws, axis=0)).sum(axis=0) / count**2  # half the mean distance of two draws
    return float(np.mean(np.abs(draws - truth).mean(axis=0) - spread))


def functionals(facies: np.ndarray, heads: Float[np.ndarray, "draw datum"]) -> Float[np.ndarray, "draw number"]:
    """What runs are compared in: sand share, block means, heads, and pixels of a lattice."""
    size = facies.shape[1]
    edges = np.linspace(0, size, BLOCKS + 1).astype(int)[:-1]
    whole = np.add.reduceat(np.add.reduceat(facies, edges, axis=1), edges, axis=2)
    places = ((np.arange(LATTICE) + 0.5) / LATTICE * size).astype(int)
    columns = [facies.mean(axis=(1, 2))[:, None], whole, heads, facies[:, places[:, None], places]]
    return np.concatenate([column.reshape(len(facies), -1) for column in columns], axis=1).astype(float)


def largest_rhat(tables: list[Float[np.ndarray, "draw number"]]) -> tuple[float | None, float | None]:
    """Largest and median rank-normalised split R-hat, each table a chain, without quantities that are the same in all.

    The largest is infinite where a quantity is certain in each run and yet differs between them.
    """
    if len(tables) < 2 or min(map(len, tables)) < 4:
        return None, None
    together = np.stack([table[: min(map(len, tables))] for table in tables])
    moving = together[..., np.ptp(together, axis=(0, 1)) > 0]
    if not moving.shape[2]:
        return None, None
    found = rhat(moving)
    return float(np.max(found)), float(np.median(found))


def measure(runs: list[Run], case: dict[str, np.ndarray]) -> dict[str, Any]:
    """Measure the draws of all runs against data and truth."""
    facies = [np.asarray(one.realizations) for one in runs]
    everywhere = [heads_of(fields) for fields in facies]
    wells = (slice(None), case["head_row"], case["head_column"])
    heads = [field[wells] for field in everywhere]
    rmse = np.concatenate([np.sqrt(np.mean((h - case["head_observed"]) ** 2, axis=1)) for h in heads])
    every, truth = np.concatenate(facies), case["true_facies"]
    honoured = (every[:, case["well_row"], case["well_column"]] == case["well_facies"]).sum(axis=1)
    largest, typical = largest_rhat([functionals(f, h) for f, h in zip(facies, heads, strict=True)])
    return {
        "draws": len(every),
        "distinct_draws": len(np.unique(every.reshape(len(every), -1), axis=0)),
        "head_rmse_m": float(rmse.mean()),
        "head_rmse_min_m": float(rmse.min()),
        "head_rmse_max_m": float(rmse.max()),
        "min_honoured": int(honoured.min()),
        "rhat_max": largest,
        "rhat_median": typical,
        "truth_pixel_accuracy": float(np.mean((every.mean(axis=0) > 0.5) == truth)),
        "draw_pixel_accuracy": float(np.mean(every == truth)),
        "crps": crps(every.astype(float), truth.astype(float)),
        "crps_heads_m": crps(np.concatenate(everywhere), case["modflow_head"]),
    }


def reference(prior: AbstractPrior, case: dict[str, np.ndarray], seed: int) -> dict[str, Any]:
    """The same scores of unconditioned fields."""
    fields = draw_facies(prior, aquifer(len(case["true_facies"])).grid, UNCONDITIONED, seed + 1_000_003)
    return {
        "prior_truth_pixel_accuracy": float(np.mean((fields.mean(axis=0) > 0.5) == case["true_facies"])),
        "prior_crps": crps(fields.astype(float), case["true_facies"].astype(float)),
        "prior_crps_heads_m": crps(heads_of(fields), case["modflow_head"]),
    }


def explore(posterior: Posterior, algorithm: TemperedSMC, seed: int) -> tuple[Run, dict[str, Any]]:
    """One run, and what it cost."""
    begun = time.monotonic()
    result = sample(posterior, algorithm, seed=seed, listener=Levels(f"seed {seed}"))
    minutes = (time.monotonic() - begun) / 60
    for sentence in result.results.get("infeasible_data", []):
        say(f"  seed {seed}: out of reach: {sentence}")
    final = result.trace["stage"] == 1
    return result, {
        "forward_runs": flow_solves(algorithm, result),
        "minutes": minutes,
        "levels": result.steps,
        "acceptance": float(result.trace["acceptance"][final].mean()) if final.any() else None,
        "log_evidence": result.results.get("log_evidence"),
    }


def flow_solves(algorithm: TemperedSMC, run: Run) -> int:
    """Solves of the flow equation in a run, those for gradients and curvature probes counted in."""
    rounds, share = (algorithm.moves, algorithm.moves + 1) if algorithm.waste_free else (1, 1)
    bridging = (run.trace["bridge"] > 0) & (run.trace["bridge"] < 1)
    # The exact reading is also needed at a move's end and before a round, and in local moves on the way from the soft
    # to the exact target.
    moves = algorithm.moves * (2 * algorithm.leapfrogs + 1) + 3 * rounds
    local = rounds * algorithm.local_moves * (1 + bridging)
    # On the way, once the surrogate reads more sharply than stated, each end also has the stated soft reading.
    sharp = bridging & (run.trace["bridge"] >= SHARPER_FROM)
    ends = sharp * (algorithm.moves + rounds)
    each = moves + ends + local + 2 * algorithm.probes if algorithm.moves else local + 2
    level = each * (algorithm.particles // share)
    return int(2 * run.results["first_draws"] + np.sum(level))


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the sampler several times and measure all draws together."""
    prior, case = load_prior(arguments.prior), steady_flow_case()
    posterior = flow_posterior(prior, case)
    common: dict[str, Any] = {"particles": arguments.particles, "final_rounds": FINAL_ROUNDS, "max_levels": MOST_LEVELS}
    if prior.stepwise:  # no Hamiltonian moves
        chosen = choose_algorithm(posterior).algorithm
        assert isinstance(chosen, TemperedSMC)
        algorithm = dataclasses.replace(chosen, **common)
    else:
        algorithm = TemperedSMC(
            moves=arguments.moves, local_moves=LOCAL_MOVES, probes=2, acceptance_target=0.7, **common
        )
    pairs = [explore(posterior, algorithm, arguments.seed + number) for number in range(arguments.runs)]
    costs = [cost for _, cost in pairs]
    runs = [result for result, _ in pairs if len(result.latents)]
    figures: dict[str, Any] = dict.fromkeys(("head_rmse_m", "min_honoured", "rhat_max", "truth_pixel_accuracy", "crps"))
    if runs:
        figures |= measure(runs, case)
    figures |= {name: sum(cost[name] for cost in costs) for name in ("forward_runs", "minutes")}
    figures |= reference(prior, case, arguments.seed)
    show("49 boreholes and 49 heads, 125×125 cells", figures)
    return {**figures, "runs": costs}


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.flow_case", description="Invert the published flow case."
    )
    parser.add_argument("--particles", type=int, default=64, help="of a run (default 64)")
    parser.add_argument("--runs", type=int, default=2, help="independent runs, compared with each other (default 2)")
    parser.add_argument("--moves", type=int, default=2, help="Hamiltonian moves per level (default 2)")
    parser.add_argument("--seed", type=int, default=0, help="of the first run")
    parser.add_argument("--prior", default="channels", help="a shipped prior's name, or a prior file")
    return parser.parse_args(words)


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
