"""Images whose statistics are known, for the tests of this folder."""

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage

DATA = Path(os.environ.get("LATENTINV_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


def checkerboard(shape):
    return (np.indices(shape).sum(axis=0) % 2).astype(np.uint8)[None]


def stripes(shape, axis, width):
    """Bands of a width of 1 and 0 in turn, piled along an axis."""
    return (np.indices(shape)[axis] // width % 2 == 0).astype(np.uint8)[None]


def random_facies(seed, shape, facies=2):
    return np.random.default_rng(seed).integers(0, facies, shape).astype(np.uint8)


def smooth_facies(seed, shape, sd=3.0, share=0.35):
    """Blobs: smoothed noise cut at a quantile."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    smooth = scipy.ndimage.gaussian_filter(noise, (0, *(sd,) * (len(shape) - 1)))
    return (smooth > np.quantile(smooth, 1 - share)).astype(np.uint8)


def gaussian_fields(rng, count, power):
    """Periodic Gaussian fields with a mean squared Fourier amplitude per cell of `power`, an array over frequencies."""
    noise = np.fft.fftn(rng.standard_normal((count, *power.shape)), axes=range(1, power.ndim + 1))
    return np.fft.ifftn(noise * np.sqrt(power), axes=range(1, power.ndim + 1)).real


def channels(rows, columns):
    file = DATA / "training_images" / "channels_2500.npz"
    if not file.exists():
        pytest.skip(f"the reference data are not at {file}; set LATENTINV_DATA")
    return np.load(file, allow_pickle=False)["facies"][:rows, :columns]


def standard_errors(measured, expected):
    """How many standard errors the mean over independent images is from what is expected."""
    values = measured.values()
    return np.abs(values.mean(axis=0) - expected) / (values.std(axis=0, ddof=1) / np.sqrt(len(values)))
