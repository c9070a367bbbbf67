"""Uses every toy through the public interface, in a process that finds them by their entry points alone.

Prints as JSON what came out, by toy; run by `test_plugins.py` in an empty folder.
"""

import contextlib
import io
import json

import numpy as np

from latentinv import Grid, IndirectData, Posterior, load_prior, load_run, resume, sample
from latentinv.cli import main
from latentinv.data import OBSERVATIONS
from latentinv.forward import FORWARDS
from latentinv.inference import ALGORITHMS
from latentinv.io.fields import FIELD_FORMATS
from latentinv.io.images import IMAGE_FORMATS, read_image
from latentinv.priors import PRIORS


def command(*arguments: str) -> tuple[int, str]:
    """Run the program; its exit code, and what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            main(arguments)
        except SystemExit as ending:
            return int(ending.code or 0), printed.getvalue()
    return 0, printed.getvalue()


def use_toys() -> dict[str, object]:
    """Make a prior, sample it given data of toys, store and read the run, and write and read fields."""
    grid = Grid((4, 5), spacing=2.0)
    PRIORS["toy_waves"]([3.0, 7.0]).save("waves.h5")
    prior = load_prior("waves.h5")
    steps = IndirectData(grid, FORWARDS["toy_steps"](grid), [0.3, -0.2, 0.1, 0.4], 1.0, name="steps")
    total = OBSERVATIONS["toy_total"](grid, 12.0, 8.0)
    posterior = Posterior(prior, grid, [steps, total])
    made = sample(posterior, "toy_importance", seed=1, output="run.h5")
    read, resumed = load_run("run.h5"), resume("run.h5")
    shown = command("show", "run.h5")
    generated = command("generate", "waves.h5", "--grid", "4x5", "--count", "2", "--output", "fields.csv")
    table = np.loadtxt("fields.csv", delimiter=",", skiprows=1)
    with open("image.letters", "w", encoding="ascii") as file:
        file.write("aab\ncab\n")
    return {
        "draws": [len(run.latents) for run in (made, read, resumed)],
        "same": all(
            np.array_equal(made.latents, run.latents)
            and np.array_equal(made.realizations, run.realizations)
            and all(np.array_equal(made.predicted[name], run.predicted[name]) for name in ("steps", "total"))
            for run in (read, resumed)
        ),
        "prior": type(read.posterior.prior).__name__,
        "lengths": np.asarray(read.posterior.prior.lengths).tolist(),
        "forward": type(read.posterior.observations[0].forward).__name__,
        "observation": type(read.posterior.observations[1]).__name__,
        "total": [float(np.mean(made.predicted["total"])), made.reports()[0][1].total],
        "algorithms": command("algorithms")[1],
        "shown": shown,
        "generated": generated,
        "table": [list(table.shape), table[-1, :2].tolist()],
        "image": read_image("image.letters").tolist(),
        "names": [
            name
            for registry in (ALGORITHMS, OBSERVATIONS, FORWARDS, PRIORS, IMAGE_FORMATS, FIELD_FORMATS)
            for name in registry
            if name.startswith("toy_")
        ],
    }


if __name__ == "__main__":
    print(json.dumps(use_toys()))
