"""What is drawn in a cell: one of two facies, one of several, or a value; with its odds, its noise and its likelihood.

A facies is drawn by its odds and noise: with logistic noise of two, with Gumbel noise of several, the larger wins with
exactly the right probability (Gumbel 1954; Maddison, Tarlow and Minka 2014, arXiv:1411.0030). The number that wins or
loses is the field's own, so it can be read softly, and its derivative by the noise is never 0. What later cells see of
it is the facies itself, with the derivative of a soft reading (straight-through, Bengio, Léonard and Courville 2013,
arXiv:1308.3432).
"""

import abc
from typing import NamedTuple, final

import jax
import jax.numpy as jnp
from jax.scipy.special import log_ndtr
from jaxtyping import Array, Float

from latentinv.registration import Registry

MOST = 1 - 1e-6
"""Largest size of a level that stands for a value."""
LEAST_SPREAD = 0.01
"""Least standard deviation of a normal score: values that are all alike, such as zeros, have no likelihood without."""


class Draw(NamedTuple):
    """What was drawn in some cells."""

    number: Float[Array, "batch *space channel"]
    """Numbers from which a cell is read."""
    level: Float[Array, "batch *space channel"]
    """What other cells see of it, in [−1, 1]."""


class AbstractCell(abc.ABC):
    """The law of a cell's content, given what a network tells of it."""

    outputs = 1
    """Numbers that a network tells for each channel."""

    @staticmethod
    def tempered(
        told: Float[Array, "*cell output"], temperature: Float[Array, ""] | float
    ) -> Float[Array, "*cell output"]:
        """What a network tells, made surer by a temperature below 1: of facies, log-odds over the temperature."""
        return told / temperature

    @staticmethod
    @abc.abstractmethod
    def deviates(noise: Float[Array, "*cell channel"]) -> Float[Array, "*cell channel"]:
        """Standard Gaussian noise as deviates of the law by which a content is drawn: quantiles for quantiles."""

    @staticmethod
    @abc.abstractmethod
    def draw(told: Float[Array, "*cell output"], deviates: Float[Array, "*cell channel"]) -> Draw:
        """The content that deviates draw."""

    @staticmethod
    @abc.abstractmethod
    def log_likelihood(
        told: Float[Array, "*cell output"], level: Float[Array, "*cell channel"]
    ) -> Float[Array, "*cell"]:
        """Logarithm of the probability, or density, of a content."""


CELLS: Registry[type[AbstractCell]] = Registry("content of cells", rooms=("latentinv.networks",))
"""By name."""


@final
@CELLS.register("two facies")
class TwoFacies(AbstractCell):
    """One number: the logarithm of the odds of the second facies."""

    @staticmethod
    def deviates(noise: Float[Array, "*cell channel"]) -> Float[Array, "*cell channel"]:
        """Logistic."""
        return log_ndtr(noise) - log_ndtr(-noise)

    @staticmethod
    def draw(told: Float[Array, "*cell output"], deviates: Float[Array, "*cell channel"]) -> Draw:
        """The second facies where the sum of odds and noise is positive."""
        number = told + deviates
        return Draw(number, straight(jnp.tanh(number / 2), jnp.where(number > 0, 1.0, -1.0)))

    @staticmethod
    def log_likelihood(
        told: Float[Array, "*cell output"], level: Float[Array, "*cell channel"]
    ) -> Float[Array, "*cell"]:
        """Logistic."""
        return -jax.nn.softplus(-jnp.sign(level) * told)[..., 0]


@final
@CELLS.register("several facies")
class SeveralFacies(AbstractCell):
    """A number for each facies: the logarithm of its probability, but for a constant."""

    @staticmethod
    def deviates(noise: Float[Array, "*cell channel"]) -> Float[Array, "*cell channel"]:
        """Gumbel's."""
        return -jnp.log(-log_ndtr(noise))

    @staticmethod
    def draw(told: Float[Array, "*cell output"], deviates: Float[Array, "*cell channel"]) -> Draw:
        """The facies with the largest sum of odds and noise."""
        number = told + deviates
        largest = jax.nn.one_hot(jnp.argmax(number, axis=-1), number.shape[-1])
        return Draw(number, straight(2 * jax.nn.softmax(number) - 1, 2 * largest - 1))

    @staticmethod
    def log_likelihood(
        told: Float[Array, "*cell output"], level: Float[Array, "*cell channel"]
    ) -> Float[Array, "*cell"]:
        """Of the facies with the largest level."""
        facies = jnp.argmax(level, axis=-1)[..., None]
        return jnp.take_along_axis(jax.nn.log_softmax(told), facies, axis=-1)[..., 0]


@final
@CELLS.register("value")
class Value(AbstractCell):
    """Mean of a normal score and logarithm of its standard deviation above the least; its level is the tanh of it."""

    outputs = 2

    @staticmethod
    def tempered(
        told: Float[Array, "*cell output"], temperature: Float[Array, ""] | float
    ) -> Float[Array, "*cell output"]:
        """A standard deviation times the temperature."""
        mean, spread = jnp.split(told, 2, axis=-1)
        return jnp.concatenate([mean, spread + jnp.log(temperature)], axis=-1)

    @staticmethod
    def deviates(noise: Float[Array, "*cell channel"]) -> Float[Array, "*cell channel"]:
        """The noise itself."""
        return noise

    @staticmethod
    def draw(told: Float[Array, "*cell output"], deviates: Float[Array, "*cell channel"]) -> Draw:
        """Mean and noise."""
        mean, spread = _mean_and_spread(told)
        number = mean + spread * deviates
        return Draw(number, jnp.tanh(number))

    @staticmethod
    def log_likelihood(
        told: Float[Array, "*cell output"], level: Float[Array, "*cell channel"]
    ) -> Float[Array, "*cell"]:
        """Gaussian, but for a constant."""
        mean, spread = _mean_and_spread(told)
        score = jnp.arctanh(jnp.clip(level, -MOST, MOST))
        return (-jnp.log(spread) - 0.5 * ((score - mean) / spread) ** 2)[..., 0]


def _mean_and_spread(told: Float[Array, "*cell output"]) -> tuple[Float[Array, "*cell 1"], Float[Array, "*cell 1"]]:
    mean, spread = jnp.split(told, 2, axis=-1)
    return mean, LEAST_SPREAD + jnp.exp(spread)


def straight(soft: Float[Array, "*cell"], hard: Float[Array, "*cell"]) -> Float[Array, "*cell"]:
    """The hard reading, with the derivative of the soft one."""
    return soft + jax.lax.stop_gradient(hard - soft)
