"""The dilated variant of the spatial GAN (Laloy et al. 2018, doi:10.1002/2017WR022148).

The same five layers, the fifth of width 16, then five 3×3 layers of rates 1 to 5 (16-16-16-16-1). Widths and windows of
these layers are our choice.
"""

from ._architecture import GeneratorArchitecture, Layer
from ._architectures import ARCHITECTURES, Architecture
from ._sgan import LAYERS, discriminator


@ARCHITECTURES.register("dsgan")
def dsgan(ndim: int) -> Architecture:
    """The spatial GAN with dilated layers at full resolution."""
    dilated = (*(Layer("same", 16, 3, rate) for rate in (1, 2, 3, 4)), Layer("same", 1, 3, 5))
    return Architecture(GeneratorArchitecture(ndim, 1, (*LAYERS, Layer("up", 16, 5), *dilated)), discriminator(ndim))
