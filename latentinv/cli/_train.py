"""`latentinv train`: learn a prior from a training image."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer
from rich.console import Console

from latentinv.errors import InputError

from ._console import Quiet, interruptible, make_console, plain_table, say_seconds, to_continue, warn
from ._json import Json, print_json
from ._memory import TRAINING_TOO_LARGE, fitting_in_memory
from ._parse import check_extension, parse_files, parse_names

if TYPE_CHECKING:
    from latentinv.training import Comparison, Recipe, TrainingImage, TrainingResult

    from ._display import Display

MINUTES = 30
"""Time for a training on an image, unless it is given."""


def train(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Training image, or a recipe (.toml).")],
    output: Annotated[Path | None, typer.Option(help="Prior file to write (default: SOURCE.h5 here).")] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0, help=f"Time for the training (default: {MINUTES} for an image, as long as a recipe takes)."
        ),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Name of the image's array, where an .npz holds several.")] = None,
    first_row: Annotated[
        Literal["north", "south"] | None,
        typer.Option(
            help="Where the file's first row lies (default: in the north, or at the top, in pictures, in the south in "
            "arrays and text)."
        ),
    ] = None,
    continuous: Annotated[
        bool, typer.Option("--continuous", help="The image is of a continuous property, not of facies.")
    ] = False,
    missing: Annotated[
        list[float] | None,
        typer.Option(
            help="Code of missing values in the image (default: the usual ones, such as -9999); may be repeated."
        ),
    ] = None,
    classes: Annotated[
        int | None,
        typer.Option(
            min=2, max=16, help="How many facies a picture with blurred edges shows; those with most cells are kept."
        ),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            metavar="CODE=NAME,…",
            help="What the facies are called, by code (or colour of the picture), such as '0=clay,1=sand'.",
        ),
    ] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="NAME=FILE",
            help="A map of the image's cells by which its geology differs, such as depth=depth.asc, or azimuth=FILE of "
            "directions in degrees clockwise from north; may be repeated.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a prior on an image."""
    from latentinv.storage import require_new
    from latentinv.training import card_path, require_new_training
    from latentinv.training import train as train_prior

    from ._display import Display

    target = output or Path(f"{source.stem}.h5")
    check_extension(target, ".h5")
    require_new_training(target)
    require_new(card_path(target))
    console = make_console(quiet=quiet or as_json)
    begun = time.monotonic()
    own = source.suffix != ".toml"
    with fitting_in_memory(lambda: TRAINING_TOO_LARGE), interruptible(lambda: how_to_continue(target)):
        called, files = parse_names(names), parse_files(maps or [])
        reading = Reading(key, first_row, continuous, missing or None, classes, called, files)
        plan = _plan(source, target, reading)
        _describe(console, plan.load_image())
        if size := _cells(plan):
            console.print(size, soft_wrap=True)
        allowed = MINUTES if own and minutes is None else minutes
        with Display(console, "train") as display:
            listener = TrainingDisplay(display, plan, target, allowed, chosen=own)
            result = train_prior(plan, target, minutes=allowed, fill=own, listener=listener)
        print_training(console, result, listener.recipe, target, time.monotonic() - begun, as_json=as_json)


class Reading(NamedTuple):
    """How an image is read, as options say."""

    key: str | None
    first_row: Literal["north", "south"] | None
    continuous: bool
    missing: list[float] | None
    classes: int | None
    names: dict[str, str] | None
    maps: dict[str, str]


def _plan(source: Path, target: Path, reading: Reading) -> "Recipe":
    """The recipe, chosen or read."""
    from latentinv.storage import require_new
    from latentinv.training import choose_recipe, read_recipe

    if source.suffix != ".toml":
        require_new(recipe_path(target))
        return choose_recipe(source, folder=target.parent, **reading._asdict())
    if any(value for value in reading):
        given = "--key, --first-row, --continuous, --missing, --classes, --names and --map are for images"
        raise InputError(f"{given}, but a recipe was given; write them into its [image] instead.")
    return read_recipe(source)


def _cells(plan: "Recipe") -> str:
    """Say how large cells are, where the image's file states it."""
    from latentinv.io.grids import cell_size
    from latentinv.training import find_image

    if plan.image.file is None or (edges := cell_size(find_image(plan.image.file, plan.folder))) is None:
        return ""
    each = " × ".join(f"{edge * plan.image.coarsen:g}" for edge in edges)
    coarse = "" if plan.image.coarsen == 1 else f", coarsened by {plan.image.coarsen},"
    return f"Cells of the image{coarse} are {each} m by its file; give grids of the prior this spacing."


def _describe(console: Console, image: "TrainingImage") -> None:
    """Say what was read, and warn of what looks misread."""
    from latentinv.training import described, slivers

    console.print(f"Image: {described(image)}.", soft_wrap=True)
    for one in image.maps:
        console.print(f"Map: {one.described}.", soft_wrap=True)
    if thin := slivers(image):
        left = len(image.categories) - len(thin)
        each = ", ".join(str(code) for code in thin)
        warn(
            console,
            f"facies {each} only lie along edges, between others, as in a picture that was resized; if they are none, "
            f"stop and train again with --classes {left}.",
        )


def recipe_path(output: Path) -> Path:
    """Path of the recipe that is chosen for an image."""
    return output.with_suffix(".toml")


def how_to_continue(output: Path) -> str:
    """Say how to continue an interrupted training."""
    from latentinv.training import checkpoint_path

    checkpoint = checkpoint_path(output)
    if checkpoint.exists():
        return f"Stopped. {to_continue(checkpoint)} (from the last comparison with the image)"
    return "Stopped; nothing was written."


