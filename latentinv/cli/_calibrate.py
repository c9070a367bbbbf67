"""`latentinv calibrate`: test whether an algorithm's posteriors are right on a problem; table, JSON, page, verdict."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._console import interruptible, make_console
from ._parse import check_extension
from ._programs import tell_programs

if TYPE_CHECKING:
    from latentinv.calibration import Calibration


def calibrate(
    study: Annotated[
        Path,
        typer.Argument(
            metavar="STUDY",
            help="Study file (.toml): prior, grid, places of wells, blocks and rays, algorithm; see 'latentinv init'.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            help="JSON file of the figures; replicates (.h5) and a page of pictures (.png) are written beside it."
        ),
    ],
    replicates: Annotated[int | None, typer.Option(min=2, help="Number of truths; the study's own if omitted.")] = None,
) -> None:
    """Simulate data from known truths, sample their posteriors, and test that these are right.

    Finished replicates are kept, and the same command continues from them.
    """
    check_extension(output, ".json")

    import dataclasses

    from latentinv.calibration import calibrate as run_and_judge
    from latentinv.calibration import read_study
    from latentinv.plotting import plot_calibration
    from latentinv.storage import atomic_file, require_new

    from ._display import Display

    store, picture = output.with_suffix(".h5"), output.with_suffix(".png")
    if not store.exists():  # continuing a study replaces its own figures
        for path in (output, picture):
            require_new(path)
    plan = read_study(study)
    if replicates is not None:
        plan = dataclasses.replace(plan, replicates=replicates)
    console = make_console()
    tell_programs(console, plan.posterior.observations)
    stopped = f"Stopped. To continue, give the same command again; finished replicates are in {store}."
    with (
        interruptible(lambda: stopped if store.exists() else "Stopped; nothing was written."),
        Display(console, "calibrate") as display,
    ):

        def tell(done: int, words: str) -> None:
            line = done % 10 == 0 or words.startswith("failed")
            display.update(done / plan.replicates, f"replicate {done}/{plan.replicates}, {words}", line=line)

        found = run_and_judge(plan, store, tell)
    plot_calibration(found, picture, title=f"{study.stem}: '{found.algorithm}', {found.replicates} replicates")
    with atomic_file(output) as file:
        file.write(json.dumps(_finite(found.as_json()), indent=1, allow_nan=False).encode())
    console.print(_table(found))
    for sentence in (found.verdict(), f"Figures in {output}, pictures in {picture}, replicates in {store}"):
        console.print(sentence, soft_wrap=True)


def _finite(value: Any) -> Any:
    """The value as JSON types, with null for numbers that are not finite."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return value if not isinstance(value, float) or abs(value) < float("inf") else None


def _table(found: "Calibration") -> Any:
    from rich.table import Table

    table = Table("quantity", "rank test p", "likely flaw, where p is small")
    sbc = found.sbc
    for number, (name, p) in enumerate(zip(sbc.names, sbc.p_values, strict=True)):
        table.add_row(name, f"{p:.3f}", sbc.flaw(number) if p < 0.05 else "")
    table.add_section()
    table.add_row("all quantities", f"{sbc.p_value:.3f}", "")
    table.add_row("expected coverage", f"{found.tarp.p_value:.3f}", "")
    table.add_section()
    for level, (mean, error) in found.coverage:
        table.add_row(f"pixels within the central {100 * level:g} %", "", f"{100 * mean:.1f} ± {100 * error:.1f} %")
    table.add_row("pixel score less that of a draw", "", "{:+.4f} ± {:.4f}".format(*found.score_excess))
    return table
