"""Running an algorithm: the choice of one, the driver, the record of a run, loading and resuming it."""

from ._beforehand import available_memory as available_memory
from ._beforehand import check_memory as check_memory
from ._beforehand import memory_needed as memory_needed
from ._beforehand import say_bytes as say_bytes
from ._beforehand import seconds_needed as seconds_needed
from ._choice import Choice as Choice
from ._choice import choose_algorithm as choose_algorithm
from ._driver import Listener as Listener
from ._driver import resume as resume
from ._driver import sample as sample
from ._loading import is_run_of as is_run_of
from ._loading import load_run as load_run
from ._loading import posterior_of as posterior_of
from ._run import Run as Run
from ._run import run_of_tables as run_of_tables
from ._settings import default_settings as default_settings
from ._settings import make_algorithm as make_algorithm
