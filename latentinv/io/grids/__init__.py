"""Grids as files state them: where a raster lies, how large its cells are and how it is turned, one format a file."""

from ._format import GRID_FORMATS as GRID_FORMATS
from ._format import AbstractGridFormat as AbstractGridFormat
from ._format import cell_size as cell_size
from ._format import read_grid as read_grid
