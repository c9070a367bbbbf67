"""A prior learned by flow matching: white noise on the cells flows into a field, in a few steps.

x(0) = z and x(1) is the field; dx/dt = v(x, t) with the velocity v of a small convolutional network, learned by
regression (Lipman et al. 2023, arXiv:2210.02747), and taken in few long steps, for which it was trained too (shortcut
models, Frans et al. 2025, arXiv:2410.12557): x ← x + v(x, t, 1 / steps) / steps.

A step needs `margin` cells around those it gives, so noise lies on the grid and on `steps` margins around it; no
padding is seen, and a tile of a field equals the same tile of any larger field. The network works in blocks of cells,
so a place of the latent map is a block with all its noise. Cost: that of the network, `steps` times; of small fields
most of it is spent in the margins.
"""

import dataclasses
import json
import math
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.grid import Grid
from latentinv.networks import VelocityArchitecture, Weights, velocity
from latentinv.priors.core import PRIORS, LatentMap
from latentinv.pytrees import pytree
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._calibration import Calibration
from ._latents import cells_of_blocks, check_axes
from ._provenance import Provenance
from ._record import check_sizes


@final
@PRIORS.register("flow")
@pytree("weights", "calibration")
class FlowPrior(AbstractLearnedPrior):
    """A trained flow as a prior.

    Parameters
    ----------
    architecture
        The velocity network.
    weights
        Its weights.
    calibration
        From the numbers in a cell to the field.
    steps
        Steps from noise to field.
    provenance
        Where the prior comes from: recipe, training image, measures. JSON types only.

    Raises
    ------
    InputError
        If the network does not give the numbers of a cell that the field needs.
    """

    family = "flow"

    def __init__(
        self,
        architecture: VelocityArchitecture,
        weights: Weights,
        calibration: Calibration,
        *,
        steps: int,
        provenance: dict[str, Any],
    ) -> None:
        calibration.check_outputs(architecture.channels)
        self.architecture, self.ndim, self.steps = architecture, architecture.ndim, steps
        self.weights = dict(weights)
        self.calibration = calibration
        self._provenance = Provenance(provenance)

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """One map, of blocks of cells with all their noise; `InputError` if the grid has other axes than the prior."""
        check_axes(self.ndim, grid)
        net = self.architecture
        around = self.steps * net.margin
        places = ((math.ceil(n / net.block) * net.block + 2 * around) // net.block for n in grid.shape)
        # The first place lies `around` cells ahead of the field.
        return (
            LatentMap(
                (*places, net.block**self.ndim * net.channels), (net.block,) * self.ndim, ((2 * around, 0),) * self.ndim
            ),
        )

    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """The numbers at which the flow ends in each cell, before calibration."""
        net = self.architecture
        x = cells_of_blocks(z.reshape(1, *self.latent_maps(grid)[0].shape), net.block, net.channels)
        return flow(net, self.weights, x, self.steps)[0][tuple(slice(0, n) for n in grid.shape)]

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """The levels of the training image that they stand for: themselves."""
        return numbers

    def describe(self) -> dict[str, Any]:
        """Latents, steps, facies and provenance."""
        return {"latents": self.latents(), "steps": self.steps, **super().describe(), **self.provenance}

    def latents(self) -> str:
        """How many latents there are."""
        return f"{self.architecture.channels} for each cell"

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {
            "architecture": dataclasses.asdict(self.architecture),
            "steps": self.steps,
            **self.calibration.to_metadata(),
            "provenance": self.provenance,
        }
        arrays = {name: np.asarray(array) for name, array in self.weights.items()}
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), arrays)

    @classmethod
    def from_record(cls, record: PriorRecord) -> "FlowPrior":
        """Make the prior from the content of its file."""
        metadata = record.metadata
        settings = metadata["architecture"]
        check_sizes({**settings, "steps": metadata["steps"]})
        return cls(
            VelocityArchitecture(**{**settings, "widths": tuple(settings["widths"])}),
            jax.device_put(record.arrays),
            Calibration.from_metadata(metadata),
            steps=metadata["steps"],
            provenance=metadata["provenance"],
        )


def flow(
    architecture: VelocityArchitecture, weights: Weights, x: Float[Array, "batch *space channel"], steps: int
) -> Float[Array, "batch *result channel"]:
    """Noise to field, in steps of equal length; each takes the margins off."""
    inner = slice(architecture.margin, -architecture.margin)
    for n in range(steps):
        time, step = (jnp.full(len(x), value, x.dtype) for value in (n / steps, 1 / steps))
        towards = velocity(architecture, weights, x, time, step)
        x = x[(slice(None), *(inner,) * architecture.ndim)] + towards / steps
    return x
