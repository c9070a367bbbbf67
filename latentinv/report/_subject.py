"""The run that a page is about, with all that several of its sections need."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int

from latentinv.data import Report
from latentinv.forward.core import Mark, Points
from latentinv.inference import ALGORITHMS
from latentinv.inference.core import AbstractApproximation, kernel_of
from latentinv.inference.diagnostics import Diagnosis
from latentinv.inference.run import Run, load_run, make_algorithm
from latentinv.plotting import View, views_of
from latentinv.priors import AbstractFaciesModel
from latentinv.storage import RunFile, RunHeader

Nature = Literal["draws", "approximate draws", "best fits", "particles"]
LEAST_DRAWS = 25
"""Fewer draws than these cannot tell the worth or the leverage of a datum from chance."""


class Subject(NamedTuple):
    """A run and how the page speaks of it."""

    run: Run
    header: RunHeader
    path: Path
    prior_file: Path | None
    """The prior's own file, beside which its card may lie."""
    nature: Nature
    """What the rows of the run are."""
    marks: tuple[Mark, ...]
    views: tuple[View, ...]
    reports: list[list[Report]]
    diagnosis: Diagnosis

    @property
    def model(self) -> AbstractFaciesModel | None:
        """How fields are read as facies; None for a continuous property."""
        return self.run.posterior.prior.facies_model

    @property
    def categories(self) -> tuple[int, ...]:
        """Facies codes; empty for a continuous property."""
        return () if self.model is None else tuple(self.model.categories)

    @property
    def number(self) -> int:
        """Number of draws."""
        return len(self.run.latents)

    @property
    def noun(self) -> str:
        """What the rows of the run are called in sentences."""
        return "draws" if self.nature == "approximate draws" else self.nature

    @property
    def spread_counts(self) -> bool:
        """Whether the spread of the rows stands for uncertainty."""
        return self.number > 1 and self.nature in ("draws", "approximate draws")

    @property
    def counted(self) -> str:
        """How many there are of what: ``64 draws``."""
        return f"{self.number} {self.nature if self.number != 1 else self.nature.removesuffix('s')}"

    def without_spread(self) -> str:
        """Why nothing is said that needs the spread of draws."""
        if not self.number:
            return "The run has no draw, so nothing can be said here."
        if self.nature == "best fits":
            return (
                "Left out: these are best fits, and how they differ from each other is not the uncertainty of the "
                "ground. Run 'smc' or another algorithm that draws from the posterior for this."
            )
        if self.nature == "particles":
            return "Left out: the run is not finished, so its particles do not follow the posterior yet. Resume it."
        return "Left out: a single draw says nothing of uncertainty."


def subject_of(path: Path, prior_file: Path | None) -> Subject:
    """Read a run for a report.

    Raises
    ------
    StorageError
        If the file cannot be read.
    """
    store = RunFile.open(path)
    run = load_run(path)
    marks = tuple(mark for observation in run.posterior.observations for mark in observation.marks())
    views = views_of(run.posterior.grid, _seen_cells(run, marks))
    return Subject(
        run, store.header, path, prior_file, _nature(run, store), marks, views, run.reports(), run.diagnose()
    )


def _nature(run: Run, store: RunFile) -> Nature:
    if run.algorithm in ALGORITHMS and ALGORITHMS[run.algorithm].best_fits:
        return "best fits"
    if not run.finished and run.chains is None:
        return "particles"
    kernel = kernel_of(make_algorithm(run.algorithm, store.header.options))
    if any(observation.missing for observation in run.posterior.observations):
        # Without its forward model a posterior cannot be tried for being Gaussian, when an approximation may be exact.
        return "approximate draws" if isinstance(kernel, AbstractApproximation) else "draws"
    return "draws" if kernel.samples_target(run.posterior) else "approximate draws"


def _seen_cells(run: Run, marks: tuple[Mark, ...]) -> Int[np.ndarray, "cell axis"] | None:
    """Cells in which a facies was seen, through which sections should go."""
    places = [mark.coordinates for mark in marks if isinstance(mark, Points) and mark.codes is not None]
    return run.posterior.grid.cells(np.concatenate(places)) if places and len(np.concatenate(places)) else None


def spread_over(count: int, most: int) -> Int[np.ndarray, "chosen"]:
    """Positions of at most `most` of `count` rows, evenly spread."""
    chosen: np.ndarray = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
    return chosen
