"""The trainable generator: what a smooth layer does to its kernel, and what is normalised."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.signal import convolve

from latentinv.networks import GeneratorArchitecture, Layer, synthesize
from latentinv.training.modules import GeneratorNetwork, fold
from latentinv.training.modules._generator import PhaseNorm

LAYERS = (Layer("same", 3, 3), Layer("up", 1, 10, smooth=2))


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_a_smooth_layer_applies_its_free_kernel_filtered_by_the_binomial(ndim):
    network = GeneratorNetwork(GeneratorArchitecture(ndim, 2, LAYERS), nnx.Rngs(0))
    free, applied = np.asarray(network.kernels[1][...]), np.asarray(network.kernel(1))
    assert free.shape == (*(6,) * ndim, 3, 1)
    binomial = np.array([1, 4, 6, 4, 1]) / 16
    stencil = binomial
    for _ in range(ndim - 1):
        stencil = np.multiply.outer(stencil, binomial)
    np.testing.assert_allclose(applied, convolve(free, stencil[..., None, None]), atol=1e-6)


def test_that_a_smooth_layer_cannot_draw_alternating_cells():
    network = GeneratorNetwork(GeneratorArchitecture(2, 2, LAYERS), nnx.Rngs(0))
    signs = (-1.0) ** jnp.arange(6)
    network.kernels[1][...] = jnp.broadcast_to(signs[:, None, None, None], (6, 6, 3, 1))
    # Inside the window the filter takes out the highest frequency wholly; what is left are the window's two ends.
    np.testing.assert_allclose(network.kernel(1)[4:-4, 4:-4], 0.0, atol=1e-6)


def test_that_a_further_latent_map_is_added_to_the_input_of_its_layer_and_folded():
    architecture = GeneratorArchitecture(2, 2, (Layer("up", 4, 4), Layer("same", 3, 3, noise=2)))
    network, shape = GeneratorNetwork(architecture, nnx.Rngs(0)), (9, 10)
    shapes = architecture.latent_shapes(shape)
    assert shapes == ((7, 7, 2), (11, 12, 2))
    rng = np.random.default_rng(0)
    latents = [jnp.asarray(rng.standard_normal((1, *one)), jnp.float32) for one in shapes]
    with_noise, without = network(latents, shape), network([latents[0], 0 * latents[1]], shape)
    kernel, mixing = np.asarray(network.kernel(1)), np.asarray(network.mixing(1))
    added = np.asarray(latents[1])[0] @ mixing
    expected = sum(
        convolve(added[..., n], kernel[::-1, ::-1, n, :, None][..., 0].transpose(2, 0, 1)[0], mode="valid")
        for n in range(4)
    )
    np.testing.assert_allclose((with_noise - without)[0, ..., 0], expected, atol=1e-4)
    folded = synthesize(architecture, fold(network), latents, shape)
    np.testing.assert_allclose(folded, network(latents, shape), atol=1e-4)


def test_that_the_phases_of_an_upsampling_layer_have_the_same_mean_and_spread():
    rng = np.random.default_rng(0)
    x = jnp.asarray(
        rng.standard_normal((6, 20, 20, 4 * 3)) * rng.uniform(0.5, 2, 12) + rng.normal(size=12), jnp.float32
    )
    norm = PhaseNorm(3, 4)
    y = np.asarray(norm(x)).reshape(-1, 12)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(axis=0), 1, atol=1e-3)
    np.testing.assert_allclose(x * norm.factor[...].ravel() + norm.offset[...].ravel(), norm(x), atol=1e-5)


def test_that_the_last_layer_loses_only_the_differences_between_phases():
    rng = np.random.default_rng(1)
    x = jnp.asarray(rng.standard_normal((6, 20, 20, 4)) * [0.5, 1, 1, 2] + [0, 1, 2, 3], jnp.float32)
    y = np.asarray(PhaseNorm(1, 4, last=True)(x)).reshape(-1, 4)
    np.testing.assert_allclose(y.mean(axis=0), np.mean(x), atol=1e-4)
    np.testing.assert_allclose(y.var(axis=0), np.mean(np.var(x, axis=(0, 1, 2))), rtol=1e-3)
