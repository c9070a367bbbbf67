"""Forward models: from a property of the ground to what would be measured."""

from .core import FORWARDS as FORWARDS
from .core import AbstractForward as AbstractForward
from .external import ExternalForward as ExternalForward
from .external import Function as Function
from .external import FunctionForward as FunctionForward
from .external import umbridge_model as umbridge_model
from .flow import Aquifer as Aquifer
from .flow import SteadyFlow as SteadyFlow
from .flow import SteadyFlux as SteadyFlux
from .flow import TransientFlow as TransientFlow
from .flow import TransientFlux as TransientFlux
from .flow import steady_flux as steady_flux
from .flow import steady_heads as steady_heads
from .flow import transient_flux as transient_flux
from .flow import transient_heads as transient_heads
from .linear import BoxMeans as BoxMeans
from .linear import ConvolutionalSeismic as ConvolutionalSeismic
from .linear import LinearForward as LinearForward
from .linear import averaging as averaging
from .linear import gravity as gravity
from .linear import ricker as ricker
from .rays import CurvedRays as CurvedRays
from .rays import StraightRays as StraightRays
from .rays import ray_lengths as ray_lengths
