"""`latentinv algorithms`: what there is to condition with, and the settings of each."""

from typing import Annotated

import typer

from ._console import make_console, plain_table


def algorithms(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Algorithm whose settings to describe.")] = None,
) -> None:
    """List the algorithms for 'condition', or describe one and its settings."""
    import inspect
    import re

    from latentinv.inference import ALGORITHMS
    from latentinv.inference.run import default_settings

    console, table = make_console(), plain_table()
    if name is None:
        for known, algorithm in ALGORITHMS.items():
            table.add_row(known, (inspect.getdoc(algorithm) or "").partition("\n")[0])
        console.print(table)
        console.print("'latentinv algorithms NAME' describes one of them and its settings.", soft_wrap=True)
        return
    defaults = default_settings(name)
    words = re.sub(r"\nParameters\n-+\n", "\nSettings:\n", inspect.getdoc(ALGORITHMS[name]) or "")
    console.print(words.replace("`", ""), soft_wrap=True)
    console.print("\nDefaults:")
    for setting, default in defaults.items():
        table.add_row(f"  {setting}", str(default).lower())
    console.print(table)
