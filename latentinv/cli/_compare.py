"""`latentinv compare`: whether runs of one posterior agree."""

from pathlib import Path
from typing import Annotated

import typer

from latentinv.errors import InputError

from ._console import make_console
from ._json import Json, print_json


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN …", help="Run files (.h5) of the same posterior.")],
    as_json: Json = False,
) -> None:
    """Say whether runs agree: what their draws say of each quantity, and R-hat between them."""
    if len(runs) < 2:
        raise InputError("One run was given; give two or more, such as latentinv compare a.h5 b.h5.")

    from latentinv.inference.diagnostics import diagnose
    from latentinv.inference.run import load_run

    found = diagnose([load_run(path) for path in runs])
    if as_json:
        return print_json({"runs": runs, "quantities": found.quantities, "warnings": found.warnings})
    make_console().print(str(found))
