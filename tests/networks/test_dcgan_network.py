"""The generator of fields of one size equals its layers written with `jax.lax`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from latentinv import Grid
from latentinv.networks import dcgan_architecture, dcgan_discriminator, polyphase, raised
from tests.problems import random_dcgan_prior

LAYOUTS = {2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_a_layer_is_the_published_transposed_convolution(ndim):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((2, *(5, 4, 3)[:ndim], 3)), jnp.float32)
    kernel = jnp.asarray(rng.standard_normal((*(4,) * ndim, 3, 2)), jnp.float32)
    # Stride 2 with a padding of 1: of the whole transposed convolution one cell is cut at each side.
    whole = lax.conv_transpose(x, kernel, (2,) * ndim, "VALID", dimension_numbers=LAYOUTS[ndim])
    expected = whole[(slice(None), *(slice(1, 1 + 2 * n) for n in x.shape[1:-1]))]
    np.testing.assert_allclose(raised(x, polyphase(kernel)), expected, atol=1e-5)


def test_that_the_widths_are_the_published_ones_for_64_cells_and_scale():
    whole = dcgan_architecture((64, 64))
    assert (whole.coarse, whole.latent_channels, whole.first) == ((4, 4), 100, 1024)
    assert [layer.width for layer in whole.layers] == [512, 256, 128, 1]
    half = dcgan_architecture((100, 64), latent_channels=20, width=0.5, outputs=3)
    assert (half.coarse, half.latent_channels, half.first) == ((7, 4), 20, 512)
    assert [layer.width for layer in half.layers] == [256, 128, 64, 3]


def test_that_the_discriminator_mirrors_them():
    judge = dcgan_discriminator(2)
    assert judge.ratio == 16
    assert [stage.width for stage in judge.towers[0].stages] == [128, 256, 512, 1024, 1]
    assert judge.normalisation == "batch"


def test_that_every_latent_changes_every_part_of_a_field():
    prior = random_dcgan_prior(shape=(32, 32))
    slopes = jax.jacobian(lambda z: prior.generate(z, Grid((32, 32))))(jnp.ones(6))
    parts = np.abs(slopes).reshape(2, 16, 2, 16, 6).max(axis=(1, 3))
    assert (parts > 0).all()
