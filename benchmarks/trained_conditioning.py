"""Conditioning learned in training beside conditioning afterwards: data honoured, realism, and time.

Generators that see facies in 0.5 % of the cells are trained with several weights λ of the squared differences in these
cells (Ruffino et al. 2020, doi:10.1016/j.neucom.2019.11.116), and one of the same architecture without data, in as many
steps each. The image is of the package's channel simulator. Data are 20 random cells of each of some 64 × 64 windows
of another realization of the simulator. Each generator draws fields given the data of each window; the generator
without data is conditioned to the same by the default sampler.

Realism is measured as for the score of a training: the geometric mean of the distances, in times the floor, of total
variation, Euler number, 4 × 4 patterns and connectivity. The fields of many windows together are almost as varied as
the image, so a perfect conditioning gets little more than 1. The same is measured of fields without data.

Another generator, with λ = 0.1, sees the proportion of sand too: what it is told stands beside what its fields have. A
last one sees the width of channels. Its image is a mosaic of 11 × 11 pieces of the simulator, with channels 5 to 15
cells wide, and with missing cells between pieces, so that no patch lies in two.

Run ``python -m benchmarks.trained_conditioning [--minutes 10] [--steps 3000] [--lambdas 0,0.01,0.1,1,10] [--windows 64]
[--draws 4] [--parts lambdas,afterwards,proportion,widths]``.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from benchmarks._fields import draw_facies, facies_model
from benchmarks._report import run, say, show
from latentinv import Grid, HardData, Posterior, TemperedSMC, sample
from latentinv.posterior import map_batched
from latentinv.priors import AbstractPrior
from latentinv.realism import measure_statistics
from latentinv.training import (
    ChannelSimulator,
    Comparison,
    Recipe,
    TrainingImage,
    measure_facies,
    parse_recipe,
    sample_patches,
    train,
)

EDGE, PIXELS = 64, 20
PARTICLES = 16
"""Of the sampler, for each window."""
SHARES = (0.2, 0.25, 0.3, 0.35, 0.4)
"""Proportions of sand that are told."""
WIDTHS, PIECE = range(5, 16), 128
"""Of the channels of the mosaic, and the edge of its pieces, in cells."""
GIVEN_WIDTHS = (7.0, 10.0, 13.0)
"""Widths that are told: about a fifth, a half and three quarters of the mosaic's patches have less."""
MEASURED = ("honoured", "all_honoured", "over_floor", "over_floor_without_data", "seconds_a_draw")
TOLD = ("proportions_told", "proportions_found", "proportions_scatter")
PARTS = ("lambdas", "afterwards", "proportion", "widths")
LAMBDAS, WEIGHT = (0.0, 0.01, 0.1, 1.0, 10.0), 0.1
"""Weights by default, and that of a generator that sees a proportion."""
GRID = Grid((EDGE, EDGE))
NAMES = ("total variation", "euler number", "multiple-point patterns", "connectivity along y", "connectivity along x")
SIMULATOR = {"width": 5.0, "amplitude": 4.0, "wavelength": 45.0}
SIMULATED = "[image.simulator]\nshape = [1000, 1000]\nseed = 0\n" + "\n".join(
    f"{k} = {v}" for k, v in SIMULATOR.items()
)
MOSAIC = '[image]\nfile = "mosaic.npy"\nmissing = [-1]'
RECIPE = """
{image}

[networks]
family = "{family}"
width = 0.5
{conditioning}
[training]
steps = {steps}
batch = 8
patch = [64, 64]
edge_width = 1.0
evaluate_every = {every}
"""
CONDITIONING = """
[conditioning]
pixels = 0.005
weight = {weight}
{more}
"""


class Data(NamedTuple):
    """What is known of a window."""

    cells: Int[np.ndarray, "datum axis"]
    codes: Int[np.ndarray, "datum"]

    def wells(self, prior: AbstractPrior) -> HardData:
        """As hard data."""
        return HardData(GRID, GRID.centres(self.cells), self.codes, facies_model(prior))

    def honoured(self, fields: Int[np.ndarray, "image row column"]) -> float:
        """Share of the data that fields show."""
        return float(np.mean(fields[(slice(None), *self.cells.T)] == self.codes))


class Steps:
    """A listener that prints each comparison with the image."""

    def __init__(self, name: str) -> None:
        self.name = name

    def on_plan(self, recipe: Recipe) -> None:
        """Print the number of steps."""
        say(f"  {self.name}: {recipe.training.steps} steps")

    def on_step(self, step: int, losses: Any) -> None:
        """Do nothing."""

    def on_comparison(self, step: int, comparison: Comparison, kept: bool) -> None:
        """Print a comparison."""
        say(f"  {self.name}: step {step}, {comparison.score:.2f} times the floor{', best so far' if kept else ''}")


