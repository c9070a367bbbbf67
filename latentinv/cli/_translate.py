"""`latentinv translate`: fields in the style of a prior that have the coarse map of a given field, and honour wells; or
what a network that was trained for a pair of styles makes of the field.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._console import interruptible, make_console
from ._files import FieldsOutput, require_new_fields
from ._parse import check_seed, parse_grid, parse_shape, parse_stands

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from jaxtyping import Float, Int

    from latentinv.grid import Grid
    from latentinv.inference import Run
    from latentinv.io.fields import Fields
    from latentinv.posterior import Posterior
    from latentinv.priors import CyclePrior
    from latentinv.priors.core import AbstractPrior

    from ._display import Display

LEAST = 16
"""Draws that are weighed against each other, however few are written."""


def translate(
    field: Annotated[
        Path,
        typer.Argument(metavar="MAP", help="Facies in another style, on the grid: an image file, as 'train' takes."),
    ],
    prior: Annotated[
        str, typer.Option(metavar="PRIOR", help="Prior file, or the name of a shipped prior: the style to take.")
    ],
    output: FieldsOutput,
    edges: Annotated[
        str | None,
        typer.Option(
            metavar="ROWSxCOLUMNS",
            help="Cells of a block of the coarse map that is kept, such as 8x16; the largest that the prior draws if "
            "omitted.",
        ),
    ] = None,
    facies: Annotated[
        str | None,
        typer.Option(
            metavar="CODE=FACIES,…",
            help="For each code of the map the facies of the prior, or of the source of a prior of family cycle, by "
            "code or name, such as '0=0,255=1'; the codes are its own if omitted.",
        ),
    ] = None,
    wells: Annotated[
        list[Path] | None,
        typer.Option(help="Wells: CSV with x, y, facies (code or name); one row per borehole cell. Repeatable."),
    ] = None,
    spacing: Annotated[str, typer.Option(help="Edge of a cell in metres: one number, or x,y(,z).")] = "1",
    origin: Annotated[str, typer.Option(help="Least x,y(,z) of the grid in metres.")] = "0",
    count: Annotated[int, typer.Option(min=1, help="Number of fields.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 0,
) -> None:
    """Translate a field of another style into the style of a prior.

    Of a sequential prior both share a coarse map of blocks; within blocks the prior decides. A prior of family 'cycle'
    has a network that was trained for its source's style and its own, and gives one translation.
    """
    check_seed(seed)
    size = None if edges is None else parse_shape(edges, what="size of blocks", such="8x16")
    stands, codes = parse_stands(facies), _read(field)
    cells = "x".join(map(str, codes.shape))
    drawn = require_new_fields(output, count, codes.shape)
    place = parse_grid(cells, spacing, origin)

    from latentinv.data import HardData
    from latentinv.posterior import Posterior
    from latentinv.priors import CyclePrior, coarse_map, load_prior, translation_prior

    from ._display import Display
    from ._field_files import check_panels, draw_picture, fields_to_write, write_drawn

    if drawn:
        check_panels(count)
    model, console = load_prior(prior), make_console()
    if isinstance(model, CyclePrior):
        _check_network(count, edges, wells)
        _write_one(output, model, model.translate(codes, facies=stands), place, f"translation of {field.name}", drawn)
        console.print(f"1 field of {cells} cells in {output}", soft_wrap=True)
        return
    blocks = coarse_map(
        model, codes, size, facies=stands
    )  # first, so that a map that cannot be used is refused at once
    known = [HardData.from_csv(path, place, model) for path in wells or []]
    given = translation_prior(model, codes, size, facies=stands, wells=known)
    with interruptible(lambda: "Stopped; nothing was written."), Display(console, "translate") as display:
        if known:
            _say_changed(display, blocks, coarse_map(model, codes, size, facies=stands, wells=known))
            run = _sampled(Posterior(given, place, known), count, seed, display)
            _write_run(output, run, count, seed, f"translations of {field.name} that honour wells", drawn=drawn)
        elif drawn:
            draw_picture(output, given, place, count, seed, display, f"translations of {field.name}")
        else:
            write_drawn(output, fields_to_write(given, place, count, seed, display))
    console.print(f"{count} {'field' if count == 1 else 'fields'} of {cells} cells in {output}", soft_wrap=True)


def _check_network(count: int, edges: str | None, wells: list[Path] | None) -> None:
    """Refuse what a network that translates a field as it is has no use for."""
    from latentinv.errors import InputError

    given = "The prior is of family 'cycle', whose network makes one translation of a field"
    if wells:
        raise InputError(
            f"{given} and honours no wells; leave --wells out, or condition the prior to them by 'latentinv run'."
        )
    if edges is not None or count > 1:
        raise InputError(f"{given}; it knows no blocks and draws nothing, so leave --edges and --count out.")


def _write_one(
    path: Path, prior: "CyclePrior", field: "Int[np.ndarray, '*grid']", grid: "Grid", what: str, drawn: bool
) -> None:
    """Write one field that has no latents, or draw it."""
    import numpy as np

    from ._drawing import draw_sheet
    from ._field_files import write_drawn

    if drawn:
        draw_sheet(field[None], grid, path, **_told(prior, what))
        return
    whole = field.astype(prior.realization_type)
    none = np.zeros(0, np.float32)
    origin = {"prior": prior.fingerprint(), "what": what}
    write_drawn(path, _fields(prior, grid, 1, lambda _: none, lambda _: whole, origin))


def _read(path: Path) -> "Float[np.ndarray, '*grid']":
    """Codes of a map, NaN where it has none."""
    import numpy as np

    from latentinv.io import missing_cells
    from latentinv.io.images import read_image

    array = np.asarray(read_image(path, usual="facies"), float)
    flat = array.reshape(array.shape[1:]) if array.ndim == 3 and len(array) == 1 else array
    return np.where(missing_cells(flat), np.nan, flat)


def _say_changed(
    display: "Display", of_map: "Float[np.ndarray, '*block']", with_wells: "Float[np.ndarray, '*block']"
) -> None:
    """Say in how many blocks the wells contradict the map."""
    import numpy as np

    if changed := int(np.sum(~np.isclose(of_map, with_wells, equal_nan=True))):
        blocks = "one block" if changed == 1 else f"{changed} blocks"
        display.note(f"In {blocks} the wells contradict the map; there the coarse map is what the wells say.")


def _sampled(posterior: "Posterior", count: int, seed: int, display: "Display") -> "Run":
    """Draws that honour the wells and have the map, weighed as the prior has them."""
    import dataclasses

    from latentinv.inference import choose_algorithm, sample

    from ._display import RunListener
    from ._summary import exit_if_infeasible

    choice = choose_algorithm(posterior)
    few = dataclasses.replace(choice.algorithm, particles=max(LEAST, count))  # type: ignore[type-var]
    run = sample(posterior, few, seed=seed, listener=RunListener(display))
    exit_if_infeasible(run)
    return run


def _write_run(path: Path, run: "Run", count: int, seed: int, title: str, *, drawn: bool) -> None:
    """Write draws that are spread over a population, for neighbours may share their ancestry."""
    import numpy as np

    from ._drawing import draw_sheet
    from ._field_files import write_drawn

    chosen = np.linspace(0, len(run.latents) - 1, count).round().astype(int)
    prior, grid, draws = run.posterior.prior, run.posterior.grid, run.realizations[chosen]
    if drawn:
        draw_sheet(draws, grid, path, **_told(prior, f"{title}, seed {seed}"))
        return
    origin = {"prior": prior.fingerprint(), "seed": seed, "what": title}
    write_drawn(path, _fields(prior, grid, count, lambda n: run.latents[chosen[n]], lambda n: draws[n], origin))


def _told(prior: "AbstractPrior", title: str) -> dict[str, Any]:
    from ._drawing import categories_of, labels_of

    return {"categories": categories_of(prior), "labels": labels_of(prior), "title": title}


def _fields(
    prior: "AbstractPrior",
    grid: "Grid",
    count: int,
    latents: "Callable[[int], np.ndarray]",
    whole: "Callable[[int], np.ndarray]",
    origin: dict[str, Any],
) -> "Fields":
    """Fields that are in memory."""
    import numpy as np

    from latentinv.io.fields import Fields

    model = prior.facies_model
    assert model is not None
    names = dict(zip(model.categories, model.names, strict=False))
    kind = np.dtype(prior.realization_type)
    return Fields("facies", grid, count, kind, latents, lambda n: iter([((...,), whole(n))]), origin, names)
