"""Pictures of fields and runs."""

from ._calibration import plot_calibration as plot_calibration
from ._fields import MOST_PANELS as MOST_PANELS
from ._fields import plot_fields as plot_fields
from ._film import film_fields as film_fields
from ._panels import draw_crossplot as draw_crossplot
from ._panels import draw_histogram as draw_histogram
from ._panels import draw_panel as draw_panel
from ._panels import draw_residuals as draw_residuals
from ._panels import draw_volume as draw_volume
from ._realism import plot_realism as plot_realism
from ._run import plot_run as plot_run
from ._style import ENDINGS as ENDINGS
from ._style import check_ending as check_ending
from ._style import facies_colours as facies_colours
from ._view import View as View
from ._view import views_of as views_of
from ._volume import is_volume as is_volume
from ._volumes import MOST_VOLUMES as MOST_VOLUMES
from ._volumes import plot_volumes as plot_volumes
