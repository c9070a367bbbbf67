"""The kinds of forward model: run files name a kind, and this finds the class that reads it back."""

from ._eikonal import CurvedRays
from ._external import ExternalForward
from ._forward import AbstractForward
from ._function import FunctionForward
from ._groundwater import SteadyFlow, SteadyFlux, TransientFlow, TransientFlux
from ._linear import LinearForward
from ._seismic import ConvolutionalSeismic
from ._straight_rays import StraightRays

FORWARDS: dict[str, type[AbstractForward]] = {
    LinearForward.kind: LinearForward,
    SteadyFlow.kind: SteadyFlow,
    SteadyFlux.kind: SteadyFlux,
    TransientFlow.kind: TransientFlow,
    TransientFlux.kind: TransientFlux,
    StraightRays.kind: StraightRays,
    CurvedRays.kind: CurvedRays,
    ConvolutionalSeismic.kind: ConvolutionalSeismic,
    FunctionForward.kind: FunctionForward,
    ExternalForward.kind: ExternalForward,
}
