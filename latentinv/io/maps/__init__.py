"""Maps of a grid's cells in the formats of other programs, one format a file of this package."""

from ._format import MAP_FORMATS as MAP_FORMATS
from ._format import AbstractMapFormat as AbstractMapFormat
from ._format import Maps as Maps
from ._format import write_maps as write_maps
from ._netcdf import to_xarray as to_xarray
