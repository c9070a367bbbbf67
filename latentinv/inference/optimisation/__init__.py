"""Best fits from many starts, and their optimisers."""

from ._completion import Completion as Completion
from ._lbfgs import Descent as Descent
from ._lbfgs import begin_descent as begin_descent
from ._lbfgs import descend as descend
from ._multistart_map import MultistartMAP as MultistartMAP
