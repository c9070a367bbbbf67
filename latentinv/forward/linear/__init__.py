"""Linear forward models: any matrix, averages, gravity, convolutional seismic."""

from ._averaging import averaging as averaging
from ._box_means import BoxMeans as BoxMeans
from ._gravity import gravity as gravity
from ._linear import LinearForward as LinearForward
from ._operators import sparse_operator as sparse_operator
from ._seismic import ConvolutionalSeismic as ConvolutionalSeismic
from ._seismic import ricker as ricker
