"""`compact` with latent maps at four resolutions, so that fine detail does not pass through the coarsest one.

Noise enters at 1/16, 1/8, 1/4 and 1/2 of the field's resolution (Ulyanov et al. 2016, arXiv:1603.03417), the last
hidden layer is twice as wide, and the last kernel is free, so that bodies may be a cell thin. It wants a discriminator
of small windows that sees facies, against single cells along their edges.
"""

from ._architecture import GeneratorArchitecture, Layer
from ._architectures import ARCHITECTURES, Architecture
from ._compact import compact

LAYERS = (
    Layer("same", 128, 3, 1),
    Layer("same", 128, 3, 2),
    Layer("up", 64, 6),
    Layer("up", 32, 6, noise=2),
    Layer("up", 32, 6, noise=2),
    Layer("same", 64, 3, noise=1),
    Layer("up", 1, 6),
)


@ARCHITECTURES.register("pyramid")
def pyramid(ndim: int) -> Architecture:
    """Four channels in the coarsest latent map; the discriminator of `compact`."""
    return Architecture(GeneratorArchitecture(ndim, 4, LAYERS), compact(ndim).discriminator)
