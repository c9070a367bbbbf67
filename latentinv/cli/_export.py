"""`latentinv export`: maps and realizations of a run in the formats of other programs."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from latentinv.errors import InputError

from ._console import make_console


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run file (.h5).")],
    output: Annotated[
        Path,
        typer.Option(
            help="File to write; its ending says how: .csv, .gslib, .sgems, .nc (netCDF), .zarr, .asc (Esri), .tif, "
            ".vts (VTK), .roff, .grdecl."
        ),
    ],
    layers: Annotated[
        list[str] | None,
        typer.Option("--layer", help="Write this layer only, such as 'entropy'. Repeatable; all unless given."),
    ] = None,
    maps_only: Annotated[bool, typer.Option("--maps-only", help="Leave the realizations out.")] = False,
) -> None:
    """Write what a run knows of each cell for other programs."""
    from latentinv.inference.diagnostics import run_maps
    from latentinv.inference.run import load_run
    from latentinv.io.maps import MAP_FORMATS, write_maps
    from latentinv.registration import format_by_ending
    from latentinv.storage import require_new

    format_by_ending(output, MAP_FORMATS)
    require_new(output)
    maps = run_maps(load_run(run), realizations=not (maps_only or layers))
    if layers:
        unknown = [name for name in layers if name not in maps.layers]
        if unknown:
            raise InputError(f"The run has no layer '{unknown[0]}'; it has {', '.join(maps.layers)}.")
        maps = dataclasses.replace(maps, layers={name: maps.layers[name] for name in layers})
    write_maps(output, maps)
    draws = "" if maps.realizations is None else f" and {len(maps.realizations)} realizations"
    make_console().print(f"{', '.join(maps.layers)}{draws} in {output}", soft_wrap=True)
