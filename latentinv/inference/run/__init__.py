"""Running an algorithm: the choice of one, the driver, the record of a run, and resuming it."""

from ._choice import Choice as Choice
from ._choice import choose_algorithm as choose_algorithm
from ._driver import Listener as Listener
from ._driver import Run as Run
from ._driver import posterior_of as posterior_of
from ._driver import resume as resume
from ._driver import sample as sample
from ._registry import ALGORITHMS as ALGORITHMS
from ._registry import default_settings as default_settings
from ._registry import make_algorithm as make_algorithm
