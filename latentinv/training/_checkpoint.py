"""Checkpoints of trainings: where they lie, and what they say without being resumed."""

from pathlib import Path
from typing import Any, NamedTuple

from latentinv.storage import open_hdf5

from ._recipe import Recipe, parse_recipe

FORMAT, VERSION = "latentinv-training", 3


class TrainingPlan(NamedTuple):
    """The training that a checkpoint belongs to."""

    recipe: Recipe
    output: Path
    """The prior's file."""
    image_sha256: str


class TrainingProgress(NamedTuple):
    """How far a training has come, as its checkpoint says."""

    plan: TrainingPlan
    step: int
    kept: dict[str, float]
    """The comparison of the best state so far, and its ``step``; empty before the first."""
    seconds: float
    """Wall time spent, all sessions together."""


def read_plan(checkpoint: str | Path) -> TrainingPlan:
    """Read from a checkpoint which training it belongs to.

    Raises
    ------
    InputError
        If this version cannot read the recipe.
    StorageError
        If the checkpoint cannot be read.
    """
    with open_hdf5(checkpoint, FORMAT, VERSION) as file:
        text, folder, digest, output = (
            str(file.attrs[name]) for name in ("recipe", "folder", "image_sha256", "output")
        )
    return TrainingPlan(parse_recipe(text, Path(folder)), Path(checkpoint).with_name(output), digest)


def read_training_progress(checkpoint: str | Path) -> TrainingProgress:
    """Read how far a training has come, also while it runs.

    Raises
    ------
    InputError
        If this version cannot read the recipe.
    StorageError
        If the checkpoint cannot be read.
    """
    plan = read_plan(checkpoint)
    with open_hdf5(checkpoint, FORMAT, VERSION) as file:
        return TrainingProgress(plan, int(file.attrs["steps"]), kept_of(file), float(file.attrs["seconds"]))


def kept_of(file: Any) -> dict[str, float]:
    """The comparison of the state that a checkpoint keeps, and its step."""
    return {name[5:]: float(file.attrs[name]) for name in file.attrs if name.startswith("kept_")}


def checkpoint_path(output: str | Path) -> Path:
    """Path of the checkpoint of a prior's training."""
    return Path(output).with_suffix(".training.h5")


def sheet_path(output: str | Path) -> Path:
    """Path of the sheet of samples of a prior's training."""
    return Path(output).with_suffix(".samples.png")
