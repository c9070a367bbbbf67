"""What kind of file the user gave."""

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import typer

from latentinv.errors import InputError, StorageError

from ._parse import PICTURES, check_amount

Kind = Literal["prior", "run", "training"]
KINDS: tuple[Kind, ...] = ("prior", "run", "training")

FieldsOutput = Annotated[
    Path,
    typer.Option(
        "--output",
        metavar="FILE",
        help="Picture (.png, .pdf, .svg), arrays (.npz), what 'export' writes (.gslib, .csv, .nc …), or HDF5 (.h5) "
        "for fields of any size.",
    ),
]


def kind_of(path: Path) -> Kind:
    """Determine what a file is: a prior, a run, or the checkpoint of a training.

    Raises
    ------
    StorageError
        If it cannot be read or is none of them.
    """
    from latentinv.storage import format_of

    found = format_of(path).removeprefix("latentinv-")
    for kind in KINDS:
        if found == kind:
            return kind
    wanted = "give a prior, a run or the checkpoint of a training"
    if found == "fields":
        raise StorageError(
            f"{path} holds fields that 'latentinv generate' drew; {wanted}, or draw the same fields as a "
            "picture: generate them again with --output FIELDS.png."
        )
    raise StorageError(f"{path} is a calibration study; {wanted}.")


def require_new_run(path: Path) -> None:
    """Check that a run's file does not exist yet.

    Raises
    ------
    InputError
        If it holds an unfinished run, which can be resumed.
    StorageError
        If it exists otherwise.
    """
    from latentinv.storage import RunFile, require_new

    with contextlib.suppress(StorageError):  # no run that can be read
        if path.is_file() and not RunFile.open(path).finished:
            unfinished = f"{path} holds an unfinished run. To continue it: latentinv resume {path}. To start again, "
            raise InputError(f"{unfinished}choose another name or remove the file.")
    require_new(path)


def require_new_fields(path: Path, count: int, shape: tuple[int, ...]) -> bool:
    """Check that fields can be written to a file, which does not exist yet; True if it is to be a picture.

    Raises
    ------
    InputError
        If the file's extension is not supported, or the fields are too large for it.
    StorageError
        If it exists.
    """
    from latentinv.io.fields import FIELD_FORMATS
    from latentinv.io.maps import MAP_FORMATS
    from latentinv.registration import format_by_ending
    from latentinv.storage import require_new

    drawn = path.suffix.lower() in PICTURES
    form = None if drawn else format_by_ending(path, FIELD_FORMATS, MAP_FORMATS, also=PICTURES)
    if not getattr(form, "tiled", False):
        check_amount(count, shape, "write them to .h5")
    require_new(path)
    return drawn


def free_name(path: Path) -> Path:
    """The path, or if it exists the first of ``NAME-2``, ``NAME-3`` … that is free."""
    number, candidate = 1, path
    while candidate.exists():
        number += 1
        candidate = path.with_stem(f"{path.stem}-{number}")
    return candidate
