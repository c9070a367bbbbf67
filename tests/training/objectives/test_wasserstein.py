"""The Wasserstein loss and its penalty, against numbers calculated by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.training import LOSSES
from latentinv.training.objectives import slope_penalty


def test_that_the_wasserstein_loss_is_a_difference_of_mean_scores():
    real, fake = np.array([2.0, 0.5, -1.0]), np.array([-3.0, 0.25, 1.0])
    loss = LOSSES["wasserstein"]
    assert float(loss.discriminator(real, fake)) == pytest.approx(-1.75 / 3 - 1.5 / 3)
    assert float(loss.generator(real, fake)) == pytest.approx(1.75 / 3)


def test_that_the_slope_penalty_of_a_linear_score_is_that_of_its_slope():
    weights = jnp.asarray(np.random.default_rng(0).standard_normal((5, 4, 1)))
    weights = 3 * weights / jnp.linalg.norm(weights)
    fields = [jnp.asarray(np.random.default_rng(n).standard_normal((6, 5, 4, 1))) for n in (1, 2)]

    def total(inputs):
        return jnp.sum(inputs[0] * weights)

    penalty = slope_penalty(total, (fields[0],), (fields[1],), jax.random.key(0))
    assert float(penalty) == pytest.approx((3 - 1) ** 2, rel=1e-5)
    # Two fields of a pack have slopes of 3 each, so the slope of their one score is 3√2.
    packed = slope_penalty(total, (fields[0],), (fields[1],), jax.random.key(0), packing=2)
    assert float(packed) == pytest.approx((3 * np.sqrt(2) - 1) ** 2, rel=1e-5)


def test_that_the_slope_is_taken_on_lines_between_patches_and_fields():
    real, fake = jnp.full((200, 3, 3, 1), 2.0), jnp.full((200, 3, 3, 1), -1.0)
    crisp_real, crisp_fake = jnp.ones((200, 2, 2, 1)), jnp.zeros((200, 2, 2, 1))

    def total(inputs):  # slopes are the inputs themselves, of both kinds
        return 0.5 * (jnp.sum(inputs[0] ** 2) + jnp.sum(inputs[1] ** 2))

    penalty = slope_penalty(total, (real, crisp_real), (fake, crisp_fake), jax.random.key(0))
    # At a share s of the way 9 cells hold 3s − 1, and 4 cells s: the mean over s in [0, 1], by quadrature.
    s = (np.arange(10_000) + 0.5) / 10_000
    each = (np.sqrt(9 * (3 * s - 1) ** 2 + 4 * s**2) - 1) ** 2
    # The mean of 200 has this standard error; the false-alarm rate of 4.5 of them is 7e-6.
    assert float(penalty) == pytest.approx(each.mean(), abs=4.5 * each.std() / np.sqrt(200))


def test_that_the_penalty_has_gradients_even_where_there_is_no_slope():
    fields = jnp.zeros((4, 3, 3, 1))

    def of(weight):
        return slope_penalty(lambda inputs: weight * jnp.sum(inputs[0]), (fields,), (fields,), jax.random.key(0))

    assert np.isfinite(float(jax.grad(of)(0.0)))
    assert float(jax.grad(of)(1.0)) == pytest.approx(2 * (3 - 1) * 3, rel=1e-4)
