"""Block averages and convolutional seismic."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.forward import ConvolutionalSeismic, averaging, ricker


@pytest.mark.parametrize(("shape", "factors"), [((4, 6), (2, 3)), ((2, 4, 6), (1, 2, 3))])
def test_that_averages_are_means_over_blocks_in_array_order(shape, factors):
    field = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    split = [part for n, f in zip(shape, factors, strict=True) for part in (n // f, f)]
    expected = field.reshape(split).mean(axis=tuple(range(1, 2 * len(shape), 2))).ravel()
    forward = averaging(Grid(shape), factors)
    assert forward.count == expected.size
    np.testing.assert_allclose(forward.predict(jnp.asarray(field)), expected, atol=1e-6)


@pytest.mark.parametrize("factors", [(2,), (3, 3), (0, 2)])
def test_that_blocks_that_do_not_fill_the_grid_are_refused(factors):
    with pytest.raises(InputError, match="do not fill"):
        averaging(Grid((4, 6)), factors)


@pytest.mark.parametrize("z_axis", ["depth", "up"])
@pytest.mark.parametrize("cells", [5, 40])
def test_that_one_interface_gives_the_wavelet_at_its_time_in_its_trace_only(cells, z_axis):
    """From the top down, wherever that is; the wavelet and the place are without symmetry."""
    grid, wavelet = Grid((cells, 3), axes="xz", z_axis=z_axis), np.array([0.1, -0.5, 1.0, -0.4, 0.2])
    impedance = np.full(grid.shape, 4e6, np.float32)
    impedance[3:, 1] = 6e6
    down = slice(None, None, 1 if z_axis == "depth" else -1)
    found = ConvolutionalSeismic(grid, wavelet).predict(jnp.asarray(impedance[down])).reshape(cells - 1, 3)[down]
    expected = np.zeros((cells + 5, 3))
    expected[:5, 1] = 0.2 * wavelet
    np.testing.assert_allclose(found, expected[: cells - 1], atol=1e-6)


def test_that_rickers_wavelet_is_largest_at_its_frequency_and_has_no_mean():
    wavelet = ricker(30.0, 0.001)
    spectrum = np.abs(np.fft.rfft(wavelet, 100_000))
    assert np.argmax(spectrum) / 100_000 / 0.001 == pytest.approx(30.0, abs=0.05)
    assert abs(wavelet.sum()) < 1e-5 * np.abs(wavelet).sum()
    assert wavelet[len(wavelet) // 2] == wavelet.max() == 1


@pytest.mark.parametrize(("frequency", "interval"), [(0.0, 0.001), (30.0, 0.02), (30.0, -1.0)])
def test_that_a_wavelet_without_samples_enough_is_refused(frequency, interval):
    with pytest.raises(InputError, match="four samples"):
        ricker(frequency, interval)


def test_that_a_wavelet_without_a_middle_and_a_map_are_refused():
    with pytest.raises(InputError, match="odd number"):
        ConvolutionalSeismic(Grid((4, 4), axes="xz"), np.ones(4))
    with pytest.raises(InputError, match=r"Given a map.*axes='xz'"):
        ConvolutionalSeismic(Grid((4, 4)), np.ones(3))
