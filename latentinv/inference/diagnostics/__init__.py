"""How far draws can be trusted: R-hat, effective sample sizes, and the quantities they are computed for."""

from ._arviz import to_arviz as to_arviz
from ._convergence import effective_sample_size as effective_sample_size
from ._convergence import rhat as rhat
from ._diagnostics import Diagnosis as Diagnosis
from ._diagnostics import Quantity as Quantity
from ._diagnostics import diagnose as diagnose
from ._maps import run_maps as run_maps
from ._monitor import Monitor as Monitor
from ._parameters import Parameter as Parameter
from ._parameters import inferred as inferred
from ._parameters import parameters as parameters
