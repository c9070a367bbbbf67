"""The trainable generator: what a smooth layer does to its kernel."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.signal import convolve

from latentinv.networks import GeneratorArchitecture, Layer
from latentinv.training.modules import GeneratorNetwork

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
