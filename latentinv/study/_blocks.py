"""``[[blocks]]``: shares of a facies in boxes, or means of a property, with their standard deviations.

[[blocks]]
file = "blocks.csv"
# or: boxes = [[x_min, y_min, x_max, y_max], …], sd = 0.05 and values = [0.3, …]
# (values are not needed to calibrate)
"""

from collections.abc import Mapping
from typing import Any, ClassVar, final

import numpy as np

from latentinv.data import BlockMeans
from latentinv.errors import InputError

from ._kind import NAMES, PLACES, POSITIVE, STUDY_DATA, VALUES, AbstractStudyData, Given, Place, has_file, needed


@final
@STUDY_DATA.register("blocks")
class Blocks(AbstractStudyData):
    """Block means."""

    rules: ClassVar = {**NAMES, "boxes": PLACES, "values": VALUES, "sd": POSITIVE}

    @staticmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make block means."""
        grid, prior = place.grid, place.prior
        if has_file("blocks", table, "boxes"):
            return Given(BlockMeans.from_csv(place.folder / table["file"], grid, prior, name=table.get("name")), True)
        boxes, sd = np.asarray(table["boxes"], float), needed("blocks", table, "sd")
        if boxes.shape[1] != 2 * grid.ndim:
            raise InputError(
                f"A box of the study's [[blocks]] has {boxes.shape[1]} numbers; give two corners, {2 * grid.ndim} "
                "numbers."
            )
        means = np.asarray(table.get("values", np.full(len(boxes), 0.5)), float)
        if len(means) != len(boxes):
            raise InputError(f"The study's [[blocks]] have {len(boxes)} boxes and {len(means)} values; give as many.")
        lower, upper, name = boxes[:, : grid.ndim], boxes[:, grid.ndim :], table.get("name", "blocks")
        return Given(BlockMeans(grid, lower, upper, means, sd, prior.facies_model, name=name), "values" in table)
