"""The spatial GAN of Laloy et al. (2018, doi:10.1002/2017WR022148): five 5×5 stride-½ layers, one latent channel.

Widths are 512-256-128-64-1; the discriminator mirrors them with 9×9 stride-2 layers and batch statistics.
"""

from ._architecture import DiscriminatorArchitecture, GeneratorArchitecture, Layer, Stage, TowerArchitecture
from ._architectures import ARCHITECTURES, Architecture

LAYERS = tuple(Layer("up", width, 5) for width in (512, 256, 128, 64))


@ARCHITECTURES.register("sgan")
def sgan(ndim: int) -> Architecture:
    """The published networks."""
    return Architecture(GeneratorArchitecture(ndim, 1, (*LAYERS, Layer("up", 1, 5))), discriminator(ndim))


def discriminator(ndim: int) -> DiscriminatorArchitecture:
    """The published discriminator."""
    stages = tuple(Stage(width, 9, 2) for width in (64, 128, 256, 512, 1))
    return DiscriminatorArchitecture(ndim, (TowerArchitecture(stages),), "batch")
