"""`latentinv report`: one HTML page about a run."""

from pathlib import Path
from typing import Annotated

import typer

from ._console import make_console
from ._parse import check_extension

ENDINGS = (".html", ".htm")


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run file (.h5).")],
    output: Annotated[
        Path | None, typer.Option(help="Page to write (.html; default: the run's name, beside it).")
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="PRIOR",
            help="The run's prior, a file or the name of a shipped one, to show its card. A shipped prior is found "
            "without it.",
        ),
    ] = None,
) -> None:
    """Write a page about a run: what was asked, what came out, and how far it can be trusted."""
    target = output or run.with_suffix(".html")
    check_extension(target, *ENDINGS)

    from latentinv.report import write_report

    write_report(run, target, prior=prior)
    make_console().print(f"report in {target}", soft_wrap=True)
