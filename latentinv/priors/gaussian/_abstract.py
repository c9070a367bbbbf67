"""What Gaussian priors share: a field of scores, read as the property."""

import abc
from typing import Any, Self

from jaxtyping import Array, Float

from latentinv.grid import Grid
from latentinv.priors.core import AbstractPrior
from latentinv.pytrees import replace

from ._gaussian import GaussianReading, check_latent


class AbstractGaussianPrior(AbstractPrior):
    """A prior of a Gaussian field, or of one made of it cell by cell."""

    reading: GaussianReading
    """How scores become the property."""

    @property
    def is_score(self) -> bool:
        """Whether mean and standard deviation are 0 and 1, without anamorphosis or facies."""
        return self.reading.is_score

    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid"]:
        """Turn a latent vector into a field.

        Raises
        ------
        InputError
            If the length of `z` is not `latent_size(grid)`, or the grid does not suit the prior.
        """
        check_latent(z, self.latent_size(grid), self.ndim, grid)
        return self.reading.property(self._scores(z, grid))

    def _with_facies_model(self, model: Any) -> Self:
        other: Self = replace(self, facies_model=model, reading=replace(self.reading, facies_model=model))
        return other

    @abc.abstractmethod
    def _scores(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid"]:
        """The scores of every cell, each N(0, 1)."""


def stated_reading(metadata: dict[str, Any]) -> dict[str, Any]:
    """What the constructor of a prior takes of a reading, from what a file holds of it, less its standard deviation."""
    reading = GaussianReading.from_metadata(metadata)
    return {"mean": reading.mean, "anamorphosis": reading.anamorphosis, "facies_model": reading.facies_model}
