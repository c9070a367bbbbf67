"""Forward models: from a property of the ground to what would be measured."""

from ._aquifer import Aquifer as Aquifer
from ._aquifer import steady_flux as steady_flux
from ._aquifer import steady_heads as steady_heads
from ._aquifer import transient_flux as transient_flux
from ._aquifer import transient_heads as transient_heads
from ._averaging import averaging as averaging
from ._eikonal import CurvedRays as CurvedRays
from ._external import ExternalForward as ExternalForward
from ._forward import AbstractForward as AbstractForward
from ._function import Function as Function
from ._function import FunctionForward as FunctionForward
from ._gravity import gravity as gravity
from ._groundwater import SteadyFlow as SteadyFlow
from ._groundwater import SteadyFlux as SteadyFlux
from ._groundwater import TransientFlow as TransientFlow
from ._groundwater import TransientFlux as TransientFlux
from ._linear import LinearForward as LinearForward
from ._registry import FORWARDS as FORWARDS
from ._seismic import ConvolutionalSeismic as ConvolutionalSeismic
from ._seismic import ricker as ricker
from ._straight_rays import StraightRays as StraightRays
from ._straight_rays import ray_lengths as ray_lengths
