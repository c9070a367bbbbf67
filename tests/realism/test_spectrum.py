"""Power spectra of fields that were made with a known one."""

import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.realism import radial_power_spectrum, spectral_slope
from tests.realism.images import gaussian_fields, standard_errors


def wavenumbers(shape):
    return np.sqrt(sum(np.square(f) for f in np.ix_(*(n * np.fft.fftfreq(n) for n in shape))))


def tapered(power):
    """The spectrum that a Hann taper makes of a periodic one: each wave shares with its neighbours as 1 : 4 : 1."""
    for axis in range(power.ndim):
        power = (4 * power + np.roll(power, 1, axis) + np.roll(power, -1, axis)) / 6
    return power


def rings(power):
    ring = np.rint(wavenumbers(power.shape)).astype(int)
    return np.array([power[ring == j].mean() for j in range(1, min(power.shape) // 2 + 1)])


@pytest.mark.parametrize("shape", [(32, 32), (12, 12, 12)])
@pytest.mark.parametrize("slope", [0.0, -2.0, -3.5])
def test_that_a_field_has_the_power_it_was_made_with(shape, slope):
    power = np.maximum(wavenumbers(shape), 1) ** slope
    measured = radial_power_spectrum(5.0 + gaussian_fields(np.random.default_rng(17), 200, power))
    # The image's mean is not known but removed, which the first two rings feel. At most 14 checks with 199 degrees of
    # freedom at six standard errors: 1e-7.
    assert standard_errors(measured, rings(tapered(power)))[2:].max() < 6


@pytest.mark.parametrize("slope", [-1.0, -2.0, -3.0, -4.0])
def test_that_the_slope_is_found_within_the_blur_of_the_taper(slope):
    power = np.maximum(wavenumbers((128, 128)), 1) ** slope
    fields = gaussian_fields(np.random.default_rng(18), 40, power)
    measured = spectral_slope(radial_power_spectrum(fields).values())
    exact = spectral_slope(rings(tapered(power)))
    assert exact == pytest.approx(slope, rel=0.04)
    # The logarithm of a ring's power, of at least 16 waves, is low by up to 1 / 16 on average where waves are few: fit
    # the pooled power, which is not. Six standard errors of the single slopes: 1e-6 with 39 degrees of freedom.
    pooled = spectral_slope(radial_power_spectrum(fields).pooled())
    assert abs(pooled - exact) < 6 * measured.std(ddof=1) / np.sqrt(40)


def test_that_long_images_are_measured_in_waves_along_their_shortest_side():
    wave = np.cos(2 * np.pi * 4 * np.arange(64) / 16)[None] * np.ones((16, 1))
    power = radial_power_spectrum(wave[None]).pooled()
    assert power.argmax() == 3
    assert len(power) == 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: radial_power_spectrum(np.zeros((1, 7, 20))), "at least 8"),
        (lambda: spectral_slope(np.ones(7)), "7 rings"),
        (lambda: spectral_slope(radial_power_spectrum(np.ones((1, 64, 64))).pooled()), "images that vary"),
    ],
)
def test_that_images_without_a_spectrum_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
