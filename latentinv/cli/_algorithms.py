"""`latentinv algorithms`: the algorithms for `latentinv condition`, and the settings of each."""

import re
from typing import Annotated, Any

import typer

from ._console import make_console, plain_table
from ._json import Json, print_json


def algorithms(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Algorithm whose settings to describe.")] = None,
    as_json: Json = False,
) -> None:
    """List the algorithms for 'condition', or describe one and its settings."""
    import inspect

    from latentinv.inference import ALGORITHMS
    from latentinv.inference.run import default_settings

    console, table = make_console(), plain_table()
    if as_json:
        return print_json({one: default_settings(one) for one in (ALGORITHMS if name is None else [name])})
    if name is None:
        for known, algorithm in ALGORITHMS.items():
            table.add_row(known, (inspect.getdoc(algorithm) or "").partition("\n")[0])
        console.print(table)
        console.print("'latentinv algorithms NAME' describes one of them and its settings.", soft_wrap=True)
        return
    defaults = default_settings(name)
    for line in _description(ALGORITHMS[name], defaults):
        console.print(line.replace("`", ""), soft_wrap=True)


def _description(algorithm: type, defaults: dict[str, Any]) -> list[str]:
    """Describe an algorithm and its settings: first its own, then those shared with others of its kind."""
    import inspect

    words = ""
    settings: dict[str, str] = {}
    for kind in algorithm.__mro__:
        first, _, parameters = (inspect.cleandoc(kind.__dict__.get("__doc__") or "")).partition(
            "Parameters\n----------\n"
        )
        words = words or first.partition("\n")[0]
        # A name stands alone on its line, and its description, indented, below it.
        entries = re.findall(r"^(\w+)\n((?: .*\n?)+)", parameters.partition("\n\nRaises\n")[0], re.MULTILINE)
        settings = {**dict(entries), **settings}
    return [words, "", "Settings, with their defaults:"] + [
        f"{name} = {str(default).lower()}\n{settings.get(name, '').rstrip()}" for name, default in defaults.items()
    ]
