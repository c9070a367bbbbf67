"""Frequencies of patterns as a term of the loss: counted right, and with the derivative that they have."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from latentinv.realism import local_binary_pattern_histogram
from latentinv.training.objectives import _patterns as patterns

FIELDS = np.where(gaussian_filter(np.random.default_rng(0).standard_normal((3, 70, 72)), (0, 2, 3)) > 0.05, 0.6, -0.3)


_measure = jax.jit(patterns.running_frequencies)


def _frequencies(fields):
    return _measure(patterns.no_frequencies(), jnp.asarray(fields), jnp.int32(0))


def test_that_rings_of_sand_are_the_local_binary_patterns():
    known = local_binary_pattern_histogram(FIELDS > 0, 2).pooled()
    rings = np.asarray(_frequencies(FIELDS).rings[1])
    # scikit-image counts directions the other way round; about clay, all neighbours are at least as bright
    places = [patterns.DIRECTIONS.index((-y, x)) for y, x in patterns.DIRECTIONS]
    codes = sum(((np.arange(256) >> n) & 1) << place for n, place in enumerate(places))
    found = np.zeros(256)
    found[codes] = rings[256:]
    found[255] += rings[:256].sum()
    np.testing.assert_allclose(found, known, atol=1e-6)


def test_that_frequencies_are_shares_and_pairs_of_lag_one_are_known():
    found = _frequencies(FIELDS)
    np.testing.assert_allclose(found.rings.sum(axis=1), 1, rtol=1e-5)
    sand = FIELDS > 0
    assert float(found.pairs[1, 0]) == pytest.approx(np.mean(sand[:, :, 1:] & sand[:, :, :-1]))
    assert float(found.pairs[0, 2]) == pytest.approx(np.mean(sand[:, 3:] & sand[:, :-3]))


def test_that_steps_are_told_apart_by_their_place():
    fields = np.full((1, 70, 96), -1.0)
    fields[:, :, 40:50] = 1.0
    found = _measure(patterns.no_frequencies(), jnp.asarray(fields), jnp.int32(0)).steps
    assert float(found[0].sum()) == 0
    expected = np.zeros(patterns.PERIOD)
    expected[[39 % patterns.PERIOD, 49 % patterns.PERIOD]] = 1 / 3  # of three places each in 96 cells
    np.testing.assert_allclose(found[1], expected, rtol=1e-6)
    whole = patterns.image_frequencies((fields[0] > 0).astype(np.uint8)).steps
    np.testing.assert_allclose(whole[1], (2 / 3) / patterns.PERIOD, rtol=1e-5)


def test_that_the_derivative_is_what_flipping_a_cell_does(monkeypatch):
    # One radius whose diagonals look at one cell, and one whose diagonals look at four: all kinds of code there are.
    monkeypatch.setattr(patterns, "RADII", (1, 4))
    monkeypatch.setattr(patterns, "LAGS", (1, 5))
    measure = jax.jit(lambda fields: patterns.running_frequencies(patterns.no_frequencies(), fields, jnp.int32(0)))
    image = measure(jnp.asarray(np.roll(FIELDS[:1], 7, axis=2)[:, ::-1]))
    found = measure(jnp.asarray(FIELDS))
    slope = jax.grad(patterns.distance)(found, image)
    derivative = jax.jit(lambda fields: patterns.field_gradient(found, image, fields))
    gradient = np.asarray(derivative(jnp.asarray(FIELDS, jnp.float32)))

    def value(fields):
        return sum(
            np.sum(np.asarray(s, float) * np.asarray(f, float))
            for s, f in zip(slope, measure(jnp.asarray(fields)), strict=True)
        )

    before, rng = value(FIELDS), np.random.default_rng(1)
    for _ in range(25):
        cell = tuple(rng.integers(0, FIELDS.shape))
        flipped = FIELDS.copy()
        flipped[cell] *= -1
        change = (value(flipped) - before) * (-1 if FIELDS[cell] > 0 else 1)
        assert 2 * gradient[cell] == pytest.approx(change, rel=2e-2, abs=2e-8)


def test_that_the_image_itself_is_at_no_distance():
    facies = (FIELDS[0] > 0).astype(np.uint8)
    image = patterns.image_frequencies(facies)
    same = _frequencies(FIELDS[:1])._replace(steps=image.steps)  # which tell places apart in a field, not in an image
    assert float(patterns.distance(same, image)) < 1.1e-4  # the root of LEAST and a little more
    assert float(patterns.distance(_frequencies(FIELDS[1:]), image)) > 0.03


def test_that_flips_of_the_image_count_alike():
    facies = (FIELDS[0] > 0).astype(np.uint8)
    whole, flipped = (patterns.image_frequencies(image) for image in (facies, facies[::-1]))
    either = patterns.image_frequencies(facies, (0,))
    np.testing.assert_allclose(either.rings, (whole.rings + flipped.rings) / 2, atol=1e-7)


def test_that_a_running_average_weighs_its_first_batches_alike():
    average = patterns.no_frequencies()
    for n in range(3):
        average = patterns.running_frequencies(average, jnp.asarray(FIELDS[n : n + 1]), jnp.int32(n))
    np.testing.assert_allclose(average.pairs, _frequencies(FIELDS).pairs, rtol=1e-4)
