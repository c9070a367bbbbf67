"""Neural networks as functions of weights, and the exact fast convolutions they are made of."""

from ._architecture import DiscriminatorArchitecture as DiscriminatorArchitecture
from ._architecture import GeneratorArchitecture as GeneratorArchitecture
from ._architecture import Layer as Layer
from ._architectures import ARCHITECTURES as ARCHITECTURES
from ._architectures import Architecture as Architecture
from ._architectures import discriminator_architecture as discriminator_architecture
from ._architectures import generator_architecture as generator_architecture
from ._convolution import FAST as FAST
from ._convolution import convolve as convolve
from ._convolution import convolve_strided as convolve_strided
from ._convolution import convolve_transposed as convolve_transposed
from ._convolution import depth_to_space as depth_to_space
from ._convolution import polyphase as polyphase
from ._convolution import space_to_depth as space_to_depth
from ._critic import SLOPE as SLOPE
from ._critic import Critic as Critic
from ._critic import Maps as Maps
from ._critic import Scores as Scores
from ._critic import convolve_padded as convolve_padded
from ._generator import FoldedLayer as FoldedLayer
from ._generator import chain as chain
from ._generator import synthesize as synthesize
from ._generator import to_folded_layer as to_folded_layer
