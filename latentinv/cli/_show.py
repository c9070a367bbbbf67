"""`latentinv show`: what is in a run or a prior, in words and one picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from latentinv.errors import InputError

from ._console import make_console, plain_table, to_continue
from ._files import free_name, kind_of
from ._json import Json, print_json
from ._summary import exit_if_infeasible, print_run, run_record

if TYPE_CHECKING:
    from latentinv.priors.core import AbstractPrior
    from latentinv.storage import RunFile

SHEET = {2: ((128, 128), 8), 3: ((32, 64, 64), 4)}
"""Shape and number of the fields on a prior's sheet of samples, by the number of axes."""
SMALLER = {2: (64, 64), 3: (16, 16, 16)}
"""Shape for priors that cannot generate that many cells."""


def show(
    file: Annotated[
        str, typer.Argument(metavar="RUN|PRIOR", help="Run file, prior file, or the name of a shipped prior.")
    ],
    output: Annotated[Path | None, typer.Option(help="Picture to write (default: NAME.png here).")] = None,
    as_json: Json = False,
) -> None:
    """Show what is in a run or a prior, and draw it."""
    from latentinv.plotting import check_ending
    from latentinv.priors import find_prior
    from latentinv.storage import require_new

    if output is not None:
        check_ending(output)
        require_new(output)
    path = find_prior(file)
    kind = kind_of(path)
    if kind == "training":
        raise InputError(f"{path} is the checkpoint of a training; to continue: latentinv resume {path}")
    if as_json:
        return print_json(_prior_record(path) if kind == "prior" else _run_record(path))
    picture = output or free_name(Path(f"{path.stem}.png"))
    (_show_prior if kind == "prior" else _show_run)(path, picture)


def _show_prior(path: Path, picture: Path) -> None:
    from latentinv.priors import load_prior

    prior = load_prior(path)
    console = make_console()
    _print_prior(console, prior)
    card = path.with_suffix(".md")
    if card.is_file():
        console.print(f"model card: {card}", soft_wrap=True)
    draw_samples(prior, path.name, picture)
    console.print(f"sheet of samples in {picture}", soft_wrap=True)


def draw_samples(prior: "AbstractPrior", name: str, picture: Path) -> None:
    """Draw a sheet of fields of a prior."""
    from latentinv.grid import Grid
    from latentinv.keys import from_seed

    from ._drawing import categories_of, draw_fields, draw_sheet, labels_of

    usual, count = SHEET[prior.ndim]
    shape = prior.only_shape or usual
    try:
        prior.latent_size(Grid(shape))
    except InputError:  # the prior serves small grids only
        shape = SMALLER[prior.ndim]
    fields, _ = draw_fields(prior, Grid(shape), count, from_seed(0, "show"))
    title, labels = f"draws of {name}", labels_of(prior)
    draw_sheet(fields, Grid(shape), picture, categories=categories_of(prior), labels=labels, title=title)


def _prior_record(path: Path) -> dict[str, Any]:
    from latentinv.priors import load_prior

    prior = load_prior(path)
    model = prior.facies_model
    facies, names = (None, None) if model is None else (model.categories, model.names)
    head = {"file": path, "family": prior.to_record().family, "axes": prior.ndim, "digest": prior.fingerprint()}
    return {**prior.describe(), **head, "facies": facies, "names": names}


def _run_record(path: Path) -> dict[str, Any]:
    from latentinv.inference.run import load_run
    from latentinv.storage import RunFile

    store = RunFile.open(path)
    header = store.header
    place = {name: getattr(header.grid, name) for name in ("shape", "spacing", "origin", "rotation", "axes", "z_axis")}
    head = {
        "file": path,
        "prior": header.prior.family,
        "grid": place,
        "seed": header.seed,
        "target": header.target,
        "choice": header.choice,
        "settings": header.options,
    }
    return run_record(load_run(path), **head) if store.has_state else {**head, "finished": False, "steps": 0}


def _print_prior(console: Console, prior: "AbstractPrior") -> None:
    from latentinv.priors.core import in_words

    table = plain_table()
    table.add_row("family", prior.to_record().family)
    table.add_row("axes", str(prior.ndim))
    table.add_row("digest", prior.fingerprint())
    for name, value in prior.describe().items():
        table.add_row(name.replace("_", " "), in_words(value))
    console.print(table)


def _show_run(path: Path, picture: Path) -> None:
    from latentinv.inference.run import load_run
    from latentinv.plotting import plot_run
    from latentinv.storage import RunFile

    store = RunFile.open(path)
    console = make_console()
    _print_header(console, store)
    if not store.has_state:
        console.print(f"No step has been saved yet. {to_continue(path)}", soft_wrap=True)
        return
    run = load_run(path)
    drawn = run.finished or store.draw_count > 0
    print_run(console, run, {}, noun="draws" if drawn else "particles")
    if not run.finished:
        for observation in run.posterior.observations:
            if observation.missing:
                console.print(f"To continue: {observation.missing}", soft_wrap=True)
    if len(run.latents):
        plot_run(run, picture, drawn=drawn)
        console.print(f"picture in {picture}", soft_wrap=True)
    else:
        console.print("There is no draw, and so no picture.", soft_wrap=True)
    exit_if_infeasible(run)


def _print_header(console: Console, store: "RunFile") -> None:
    header = store.header
    table = plain_table()
    provenance = header.prior.metadata.get("provenance", {})
    table.add_row(
        "prior",
        ", ".join([header.prior.family, *(str(provenance[k]) for k in ("image",) if k in provenance)]),
    )
    if header.prior.names:
        table.add_row("facies", ", ".join(header.prior.names))
    cells = " x ".join(str(n) for n in header.grid.shape)
    table.add_row("grid", f"{cells} cells, {header.grid.describe()}")
    for observation in header.observations:
        table.add_row("data", f"{observation.name} ({observation.kind.replace('_', ' ')})")
    options = ", ".join(f"{name} {value}" for name, value in sorted(header.options.items()))
    table.add_row("algorithm", f"{header.algorithm}, target {header.target}, seed {header.seed}")
    if header.choice:
        table.add_row("choice", header.choice)
    table.add_row("settings", options)
    table.add_row("state", f"{'finished' if store.finished else 'unfinished'} after step {store.steps}")
    if store.message:
        table.add_row("progress", store.message)
    console.print(table)