def recipe(
    family: str, weight: float, steps: int, more: str = "", image: str = SIMULATED, folder: Path | None = None
) -> Recipe:
    """The recipe of a generator; `more` are lines of its [conditioning], `folder` is that of the image's file."""
    settings = {"steps": steps, "every": max(1, steps // 5)}
    conditioning = CONDITIONING.format(weight=weight, more=more) if family == "conditional" else ""
    text = RECIPE.format(family=family, conditioning=conditioning, image=image, **settings)
    return parse_recipe(text, folder or Path())


def mosaic(seed: int = 0) -> Int[np.ndarray, "row column"]:
    """Pieces of channels of different widths; −1 between them."""
    rng, count = np.random.default_rng(seed), len(WIDTHS)
    whole = np.full((count * (PIECE + 1) - 1,) * 2, -1, np.int8)
    for row, column in np.ndindex(count, count):
        simulator = ChannelSimulator(**{**SIMULATOR, "width": WIDTHS[(row + column) % count]})
        first = [n * (PIECE + 1) for n in (row, column)]
        whole[tuple(slice(n, n + PIECE) for n in first)] = simulator.simulate(rng, (PIECE, PIECE))
    return whole


def windows(count: int) -> list[Data]:
    """Random cells of windows of a realization that no network has seen."""
    rng, other = np.random.default_rng(0), ChannelSimulator(**SIMULATOR).as_training_image(1, (1000, 1000))
    truths = sample_patches(rng, other, GRID.shape, count)
    each = []
    for truth in truths:
        cells = np.stack(np.unravel_index(rng.permutation(truth.size)[:PIXELS], truth.shape), axis=1)
        each.append(Data(cells, truth[tuple(cells.T)].astype(int)))
    return each


def over_floor(fields: Int[np.ndarray, "image row column"], image: TrainingImage) -> dict[str, float]:
    """Distances of fields to patches of the image, in times the floor, and their geometric mean."""
    patches = sample_patches(np.random.default_rng(1), image, GRID.shape, 2 * len(fields))
    measures = measure_statistics(fields, patches, 2, NAMES)
    found = {name: max(1.0, measures[name].times_floor) for name in NAMES}
    four = [*(found[name] for name in NAMES[:3]), max(found[name] for name in NAMES[3:])]
    return {"over_floor": float(np.exp(np.mean(np.log(four)))), **found}


@jax.jit
def _fields(prior: AbstractPrior, z: Float[Any, "draw latent"]) -> Int[Any, "draw row column"]:
    model = facies_model(prior)
    return map_batched(lambda one: model.index(prior.generate(one, GRID)), z, 8)


def drawn(prior: AbstractPrior, each: list[Data], draws: int, image: TrainingImage) -> dict[str, Any]:
    """Fields of a generator given the data of each window."""
    z = np.random.default_rng(2).standard_normal((len(each), draws, prior.latent_size(GRID))).astype(np.float32)
    np.asarray(_fields(prior.given(wells=each[0].wells(prior)), z[0]))  # compiles
    begun = time.process_time()
    fields = [
        np.asarray(_fields(prior.given(wells=data.wells(prior)), rows)) for data, rows in zip(each, z, strict=True)
    ]
    seconds = (time.process_time() - begun) / (len(each) * draws)
    return {**honoured(fields, each), "seconds_a_draw": seconds, **over_floor(np.concatenate(fields), image)}


def sampled(prior: AbstractPrior, each: list[Data], draws: int, image: TrainingImage) -> dict[str, Any]:
    """Fields of the sampler, conditioned to the data of each window."""
    made = 0
    fields, seconds, algorithm = [], 0.0, TemperedSMC(particles=PARTICLES)
    for number, data in enumerate(each):
        begun = time.process_time()
        result = sample(Posterior(prior, GRID, [data.wells(prior)]), algorithm, seed=number)
        spent = time.process_time() - begun
        seconds += spent if number else 0.0  # the first compiles
        found = np.searchsorted(facies_model(prior).categories, np.asarray(result.realizations))
        made += len(found) if number else 0
        fields.append(found[:draws])
        say(f"  window {number + 1}: {len(found)} draws in {spent:.1f} s")
    figures = {**honoured(fields, each), "seconds_a_draw": seconds / made if made else float("nan")}
    return {**figures, "draws": sum(map(len, fields)), **over_floor(np.concatenate(fields), image)}


def honoured(fields: list[Int[np.ndarray, "image row column"]], each: list[Data]) -> dict[str, float]:
    """Share of the data that fields show, on average over windows, and of fields that show all of them."""
    pairs = [(data, one) for data, some in zip(each, fields, strict=True) for one in some[:, None]]
    shares = [data.honoured(one) for data, one in pairs]
    return {"honoured": float(np.mean(shares)), "all_honoured": float(np.mean(np.equal(shares, 1)))}


def told(prior: AbstractPrior) -> dict[str, Any]:
    """Proportions that a generator is told, and those of its fields on average, with their standard deviation."""
    found = [draw_facies(prior.given(proportion=share), GRID, 128, 4).mean(axis=(1, 2)) for share in SHARES]
    return {
        "proportions_told": list(SHARES),
        "proportions_found": [float(each.mean()) for each in found],
        "proportions_scatter": [float(each.std()) for each in found],
    }


def told_widths(prior: AbstractPrior) -> dict[str, Any]:
    """Widths that a generator is told, and those of its fields: means, standard deviations, the slope of a straight
    line through all of them, and their correlation with what is told.
    """
    fields = [draw_facies(prior.given(width=width), GRID, 128, 4) for width in GIVEN_WIDTHS]
    found = np.stack([np.asarray(measure_facies("width", jnp.asarray(each == 1))) for each in fields])
    given = np.repeat(GIVEN_WIDTHS, found.shape[1])
    covariance = np.cov(given, found.ravel())
    return {
        "given": list(GIVEN_WIDTHS),
        "got": found.mean(axis=1).tolist(),
        "scatter": found.std(axis=1).tolist(),
        "slope": float(covariance[0, 1] / covariance[0, 0]),
        "correlation": float(np.corrcoef(given, found.ravel())[0, 1]),
    }


def trained(name: str, plan: Recipe, folder: Path, minutes: float) -> AbstractPrior:
    """Train a generator, for some minutes at most."""
    begun = time.process_time()
    result = train(plan, folder / f"{name}.h5", minutes=minutes, fill=True, listener=Steps(name))
    say(f"  {name}: {result.steps} steps, {time.process_time() - begun:.0f} s of a processor")
    return result.prior


class Bench(NamedTuple):
    """What all parts share."""

    arguments: argparse.Namespace
    folder: Path
    each: list[Data]
    image: TrainingImage

    def trained(self, name: str, family: str, weight: float, more: str = "") -> AbstractPrior:
        """Train a generator."""
        plan = recipe(family, weight, self.arguments.steps, more)
        return trained(name, plan, self.folder, self.arguments.minutes)

    def alone(self, prior: AbstractPrior) -> float:
        """Realism of fields without data."""
        fields = draw_facies(prior, GRID, len(self.each) * self.arguments.draws, 3)
        return over_floor(fields, self.image)["over_floor"]

    def lambdas(self) -> dict[str, Any]:
        """Generators that see data, by their weight."""
        rows = []
        for weight in self.arguments.lambdas:
            prior = self.trained(f"lambda_{weight:g}", "conditional", weight)
            row = drawn(prior, self.each, self.arguments.draws, self.image)
            rows.append({"lambda": weight, **row, "over_floor_without_data": self.alone(prior)})
            show(f"λ = {weight:g}", rows[-1])
        return {"lambdas": self.arguments.lambdas, **{name: [row[name] for row in rows] for name in MEASURED}}

    def afterwards(self) -> dict[str, Any]:
        """The generator without data, conditioned by the sampler."""
        prior = self.trained("afterwards", "generator", 0.0)
        row = sampled(prior, self.each, self.arguments.draws, self.image)
        row["over_floor_without_data"] = self.alone(prior)
        show("the generator without data, conditioned afterwards", row)
        return {f"{name}_afterwards": row[name] for name in (*MEASURED, "draws")}

    def proportion(self) -> dict[str, Any]:
        """A generator that sees data and the proportion of sand."""
        prior = self.trained("proportion", "conditional", WEIGHT, "proportion = 1")
        row = {**told(prior), **drawn(prior, self.each, self.arguments.draws, self.image)}
        show(f"λ = {WEIGHT:g}, and the proportion of sand", row)
        named = {f"{name}_with_proportion": row[name] for name in MEASURED if name in row}
        return {**{name: row[name] for name in TOLD}, **named}

    def widths(self) -> dict[str, Any]:
        """A generator that sees data and the width of channels, which differs over its image."""
        np.save(self.folder / "mosaic.npy", mosaic())
        plan = recipe("conditional", WEIGHT, self.arguments.steps, "width = 1", MOSAIC, self.folder)
        row = told_widths(trained("widths", plan, self.folder, self.arguments.minutes))
        show(f"λ = {WEIGHT:g}, and the width of channels", row)
        return {"widths": row}


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train, draw and sample."""
    image = recipe("generator", 0.0, arguments.steps).load_image()
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(arguments, Path(arguments.folder or temporary), windows(arguments.windows), image)
        figures = [getattr(bench, part)() for part in arguments.parts]
    same = {name: getattr(arguments, name) for name in ("windows", "steps", "minutes")}
    return {name: value for each in (*figures, same) for name, value in each.items()}


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.trained_conditioning", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="at most, for the training of each generator")
    parser.add_argument("--steps", type=int, default=3000, help="of each training, if the minutes are enough")
    parser.add_argument("--lambdas", type=_weights, default=list(LAMBDAS), help="weights, such as 0,1,10")
    parser.add_argument("--windows", type=int, default=64, help="windows of which data are taken")
    parser.add_argument("--draws", type=int, default=4, help="fields for the data of each window")
    parser.add_argument("--parts", type=_parts, default=list(PARTS), help=f"of {', '.join(PARTS)}, such as lambdas")
    parser.add_argument("--folder", help="where to leave the priors")
    return parser.parse_args(words)


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there is no part {min(unknown)}; give some of {', '.join(PARTS)}")
    return parts


def _weights(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
