"""Fields written for other programs, one format a file of this package."""

from ._format import FIELD_FORMATS as FIELD_FORMATS
from ._format import AbstractFieldFormat as AbstractFieldFormat
from ._format import Fields as Fields
from ._writing import write_fields as write_fields
