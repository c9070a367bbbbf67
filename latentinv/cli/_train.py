"""`latentinv train`: learn a prior from a training image."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ._console import interruptible, make_console, plain_table, say_seconds, to_continue
from ._memory import TRAINING_TOO_LARGE, fitting_in_memory

if TYPE_CHECKING:
    from latentinv.training import Comparison, Recipe, TrainingResult

    from ._display import Display


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="Recipe of the training (.toml).")],
    output: Annotated[Path | None, typer.Option(help="Prior file to write (default: RECIPE.h5 here).")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this time.")] = None,
) -> None:
    """Train a prior on an image."""
    from latentinv.training import read_recipe, require_new_training
    from latentinv.training import train as train_prior

    from ._display import Display

    target = output or Path(f"{recipe.stem}.h5")
    require_new_training(target)
    plan = read_recipe(recipe)
    console = make_console()
    begun = time.monotonic()
    with fitting_in_memory(lambda: TRAINING_TOO_LARGE), interruptible(lambda: how_to_continue(target)):
        with Display(console, "train") as display:
            listener = TrainingDisplay(display, plan, target, minutes)
            steps, first = plan.training.steps, min(plan.training.evaluate_every, plan.training.steps)
            display.update(0.0, f"{steps} steps; first comparison with the image after step {first}")
            result = train_prior(plan, target, minutes=minutes, listener=listener)
        print_training(console, result, target, time.monotonic() - begun)


def how_to_continue(output: Path) -> str:
    """Say how to continue an interrupted training."""
    from latentinv.training import checkpoint_path

    checkpoint = checkpoint_path(output)
    if checkpoint.exists():
        return f"Stopped. {to_continue(checkpoint)} (from the last comparison with the image)"
    return "Stopped; nothing was written."


class TrainingDisplay:
    """Shows the losses and how the fields compare with the image."""

    def __init__(self, display: "Display", recipe: "Recipe", output: Path, minutes: float | None = None) -> None:
        from latentinv.training import sheet_path

        self._display, self._steps, self._minutes = display, recipe.training.steps, minutes
        self._share = share_of(continuous=recipe.image.continuous)
        self._sheet = sheet_path(output)
        self._begun = time.monotonic()
        self._losses, self._compared = (
            "",
            f"first comparison with the image soon; samples will be in {self._sheet}",
        )

    def on_step(self, step: int, losses: "tuple") -> None:
        """Show a finished step; only where there is a bar."""
        discriminator, generator = (float(loss) for loss in losses)
        self._losses = f"losses: discriminator {discriminator:.3f}, generator {generator:.3f}"
        self._tell(step, line=False)

    def on_comparison(self, step: int, comparison: "Comparison", kept: bool) -> None:
        """Show how the fields compare with the image."""
        new = "" if self._compared.startswith(self._share) else f"samples in {self._sheet}"
        best = "best so far" if kept else "not better"
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


def print_training(console: Console, result: "TrainingResult", output: Path, seconds: float) -> None:
    """Print how good the prior is and where the files lie."""
    from latentinv.training import sheet_path

    comparison = result.comparison
    table = plain_table()
    share = share_of(continuous=result.prior.facies_model is None)
    table.add_row(share, f"{comparison.share:.3f} before calibration, image {comparison.share_reference:.3f}")
    variation = f"{comparison.total_variation:.4f}, image {comparison.total_variation_reference:.4f}"
    table.add_row("total variation", variation)
    table.add_row("patterns", f"{comparison.patterns:.1f} times the floor (the difference between parts of the image)")
    table.add_row("Euler number", f"{comparison.pieces:.1f} times the floor")
    table.add_row("connectivity", f"{comparison.connectivity:.1f} times the floor")
    table.add_row("steps", str(result.steps))
    table.add_row("time", say_seconds(seconds))
    table.add_row("prior", str(output))
    table.add_row("samples", str(sheet_path(output)))
    console.print(table)
