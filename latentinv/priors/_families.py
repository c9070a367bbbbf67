"""The families of priors, and how a prior is found and loaded. What is not listed here cannot be loaded from a file."""

from pathlib import Path
from typing import Any

from latentinv.errors import StorageError
from latentinv.priors.composed import HierarchicalPrior, PlurigaussianPrior
from latentinv.priors.core import AbstractPrior
from latentinv.priors.gaussian import CholeskyPrior, SPDEPrior, SpectralPrior
from latentinv.priors.learned import GeneratorPrior
from latentinv.storage import PriorRecord, read_prior

FAMILIES: dict[str, Any] = {
    family.family: family
    for family in (GeneratorPrior, CholeskyPrior, SpectralPrior, SPDEPrior, PlurigaussianPrior, HierarchicalPrior)
}


def load_prior(path: str | Path) -> AbstractPrior:
    """Load a prior from a file, or one that comes with the package by its name (``channels``, ``meanders``).

    Raises
    ------
    StorageError
        If there is no such file, or it is damaged, of another kind or of a newer version.
    """
    return prior_from_record(read_prior(find_prior(path)))


def prior_from_record(record: PriorRecord) -> AbstractPrior:
    """Make a prior from the content of its file, by its family."""
    if record.family not in FAMILIES:
        raise StorageError(
            f"The prior is of family '{record.family}', which this version does not know; update latentinv."
        )
    prior: AbstractPrior = FAMILIES[record.family].from_record(record)
    return prior


def find_prior(path: str | Path) -> Path:
    """Resolve a prior's file: a path as it is, else a shipped prior of that name, which no folder can hide."""
    given = Path(path)
    if given.is_file() or given.suffix or given.parent != Path("."):
        return given
    shipped = {file.stem: file for file in sorted(_model_folder().glob("*.h5"))}
    if given.name in shipped:
        return shipped[given.name]
    raise StorageError(
        f"There is no prior called '{given.name}'; give a file's path or one of the shipped priors: "
        f"{', '.join(shipped)}."
    )


def _model_folder() -> Path:
    """The folder of the shipped priors: the package's own, or in a checkout the one beside the package."""
    package = Path(__file__).resolve().parents[1]
    own = package / "models"
    return own if own.is_dir() else package.parent / "models"
