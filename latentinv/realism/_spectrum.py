"""Power spectrum: how much of the variance lies at which wavelength, whatever the direction.

The mean of each image is subtracted; it is tapered by a Hann window along every axis (without it the jump from one
border to the opposite leaks over all wavelengths and hides steep spectra), Fourier transformed, and its squared
amplitude is averaged in rings. Ring j holds the wavelengths near n / j cells, where n is the image's shortest side; the
taper mixes each ring with its neighbours. The power is normalised so that white noise of variance s has power s in
every ring.

Cost: one FFT an image.
"""

import numpy as np
import scipy.fft
import scipy.signal
from jaxtyping import Float, Real

from latentinv.errors import InputError

from ._per_image import PerImage, as_stack, each


def radial_power_spectrum(images: Real[np.ndarray, "image *grid"]) -> PerImage:
    """Power in rings 1, 2, … up to half the shortest side; ring j has j waves along that side.

    Raises
    ------
    InputError
        If an axis is shorter than 8 cells.
    """
    stack = as_stack(images)
    shape = stack.shape[1:]
    if min(shape) < 8:
        raise InputError(
            f"A power spectrum was requested for images of {shape} cells; give at least 8 along each axis."
        )
    taper = np.ones(())
    for n in shape:
        taper = np.multiply.outer(taper, scipy.signal.windows.hann(n, sym=False))
    squares = [np.square(f * min(shape)) for f in np.ix_(*map(scipy.fft.fftfreq, shape))]
    ring = np.rint(np.sqrt(sum(squares))).astype(int).ravel()
    rings = slice(1, min(shape) // 2 + 1)
    count = np.bincount(ring)[rings]

    def measure(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        tapered = (image - np.average(image, weights=taper)) * taper
        power = np.abs(scipy.fft.fftn(tapered)) ** 2 / np.square(taper).sum()
        return np.bincount(ring, power.ravel())[rings], count

    return each(stack, measure)


def spectral_slope(power: Float[np.ndarray, "*batch ring"]) -> Float[np.ndarray, "*batch"]:
    """Slope of log power against log wavenumber, least squares over the rings from 3 to a quarter of the side.

    The longest waves, which the taper mixes, and the shortest, where the cells are seen, are left out. Facies with
    sharp boundaries and fields of exponential variogram tend to −3 in 2-D and −4 in 3-D; smoother fields are steeper.

    Raises
    ------
    InputError
        If fewer than two rings are left, or a ring has no power.
    """
    power = np.asarray(power, float)
    fitted = slice(2, power.shape[-1] // 2)
    logs = np.arange(1, power.shape[-1] + 1)[fitted]
    if len(logs) < 2 or np.any(power[..., fitted] <= 0):
        raise InputError(
            f"A spectral slope was requested for {power.shape[-1]} rings, of which those from 3 to a half are fitted; "
            "expected at least 8 rings, all with power, so give larger images that vary."
        )
    logs = np.log(logs)
    deviations = logs - logs.mean()
    return np.log(power[..., fitted]) @ deviations / (deviations @ deviations)
