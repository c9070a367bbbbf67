"""The kinds of forward model: run files name a kind, and this finds the class that reads it back."""

from ._forward import AbstractForward
from ._function import FunctionForward
from ._groundwater import SteadyFlow, TransientFlow
from ._linear import LinearForward
from ._seismic import ConvolutionalSeismic
from ._straight_rays import StraightRays

FORWARDS: dict[str, type[AbstractForward]] = {
    LinearForward.kind: LinearForward,
    SteadyFlow.kind: SteadyFlow,
    TransientFlow.kind: TransientFlow,
    StraightRays.kind: StraightRays,
    ConvolutionalSeismic.kind: ConvolutionalSeismic,
    FunctionForward.kind: FunctionForward,
}
