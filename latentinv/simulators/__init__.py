"""The user's simulators, and how they are run; nothing here imports JAX, so that worker processes start quickly."""

from ._cache import EvaluationCache as EvaluationCache
from ._cache import evaluation_key as evaluation_key
from ._dask import Dask as Dask
from ._executable import PLACEHOLDER as PLACEHOLDER
from ._executable import Executable as Executable
from ._executor import AbstractExecutor as AbstractExecutor
from ._executor import InProcess as InProcess
from ._output import read_numbers as read_numbers
from ._processes import Processes as Processes
from ._simulator import KINDS as KINDS
from ._simulator import Outcome as Outcome
from ._simulator import SimulationFailure as SimulationFailure
from ._simulator import Simulator as Simulator
from ._simulator import Task as Task
from ._simulator import attempt as attempt
from ._threads import Threads as Threads
from ._umbridge import UMBridge as UMBridge
