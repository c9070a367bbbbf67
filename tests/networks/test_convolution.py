"""The fast convolutions equal `jax.lax` in value and in every gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from latentinv.networks import _convolution, convolve, convolve_strided, depth_to_space, polyphase, space_to_depth

SPACES = {2: (23, 22), 3: (12, 13, 11)}
LAYOUTS = {2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


def _arrays(rank, kernel_size, extra=0):
    rng = np.random.default_rng(kernel_size + 10 * rank)
    space = tuple(n + extra for n in SPACES[rank])
    x = jnp.asarray(rng.standard_normal((2, *space, 3)), jnp.float32)
    kernel = jnp.asarray(rng.standard_normal((*(kernel_size,) * rank, 3, 2)), jnp.float32)
    return x, kernel


def _assert_same_with_gradients(ours, reference, x, kernel):
    y = jax.jit(reference)(x, kernel)
    weights = jnp.asarray(np.random.default_rng(0).standard_normal(y.shape), jnp.float32)

    def value_and_gradients(function):
        return jax.jit(jax.grad(lambda x, k: jnp.sum(weights * function(x, k)), argnums=(0, 1)))(x, kernel)

    np.testing.assert_allclose(jax.jit(ours)(x, kernel), y, atol=2e-5 * float(jnp.abs(y).max()))
    for mine, theirs in zip(value_and_gradients(ours), value_and_gradients(reference), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-5 * float(jnp.abs(theirs).max()))


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("kernel_size", [3, 5, 9])
@pytest.mark.parametrize("dilation", [1, 2, 3, 4, 5])
def test_that_a_dilated_convolution_equals_lax(rank, kernel_size, dilation):
    reach = dilation * (kernel_size - 1)
    x, kernel = _arrays(rank, kernel_size, extra=max(0, reach - min(SPACES[rank]) + 2))
    if rank == 3 and reach > 16:  # one output cell along each axis is enough where the window is wide
        x = x[:, : reach + 1, : reach + 1, : reach + 2]
    _assert_same_with_gradients(
        lambda x, k: convolve(x, k, dilation),
        lambda x, k: lax.conv_general_dilated(
            x, k, (1,) * rank, "VALID", rhs_dilation=(dilation,) * rank, dimension_numbers=LAYOUTS[rank]
        ),
        x,
        kernel,
    )


WINDOWS = {
    "rows": ((3, 9, 8), (3, 2), 1),
    "dilated rows": ((2, 9, 8), (3, 3), 2),
    "layers": ((2, 5, 6, 7), (3, 2, 3), 1),
    "dilated layers": ((2, 5, 6, 7), (3, 3, 2), 2),
    "cell": ((2, 5, 6), (1, 1), 1),
    "cell of a volume": ((2, 3, 4, 5), (1, 1, 1), 1),
}


@pytest.mark.parametrize("several", [False, True], ids=["one processor", "several"])
@pytest.mark.parametrize("channels", [(16, 32), (32, 16), (128, 128), (15, 33), (40, 3)], ids=str)
@pytest.mark.parametrize("window", WINDOWS)
def test_that_every_arrangement_equals_lax(window, channels, several, monkeypatch):
    monkeypatch.setattr(_convolution, "SEVERAL", several)
    rng = np.random.default_rng(0)
    shape, taps, dilation = WINDOWS[window]
    x = jnp.asarray(rng.standard_normal((*shape, channels[0])), jnp.float32)
    kernel = jnp.asarray(rng.standard_normal((*taps, *channels)), jnp.float32)

    def reference(x, k):
        rank = len(taps)
        how = {"rhs_dilation": (dilation,) * rank, "dimension_numbers": LAYOUTS[rank], "precision": "highest"}
        return lax.conv_general_dilated(x, k, (1,) * rank, "VALID", **how)

    _assert_same_with_gradients(lambda x, k: convolve(x, k, dilation), reference, x, kernel)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("kernel_size", [3, 4, 5, 9])
def test_that_the_strided_convolution_equals_lax(rank, kernel_size):
    _assert_same_with_gradients(
        convolve_strided,
        lambda x, k: lax.conv_general_dilated(x, k, (2,) * rank, "VALID", dimension_numbers=LAYOUTS[rank]),
        *_arrays(rank, kernel_size),
    )


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("kernel_size", [3, 4, 5, 9])
def test_that_the_transposed_convolution_equals_the_interior_of_lax(rank, kernel_size):
    margin = 2 * (-(-kernel_size // 2) - 1)

    def reference(x, k):
        whole = lax.conv_transpose(x, k, (2,) * rank, "VALID", dimension_numbers=LAYOUTS[rank])
        return whole[(slice(None), *(slice(margin, 2 * n) for n in x.shape[1:-1]))]

    def ours(x, k):
        return depth_to_space(convolve(x, polyphase(k)), (2,) * rank)

    _assert_same_with_gradients(ours, reference, *_arrays(rank, kernel_size))


def test_that_the_gradient_is_the_same_inside_a_loop():
    x, kernel = _arrays(2, 5)

    def gradient(x):
        return jax.grad(lambda x: jnp.sum(jnp.sin(convolve(x, kernel, 2))))(x)

    looped = jax.jit(lambda x: lax.scan(lambda c, _: (c, gradient(c)), x, length=3)[1][-1])(x)
    np.testing.assert_allclose(looped, jax.jit(gradient)(x), atol=1e-5)


@pytest.mark.parametrize("rank", [2, 3])
def test_that_depth_to_space_undoes_space_to_depth(rank):
    x = jnp.arange(2 * 4**rank * 3, dtype=jnp.float32).reshape(2, *(4,) * rank, 3)
    np.testing.assert_array_equal(depth_to_space(space_to_depth(x), (2,) * rank), x)


def test_that_float16_survives_and_batches_are_mapped():
    x, kernel = _arrays(2, 3)
    mapped = jax.vmap(lambda one: convolve(one[None], kernel, 1)[0])(x)
    np.testing.assert_allclose(mapped, convolve(x, kernel, 1), atol=1e-5)
    assert convolve(x.astype(jnp.float16), kernel.astype(jnp.float16), 1).dtype == jnp.float16
