"""What Gaussian priors share: a field of scores, read as the property."""

import abc
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import AbstractPrior, as_map, check_cells, cropped_map
from latentinv.pytrees import replace
from latentinv.storage import PriorRecord

from ._gaussian import GaussianReading, check_latent

LOCAL_MEAN = "local mean"
"""Name of its array in files."""


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
        if np.ndim(self.reading.mean):
            check_cells(np.shape(self.reading.mean), grid, "local means")
        return self.reading.property(self._scores(z, grid))

    @property
    def conditions(self) -> Mapping[str, str]:
        """A local mean, unless an anamorphosis states the marginal distribution."""
        words = "mean of the property: a number, a curve along the first axis or a map over the grid"
        return {} if self.reading.anamorphosis is not None else {"mean": words}

    def given(self, **condition: Any) -> Self:
        """The same prior with a local mean, such as a trend with depth.

        Parameters
        ----------
        mean
            In the property's unit: a number, a curve along the first axis (layers or rows, from the least coordinate),
            in three dimensions a map ``[row, column]`` for all layers, or an array over the grid. Where facies are cut
            from the property it makes their proportions local.

        Raises
        ------
        InputError
            If another condition is given, or the mean is not finite.
        """
        if unknown := condition.keys() - self.conditions.keys():
            super().given(**dict.fromkeys(unknown))
        if "mean" not in condition:
            return self
        return self._with_mean(as_map(condition["mean"], self.ndim, "local means"))

    def cropped(self, start: tuple[int, ...], shape: tuple[int, ...]) -> Self:
        """The same prior for a part of its grid."""
        if not np.ndim(self.reading.mean):
            return self
        other: Self = replace(
            self, reading=replace(self.reading, mean=cropped_map(self.reading.mean, start, shape), is_score=False)
        )
        return other

    def _with_mean(self, mean: Float[np.ndarray, "*#grid"]) -> Self:
        if not np.all(np.isfinite(mean)):
            raise InputError("The local means are not all finite; give a value in every cell.")
        reading = replace(self.reading, mean=mean.astype(np.float32), is_score=False)
        other: Self = replace(self, reading=reading)
        return other

    def _own_arrays(self) -> dict[str, np.ndarray]:
        """The arrays of the prior's file that all families share: a local mean."""
        return {LOCAL_MEAN: np.asarray(self.reading.mean)} if np.ndim(self.reading.mean) else {}

    def _with_arrays(self, record: PriorRecord) -> Self:
        """The same prior with these arrays of its file."""
        return self._with_mean(np.asarray(record.arrays[LOCAL_MEAN])) if LOCAL_MEAN in record.arrays else self

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
