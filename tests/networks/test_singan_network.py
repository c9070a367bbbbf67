"""The scales of a SinGAN equal their definition on a plane without ends, and begin as published."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from latentinv.networks import SinganArchitecture, initial_singan, levels_of, logits_of, risen, synthesize_scales
from tests.problems import random_singan_prior


def _definition(prior, noise, shape):
    """Maps by whole-plane convolutions in double precision, each wide enough that its ends are cut off at last."""
    net, levels = prior.architecture, None
    weights = {name: np.asarray(array, float) for name, array in prior.weights.items()}
    spans = net.spans(shape, net.scales - 1)
    for scale, (span, each) in enumerate(zip(spans, noise, strict=True)):
        x = np.asarray(each, float)[..., 0]
        if levels is not None:
            begin = [start + net.layers for start, _ in spans[scale - 1]]
            centres = [begin[a] + np.arange(n) + 0.5 for a, n in enumerate(levels.shape)]
            at = [(np.arange(start, end) + 0.5) / 2 for start, end in span]
            rows = np.stack([np.interp(at[1], centres[1], row) for row in levels])
            base = np.stack([np.interp(at[0], centres[0], column) for column in rows.T], axis=1)
            x = base + weights["noise"][scale] * x
        told = x[..., None]
        for layer in range(net.layers):
            kernel = weights[f"{scale}.{layer}.kernel"]
            told = np.stack(
                [
                    sum(
                        signal.correlate(told[..., i], kernel[..., i, o], mode="valid", method="direct")
                        for i in range(kernel.shape[-2])
                    )
                    for o in range(kernel.shape[-1])
                ],
                axis=-1,
            )
            told = told + weights[f"{scale}.{layer}.bias"]
            told = np.where(told > 0, told, 0.2 * told) if layer < net.layers - 1 else told
        logits = told[..., 0]
        if levels is not None:
            inner = tuple(slice(net.layers, n - net.layers) for n in base.shape)
            logits = logits + np.arctanh(np.clip(base[inner], -0.9, 0.9))
        levels = np.tanh(logits)
    return logits


def test_that_each_scale_adds_to_the_one_before_at_twice_its_resolution():
    prior, shape = random_singan_prior(), (9, 12)
    net, rng = prior.architecture, np.random.default_rng(0)
    noise = [jnp.asarray(rng.standard_normal(one), jnp.float32) for one in net.noise_shapes(shape, net.scales - 1)]
    found = synthesize_scales(net, prior.weights, [one[None] for one in noise], shape)[0, ..., 0]
    np.testing.assert_allclose(found, _definition(prior, noise, shape), atol=1e-4)


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_interpolation_keeps_what_is_linear(ndim):
    axes = np.meshgrid(*(np.arange(n) + 0.5 for n in (5, 4, 3)[:ndim]), indexing="ij")
    plane = sum((n + 1) * axis for n, axis in enumerate(axes))
    fine = np.meshgrid(*(np.arange(1, 2 * n - 1) / 2 + 0.25 for n in (5, 4, 3)[:ndim]), indexing="ij")
    expected = sum((n + 1) * axis for n, axis in enumerate(fine))
    np.testing.assert_allclose(risen(jnp.asarray(plane)[None, ..., None])[0, ..., 0], expected, rtol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_that_a_scale_that_is_not_trained_leaves_the_map_as_interpolated(channels):
    net = SinganArchitecture(2, channels, (6, 6), 2)
    weights = {**initial_singan(jax.random.key(0), net), "noise": jnp.array([1.0, 0.3])}
    coarse, fine = (jax.random.normal(jax.random.key(1), (1, *one)) for one in net.noise_shapes((8, 10), 1))
    found = levels_of(synthesize_scales(net, weights, [coarse, fine], (8, 10)))
    wide = tuple(n - 4 for n in coarse.shape[1:-1])
    levels = np.asarray(levels_of(synthesize_scales(net, weights, [coarse], wide)))
    # A map of 8 × 10 cells lies on the coarser ones from the third on, and begins half-way to the centre of the next.
    expected = np.asarray(risen(levels)[:, 3:11, 3:13])
    inside = np.all(np.abs(expected) < 0.9, axis=-1)
    assert inside.mean() > 0.1
    np.testing.assert_allclose(np.asarray(found)[inside], expected[inside], atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_that_levels_come_back_from_logits(channels):
    shares = np.random.default_rng(0).dirichlet(np.full(max(2, channels), 5.0), 20)
    levels = jnp.asarray(2 * shares[:, -channels:] - 1, jnp.float32)
    kept = np.all(np.asarray(levels) > -0.9, axis=-1) & np.all(np.asarray(levels) < 0.9, axis=-1)
    np.testing.assert_allclose(levels_of(logits_of(levels))[kept], levels[kept], atol=1e-5)
    bound = logits_of(jnp.full((1, channels), -1.0))
    assert np.isfinite(bound).all()
