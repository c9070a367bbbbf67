"""What an adversarial loss is; each is registered in a file of its own."""

import abc

from jaxtyping import Array, Float

from latentinv.networks import Scores
from latentinv.registration import Registry


class AbstractAdversarialLoss(abc.ABC):
    """The two sides of an adversarial loss, from maps of a discriminator's scores; higher means more like the image."""

    @staticmethod
    @abc.abstractmethod
    def discriminator(real: Scores, fake: Scores) -> Float[Array, ""]:
        """The discriminator's loss, from scores of real and of generated fields."""

    @staticmethod
    @abc.abstractmethod
    def generator(real: Scores, fake: Scores) -> Float[Array, ""]:
        """The generator's loss, from scores of real and of generated fields."""


LOSSES: Registry[type[AbstractAdversarialLoss]] = Registry("adversarial loss", rooms=("latentinv.training.objectives",))
"""Losses by their names in recipes."""
