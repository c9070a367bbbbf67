"""Pictures of fields and runs."""

from ._calibration import plot_calibration as plot_calibration
from ._fields import MOST_PANELS as MOST_PANELS
from ._fields import plot_fields as plot_fields
from ._film import film_fields as film_fields
from ._realism import plot_realism as plot_realism
from ._run import plot_run as plot_run
from ._style import ENDINGS as ENDINGS
from ._style import check_ending as check_ending
