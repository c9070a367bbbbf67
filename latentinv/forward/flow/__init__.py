"""Groundwater flow."""

from ._aquifer import Aquifer as Aquifer
from ._aquifer import steady_flux as steady_flux
from ._aquifer import steady_heads as steady_heads
from ._aquifer import transient_flux as transient_flux
from ._aquifer import transient_heads as transient_heads
from ._groundwater import SteadyFlow as SteadyFlow
from ._groundwater import SteadyFlux as SteadyFlux
from ._groundwater import TransientFlow as TransientFlow
from ._groundwater import TransientFlux as TransientFlux
