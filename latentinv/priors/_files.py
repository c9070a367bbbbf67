"""How a prior is found and loaded."""

from pathlib import Path

from latentinv.errors import StorageError
from latentinv.priors.core import AbstractPrior, prior_from_record
from latentinv.storage import read_prior


def load_prior(path: str | Path) -> AbstractPrior:
    """Load a prior from a file, or a shipped prior by its name (``channels``, ``channels_vae``, ``meanders``).

    Raises
    ------
    StorageError
        If there is no such file, or it is damaged, of another kind or of a newer version.
    """
    return prior_from_record(read_prior(find_prior(path)))


def find_prior(path: str | Path) -> Path:
    """Resolve a prior's file: a path as it is, or else a shipped prior of that name, which no folder can hide."""
    given = Path(path)
    if given.is_file() or given.suffix or given.parent != Path("."):
        return given
    shipped = shipped_priors()
    if given.name in shipped:
        return shipped[given.name]
    raise StorageError(
        f"There is no prior called '{given.name}'; give a file's path or one of the shipped priors: "
        f"{', '.join(shipped)}."
    )


def shipped_priors() -> dict[str, Path]:
    """Files of the shipped priors by name."""
    return {file.stem: file for file in sorted(_model_folder().glob("*.h5"))}


def _model_folder() -> Path:
    """The folder of the shipped priors: the package's own, or in a checkout the one beside the package."""
    package = Path(__file__).resolve().parents[1]
    own = package / "models"
    return own if own.is_dir() else package.parent / "models"
