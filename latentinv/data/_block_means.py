"""Block means: the share of a facies, or the mean of a property, in boxes.

They are indirect data: a linear forward model, `BoxMeans`, averages the shares of the facies in each cell, soft
(ordered logit) or exact (0 or 1), or the field of a continuous prior. The data have Gaussian noise of a stated standard
deviation, which for shares is an approximation: it does not stop at 0 and 1.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, Int

from latentinv.data.core import check_facies, check_labels, facies_words, say_box, sentence
from latentinv.data.noise import GaussianNoise, per_datum
from latentinv.data.properties import AbstractProperty, ContinuousProperty, FaciesShares, check_slope
from latentinv.errors import InputError
from latentinv.forward.linear import BoxMeans
from latentinv.grid import Grid
from latentinv.io import read_table
from latentinv.priors.core import AbstractFaciesModel, AbstractPrior

from ._indirect import IndirectData


@final
class BlockMeans:
    """Means over boxes, with Gaussian noise; makes `IndirectData`.

    Parameters
    ----------
    grid
        The grid to place the boxes on.
    lower, upper
        Opposite corners of each box, columns ``x, y(, z)`` in metres.
    mean
        The observed means: shares between 0 and 1, or in the unit of the field.
    sd
        Their standard deviations; one number or one for each box.
    facies_model
        The prior's reading of a field as facies; None for the mean of the field itself.
    facies
        The facies code whose share is meant, one or one for each box; the highest category unless given.
    slope
        Slope of the soft reading of facies, per unit of the field.
    name
        What to call these data.
    labels
        What refusals call each block; ``block 1``, ``block 2`` … unless given.

    Raises
    ------
    InputError
        If a box has no area or reaches outside the grid, a standard deviation is not positive, a share is
        not in [0, 1], a facies is not one of the prior's, or the grid has too many cells.
    """

    def __new__(  # type: ignore[misc]
        cls,
        grid: Grid,
        lower: Float[np.ndarray, "block axis"],
        upper: Float[np.ndarray, "block axis"],
        mean: Float[np.ndarray, "block"],
        sd: float | Float[np.ndarray, "block"],
        facies_model: AbstractFaciesModel | None,
        *,
        facies: int | Int[np.ndarray, "block"] | None = None,
        slope: float = 20.0,
        name: str = "blocks",
        labels: Sequence[str] | None = None,
    ) -> IndirectData:
        """Check the blocks, and make indirect data of them."""
        grid.check_whole()
        mean = np.atleast_1d(np.asarray(mean, dtype=float))
        if not mean.size:
            raise InputError(f"The block means '{name}' contain no block; give at least one.")
        sds = per_datum(sd, mean.size, "the standard deviation")
        labels = check_labels(labels, mean.size, "block")
        lower, upper = (np.atleast_2d(np.asarray(corner, dtype=float)) for corner in (lower, upper))
        if not len(lower) == len(upper) == mean.size:
            raise InputError(
                f"Given {len(lower)} lower corners, {len(upper)} upper corners and {mean.size} means; "
                "expected equally many."
            )
        _check_numbers(mean, sds, labels)
        property_: AbstractProperty = ContinuousProperty()
        number = None
        if facies_model is not None:
            number = _positions(facies, facies_model, mean, labels)
            property_ = FaciesShares(facies_model, check_slope(slope, name))
        elif facies is not None:
            raise InputError(
                f"The block means '{name}' name a facies, but the prior has a continuous property; leave it out."
            )
        means = BoxMeans(grid, lower, upper, number=number, labels=labels)
        boxes = [f"block {i} ({say_box(*box, grid.axes)})" for i, box in enumerate(zip(lower, upper, strict=True), 1)]
        noise = GaussianNoise(sds)
        return IndirectData(grid, means, mean, noise, property=property_, name=name, labels=boxes, noun="block means")

    @classmethod
    def from_csv(cls, path: str | Path, grid: Grid, prior: AbstractPrior, *, name: str | None = None) -> IndirectData:
        """Read blocks from a CSV file with columns x_min, y_min, x_max, y_max, mean, sd and optionally facies, by code
        or name.

        Parameters
        ----------
        path
            The file; corners in metres, in three dimensions with z_min and z_max too.
        grid, prior, name
            As `HardData.from_csv` takes them, which raises the same errors.
        """
        lower = [f"{axis}_min" for axis in grid.axes]
        upper = [f"{axis}_max" for axis in grid.axes]
        table = read_table(path, (*lower, *upper, "mean", "sd"), ("facies",), words=facies_words(prior.facies_model))
        return cls(
            grid,
            table.points(lower),
            table.points(upper),
            table.columns["mean"],
            table.columns["sd"],
            prior.facies_model,
            facies=table.columns.get("facies"),
            name=Path(path).stem if name is None else name,
            labels=table.labels("block"),
        )


def _check_numbers(mean: np.ndarray, sds: np.ndarray, labels: Sequence[str]) -> None:
    """Raise `InputError` for the first block whose mean or standard deviation cannot be used, by its label."""
    for label, value, sd in zip(labels, mean, sds, strict=True):
        if not (np.isfinite(sd) and sd > 0):
            raise InputError(f"{sentence(label)} has sd {sd:g}; expected a standard deviation above 0.")
        if not np.isfinite(value):
            raise InputError(f"{sentence(label)} has mean {value:g}; expected a finite number.")


def _positions(
    facies: float | np.ndarray | None, model: AbstractFaciesModel, mean: np.ndarray, labels: Sequence[str]
) -> Int[np.ndarray, "block"]:
    """Position of each block's facies among the categories."""
    codes = per_datum(model.categories[-1] if facies is None else facies, mean.size, "the facies")
    for label, code, share in zip(labels, codes, mean, strict=True):
        check_facies(sentence(label), code, model)
        if not 0 <= share <= 1:
            raise InputError(f"{sentence(label)} has mean {share:g}; expected the share of a facies, between 0 and 1.")
    return np.array([model.categories.index(int(code)) for code in codes])
