"""Networks for two CPU cores.

Two 3×3 layers (dilation 1 and 2) on the latent map of 1/16 resolution give the reach, three 6×6 stride-½ layers and a
3×3 layer refine, and the last 10×10 stride-½ layer gives one channel, so that nothing is computed at full resolution.
Widths are powers of two and stride-2 windows even, which the polyphase form fills without waste. Every layer of the
discriminator gives scores, so small windows are judged as well as large ones.
"""

from ._architecture import DiscriminatorArchitecture, GeneratorArchitecture, Layer, Stage, TowerArchitecture
from ._architectures import ARCHITECTURES, Architecture

LAYERS = (
    Layer("same", 128, 3, 1),
    Layer("same", 128, 3, 2),
    Layer("up", 64, 6),
    Layer("up", 32, 6),
    Layer("up", 32, 6),
    Layer("same", 32, 3),
    Layer("up", 1, 10, smooth=2),
)


@ARCHITECTURES.register("compact")
def compact(ndim: int) -> Architecture:
    """Four latent channels; spectral normalisation in the discriminator."""
    stages = (*(Stage(width, 4, 2) for width in (32, 64, 128, 128)), Stage(1, 3, 1))
    judge = DiscriminatorArchitecture(ndim, (TowerArchitecture(stages, every_layer=True),), "spectral")
    return Architecture(GeneratorArchitecture(ndim, 4, LAYERS), judge)