class TrainingDisplay:
    """Shows the losses and how the fields compare with the image."""

    def __init__(
        self,
        display: "Display",
        recipe: "Recipe",
        output: Path,
        minutes: float | None = None,
        *,
        chosen: bool = False,
    ) -> None:
        from latentinv.training import sheet_path

        self._display, self._minutes, self._output = display, minutes, output
        self._share = share_of(continuous=recipe.image.continuous)
        self._sheet = sheet_path(output)
        self._begun = time.monotonic()
        self._losses, self._compared = "", ""
        self._known, self._done = not chosen, 0
        self._take(recipe)
        if chosen:
            display.update(0.0, "compiling, then measuring the pace of the first steps")

    def _take(self, recipe: "Recipe") -> None:
        self.recipe, self._steps = recipe, recipe.training.steps
        if self._known:
            every = recipe.training.evaluate_every
            first = min((self._done // every + 1) * every, self._steps)
            self._compared = f"first comparison with the image after step {first}; samples will be in {self._sheet}"
            self._display.update(0.0, f"{self._steps} steps; {self._compared}")

    def on_plan(self, recipe: "Recipe") -> None:
        """Write the recipe, whose numbers of steps are known now."""
        from latentinv.storage import atomic_file

        place = recipe_path(self._output)
        with atomic_file(place) as file:
            file.write(recipe.text.encode())
        self._display.note(f"Recipe for {recipe.training.steps} steps in {place}; change it and train with it.")
        self._known = True
        self._take(recipe)

    def on_step(self, step: int, losses: Any) -> None:
        """Show a finished step; only where there is a bar."""
        each = zip(losses._fields, losses, strict=True)
        self._losses = f"losses: {', '.join(f'{name} {float(loss):.3f}' for name, loss in each)}"
        self._done = step
        if self._known:
            self._tell(step, line=False)

    def on_comparison(self, step: int, comparison: "Comparison", kept: bool) -> None:
        """Show how the fields compare with the image."""
        new = "" if self._compared.startswith(self._share) else f"samples in {self._sheet}"
        best = "kept" if kept else "copies the image" if comparison.copies else "not better"
        self._compared = (
            f"{say_comparison(comparison, self._share)}, in all {comparison.score:.2f} times the floor ({best})"
        )
        if new:
            self._display.note(new)
        self._tell(step, line=True)

    def _tell(self, step: int, *, line: bool) -> None:
        done = step / self._steps
        if self._minutes:
            done = max(done, min(1.0, (time.monotonic() - self._begun) / (60 * self._minutes)))
        self._display.update(done, f"step {step} of {self._steps}; {self._losses}; {self._compared}", line=line)


def share_of(*, continuous: bool) -> str:
    """Name what the share in a comparison is a share of."""
    return "share of the highest values" if continuous else "facies share"


def say_comparison(comparison: "Comparison", share: str) -> str:
    """State the share, named by `share`, and the total variation, each beside the image's."""
    return (
        f"{share} {comparison.share:.3f} (image {comparison.share_reference:.3f}), "
        f"total variation {comparison.total_variation:.4f} (image {comparison.total_variation_reference:.4f})"
    )


def print_training(
    console: Console,
    result: "TrainingResult",
    recipe: "Recipe",
    output: Path,
    seconds: float,
    *,
    as_json: bool = False,
) -> None:
    """Measure how good the prior is, write its card, and print the verdict and where the files lie."""
    from latentinv.storage import atomic_file
    from latentinv.training import assess, card, card_path, sheet_path

    image = recipe.load_image()
    with console.status("comparing fields with the image"):
        found = assess(result.prior, image, recipe.training.patch, held_out=recipe.held_out_image())
    with atomic_file(card_path(output)) as file:
        file.write(card(output.stem, result.prior, image, found).encode())
    if as_json:
        return print_json(
            {
                "prior": str(output),
                "samples": str(sheet_path(output)),
                "card": str(card_path(output)),
                "steps": result.steps,
                "ended_early": result.ended_early,
                "seconds": seconds,
                "times_floor": {measure.name: measure.times_floor for measure in found.realism.measures},
                "verdict": found.realism.verdict(),
                "reconstruction": None if found.reconstruction is None else found.reconstruction._asdict(),
                "honouring": None if found.honouring is None else found.honouring._asdict(),
            }
        )
    table = plain_table()
    comparison = result.comparison
    share = share_of(continuous=result.prior.facies_model is None)
    table.add_row(share, f"{comparison.share:.3f} before calibration, image {comparison.share_reference:.3f}")
    variation = f"{comparison.total_variation:.4f}, image {comparison.total_variation_reference:.4f}"
    table.add_row("total variation", variation)
    worst = sorted(found.realism.measures, key=lambda measure: -measure.times_floor)[:3]
    for measure in worst:
        table.add_row(
            measure.name, f"{measure.times_floor:.1f} times the floor (the difference between parts of the image)"
        )
    if (again := found.reconstruction) is not None:
        table.add_row("reconstruction", f"accuracy {again.improved:.4f}, by the encoder alone {again.accuracy:.4f}")
    if (given := found.honouring) is not None:
        honoured, chance = (f"{100 * share:.1f} %" for share in (given.honoured, given.chance))
        table.add_row("given cells", f"{honoured} honoured, {chance} of them without being given")
    early = "; it had stopped improving" if result.ended_early else ""
    table.add_row("steps", f"{result.steps} of {recipe.training.steps}{early}")
    table.add_row("time", say_seconds(seconds))
    table.add_row("prior", str(output))
    table.add_row("samples", str(sheet_path(output)))
    table.add_row("card", str(card_path(output)))
    console.print(table)
    console.print(found.realism.verdict(), soft_wrap=True)
