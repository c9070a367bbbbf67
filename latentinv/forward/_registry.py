"""The kinds of forward model: run files name a kind, and this finds the class that reads it back."""

from latentinv.forward.core import AbstractForward
from latentinv.forward.external import ExternalForward, FunctionForward
from latentinv.forward.flow import SteadyFlow, SteadyFlux, TransientFlow, TransientFlux
from latentinv.forward.linear import ConvolutionalSeismic, LinearForward
from latentinv.forward.rays import CurvedRays, StraightRays

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
