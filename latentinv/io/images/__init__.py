"""Images of geology as files hold them, one format a file of this package."""

from ._format import IMAGE_FORMATS as IMAGE_FORMATS
from ._format import AbstractImageFormat as AbstractImageFormat
from ._format import Content as Content
from ._reading import FIRST_ROWS as FIRST_ROWS
from ._reading import FirstRow as FirstRow
from ._reading import read_content as read_content
from ._reading import read_image as read_image
from ._reading import usual_first_row as usual_first_row
from ._sgems import read_sgems as read_sgems
