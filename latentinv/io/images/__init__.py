"""Images of geology as files hold them, one format a file of this package."""

from ._format import IMAGE_FORMATS as IMAGE_FORMATS
from ._format import AbstractImageFormat as AbstractImageFormat
from ._reading import FIRST_ROWS as FIRST_ROWS
from ._reading import FirstRow as FirstRow
from ._reading import read_image as read_image
