"""What is measured of a facies: proportions, and widths beside bodies whose width is known."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.training import ChannelSimulator, measure_facies
from latentinv.training._automatic import mean_chord


def _width(inside):
    return float(measure_facies("width", jnp.asarray(inside)[None])[0])


def _layers(shape, normal, width, period=3):
    """Parallel layers, each `width` cells thick, `period` times as far apart."""
    normal = np.asarray(normal) / np.linalg.norm(normal)
    along = sum(n * (index + 0.5) for n, index in zip(normal, np.indices(shape), strict=True))
    return (along + width / 2) % (period * width) < width  # no edge at the first cell


@pytest.mark.parametrize("degrees", [0, 20, 45, 63, 90])
def test_that_parallel_layers_of_any_direction_have_their_true_width(degrees):
    radians = np.deg2rad(degrees)
    inside = _layers((396, 396), (np.cos(radians), np.sin(radians)), 12.0)
    assert _width(inside) == pytest.approx(12, rel=0.03)
    shortest = min(mean_chord(inside, axis) for axis in (0, 1))
    assert (shortest > 1.3 * 12) == (degrees == 45)  # the shortest chord alone is √2 times as long


def test_that_layers_in_a_volume_have_their_true_width():
    assert _width(_layers((90, 90, 90), (1, 2, 2), 6.0)) == pytest.approx(6, rel=0.04)


def test_that_runs_that_the_border_cuts_do_not_shorten_the_width():
    whole = _layers((400, 400), (1, 0), 12.0)
    parts = np.stack([whole[start : start + 40, :40] for start in range(0, 360, 5)])
    found = np.asarray(measure_facies("width", jnp.asarray(parts)))
    shares = np.asarray(measure_facies("proportion", jnp.asarray(parts)))
    edges = 2 * shares / found
    assert 2 * shares.mean() / edges.mean() == pytest.approx(12, rel=0.03)
    assert np.mean([mean_chord(part, 0) for part in parts]) < 10.5


def test_that_a_field_without_the_facies_has_width_0_and_one_of_it_alone_its_shortest_edge():
    fields = np.zeros((3, 20, 30), bool)
    fields[1] = True
    fields[2, :19] = True
    found = np.asarray(measure_facies("width", jnp.asarray(fields)))
    np.testing.assert_allclose(found, [0, 20, 20], rtol=1e-6)
    np.testing.assert_allclose(measure_facies("proportion", jnp.asarray(fields)), [0, 1, 0.95], rtol=1e-6)


@pytest.mark.parametrize("width", [5.0, 9.0, 14.0])
def test_that_channels_have_about_the_width_they_were_made_with(width):
    """Channels meander and join, so that they come out a little wider."""
    simulator = ChannelSimulator(width=width, amplitude=4.0, wavelength=60.0)
    image = simulator.simulate(np.random.default_rng(0), (600, 600))
    assert 0.95 * width < _width(image == 1) < 1.25 * width
