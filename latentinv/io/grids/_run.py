"""The grid of a run, so that another study is on the same cells."""

from pathlib import Path
from typing import final

from latentinv.grid import Grid
from latentinv.storage import RunFile

from ._format import GRID_FORMATS, AbstractGridFormat


@final
@GRID_FORMATS.register("run")
class RunGrid(AbstractGridFormat):
    """Any grid."""

    endings = (".h5",)

    def read(self, path: Path) -> Grid:
        """Read the run's header."""
        return RunFile.open(path).header.grid
