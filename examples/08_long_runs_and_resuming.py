"""08 Long runs: stop one in the middle, resume it, and get the same draws, bit for bit.

A run with an output file writes checkpoints; each replaces the whole file at once, so whatever happens there is a valid
file. Step n takes its random numbers from the seed and n alone. A run that was killed by a scheduler, a full disk or
Ctrl-C therefore continues from its last checkpoint as if nothing had happened, and repeats at most the steps since. The
script samples once without a stop, then once more with an interruption, resumes, and compares. On the command line:
`latentinv run study.toml`, Ctrl-C, `latentinv resume study.h5`.

Writes output/interrupted.h5 and output/resumed.png.
"""

from pathlib import Path

import numpy as np
from common import OUTPUT, Panel, draw, make_site, some_draws

from latentinv import HardData, Posterior, Run, TemperedSMC, load_prior, load_run, resume, sample
from latentinv.inference import Progress


class Stop:
    """Interrupts a run after some steps, as Ctrl-C would."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_step(self, step: int, progress: Progress) -> None:
        """Interrupt."""
        print(f"{step:4d}  {progress.words}", flush=True)
        if step >= self.after:
            raise KeyboardInterrupt


def main(draws: int = 32, cells: int = 48, prior: str = "meanders", output: Path = OUTPUT) -> Run:
    """Sample twice, once with an interruption."""
    site = make_site(output, cells)
    generator = load_prior(prior)
    posterior = Posterior(generator, site.grid, [HardData.from_csv(site.wells, site.grid, generator)])
    whole = sample(posterior, TemperedSMC(particles=draws), seed=1)
    file = output / "interrupted.h5"
    file.unlink(missing_ok=True)
    try:
        sample(posterior, TemperedSMC(particles=draws), seed=1, output=file, listener=Stop(after=2))
    except KeyboardInterrupt:
        print(f"stopped; the file holds {load_run(file).steps} of {whole.steps} steps")
    run = resume(file)
    same = np.array_equal(run.latents, whole.latents) and np.array_equal(run.realizations, whole.realizations)
    print(f"resumed to step {run.steps}; " + ("every draw is the same, bit for bit" if same else "the draws DIFFER"))
    resumed = [Panel(f"{one.title}, resumed", one.values) for one in some_draws(run, 2)]
    draw(output / "resumed.png", [*some_draws(whole, 2), *resumed], site)
    return run


if __name__ == "__main__":
    main()
