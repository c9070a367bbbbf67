"""Forward models of the user: JAX functions, and simulators outside JAX."""

from ._external import ExternalForward as ExternalForward
from ._function import Function as Function
from ._function import FunctionForward as FunctionForward
from ._umbridge import umbridge_model as umbridge_model
