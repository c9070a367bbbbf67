"""Our draws for `benchmarks.mps_peers`, in a process of their own that can be ended when its time is up.

``python -m benchmarks._mps_ours JOB.npz RESULT.npz PRIOR posterior|given``: job and result are those of
`_deesse_peer`. Without wells the draws come from the prior; with wells, if the prior is *given* them, from its networks
that see them; for the *posterior* they are the population of the algorithm that `choose_algorithm` names, 64 particles,
however many the job asks for. The result also has the seconds spent on tracing and compilation, the
effective sample size at the step to the exact target, which counts independent draws, and sentences on data that could
not be met.
"""

import dataclasses
import importlib.metadata
import json
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks._fields import draw_facies, facies_model
from benchmarks._report import Steps, say
from latentinv import Grid, HardData, Posterior, TemperedSMC, choose_algorithm, load_prior, sample
from latentinv.inference import Run
from latentinv.priors import AbstractPrior

PARTICLES = 64


def condition(prior: AbstractPrior, grid: Grid, job: dict[str, np.ndarray]) -> Run:
    """Sample the posterior of wells."""
    wells = HardData(grid, grid.centres(job["cells"]), job["codes"], facies_model(prior))
    posterior = Posterior(prior, grid, [wells])
    choice = choose_algorithm(posterior)
    say(f"  {choice.reason}")
    algorithm = choice.algorithm
    if isinstance(algorithm, TemperedSMC):
        algorithm = dataclasses.replace(algorithm, particles=PARTICLES)
    return sample(posterior, algorithm, seed=int(job["seed"]), listener=Steps("latentinv"))


class Compilation:
    """Adds up what JAX spends on tracing and compiling."""

    def __init__(self) -> None:
        self.seconds = 0.0
        jax.monitoring.register_event_duration_secs_listener(self._add)

    def _add(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event.startswith("/jax/core/compile/"):
            self.seconds += duration_secs


def draw(prior: AbstractPrior, job: dict[str, np.ndarray], how: str) -> dict[str, Any]:
    """Fields, and what is known of the run that gave them."""
    edge = int(job["edge"])
    grid = Grid((edge, edge))
    if len(job["codes"]) and how == "given":
        prior = prior.given(wells=HardData(grid, grid.centres(job["cells"]), job["codes"], facies_model(prior)))
    if how == "given" or not len(job["codes"]):
        indices = draw_facies(prior, grid, int(job["draws"]), int(job["seed"]))
        return {"fields": np.asarray(facies_model(prior).categories)[indices]}
    done = condition(prior, grid, job)
    return {
        "fields": np.asarray(done.realizations),
        "effective": done.results.get("effective_sample_size_at_final_target", np.nan),
        "sentences": json.dumps(done.results.get("infeasible_data", []) + done.results.get("warnings", [])),
    }


def main(job_file: str, result_file: str, prior_file: str, how: str) -> None:
    """Draw, and write the result."""
    with np.load(job_file, allow_pickle=False) as file:
        job = dict(file)
    compilation = Compilation()
    begun = time.perf_counter(), time.process_time()
    found = draw(load_prior(prior_file), job, how)
    seconds, processor = time.perf_counter() - begun[0], time.process_time() - begun[1]
    np.savez(
        Path(result_file),
        **found,
        seconds=seconds,
        processor_seconds=processor,
        setup_seconds=compilation.seconds,
        version=importlib.metadata.version("latentinv"),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
