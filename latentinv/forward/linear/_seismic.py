"""Convolutional seismic: every column of cells gives one trace.

    r_i = (I_{i+1} − I_i) / (I_{i+1} + I_i),     trace = w * r

with the acoustic impedance I of the cells of a column, from the top down in steps of equal two-way time, the
reflectivity r at normal incidence, and the wavelet w; no multiples, no losses (Robinson and Treitel 2008, *Digital
Imaging and Deconvolution*, doi:10.1190/1.9781560801610). O(cells × samples of the wavelet).
"""

import math
from typing import final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.forward.core import FORWARDS, AbstractForward
from latentinv.grid import Grid
from latentinv.pytrees import pytree


@final
@FORWARDS.register("convolutional_seismic")
@pytree("wavelet")
class ConvolutionalSeismic(AbstractForward):
    """Amplitudes of normal-incidence traces, from acoustic impedance.

    Parameters
    ----------
    grid
        The cells: a vertical section (``axes="xz"``) or three dimensions, cut along z in steps of equal two-way time.
        A trace runs from the top down, wherever the grid says the top is.
    wavelet
        Its samples at the cells' interval, of odd number, time 0 in the middle.

    Raises
    ------
    InputError
        If the wavelet has no middle or is not finite, or the grid is a map or has one cell along time.
    """

    kind = "convolutional_seismic"

    def __init__(self, grid: Grid, wavelet: Float[np.ndarray, "sample"]) -> None:
        self.grid, self.wavelet = grid, np.asarray(wavelet, float)
        if self.wavelet.ndim != 1 or self.wavelet.size % 2 == 0 or not np.all(np.isfinite(self.wavelet)):
            raise InputError(
                f"The wavelet has shape {self.wavelet.shape}; give an odd number of finite samples in one row."
            )
        if not grid.vertical:
            raise InputError(
                f"Given a map of {grid.shape} cells for traces; give a vertical section, Grid(..., axes='xz'), or a "
                "grid of three axes."
            )
        if grid.shape[0] < 2:
            raise InputError("The grid has one cell along time, so nothing reflects; give at least two.")

    @property
    def count(self) -> int:
        """One amplitude for every face between cells along time."""
        return (self.grid.shape[0] - 1) * math.prod(self.grid.shape[1:])

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Amplitudes at the faces between cells, in array order (the least z first), from impedances."""
        downward = property if self.grid.depth else property[::-1]
        above, below = downward[:-1], downward[1:]
        reflectivity = (below - above) / (below + above)
        traces = reflectivity.reshape(len(reflectivity), -1)
        kernel = jnp.asarray(self.wavelet, traces.dtype)

        def convolved(trace: Float[Array, "face"]) -> Float[Array, "sample"]:
            # By default accelerators round the factors of a convolution to ten bits.
            return jnp.convolve(trace, kernel, mode="full", precision="highest")

        seen = jax.vmap(convolved, 1, 1)(traces)[self._kept]
        return (seen if self.grid.depth else seen[::-1]).ravel()

    @property
    def _kept(self) -> slice:
        """Samples of a full convolution at the faces."""
        half = self.wavelet.size // 2
        return slice(half, half + self.grid.shape[0] - 1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The wavelet."""
        return {"wavelet": self.wavelet}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "ConvolutionalSeismic":
        """Restore the model."""
        return cls(grid, arrays["wavelet"])


def ricker(frequency: float, interval: float) -> Float[np.ndarray, "sample"]:
    """Ricker's wavelet (1953, doi:10.1190/1.1437843), (1 − 2 a²) exp(−a²) with a = π · frequency · time.

    Parameters
    ----------
    frequency
        Where its spectrum is largest, in hertz.
    interval
        Between samples, in seconds; a quarter of a period at most.

    Raises
    ------
    InputError
        If one is not positive, or samples are too far apart.
    """
    if not (0 < frequency < math.inf and 0 < interval <= 0.25 / frequency):
        raise InputError(
            f"Given a Ricker wavelet of {frequency} Hz at an interval of {interval} s; give a frequency above "
            "0 and four samples per period at least."
        )
    half = math.ceil(1.5 / (frequency * interval))
    phase = np.pi * frequency * interval * np.arange(-half, half + 1)
    return (1 - 2 * phase**2) * np.exp(-(phase**2))
