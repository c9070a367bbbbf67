"""Linear forward models: any matrix, block averages, gravity, convolutional seismic."""

from ._averaging import averaging as averaging
from ._gravity import gravity as gravity
from ._linear import LinearForward as LinearForward
from ._seismic import ConvolutionalSeismic as ConvolutionalSeismic
from ._seismic import ricker as ricker
