"""A prior by sequential simulation: white noise on the cells draws them, group after group, by odds that networks tell.

The networks are described with `latentinv.networks`. The latent vector has one map for each grid, of the noise of the
cells that are drawn on it. The odds may be sharpened by temperatures below 1 (Ackley, Hinton and Sejnowski 1985,
doi:10.1016/S0364-0213(85)80012-4): networks that have learned for minutes give some odds to what an image never shows,
such as single cells, and each of many cells has a chance of it.

The field is a discontinuous function of latents where a cell changes facies and others follow it; derivatives are those
of a soft reading. No padding is seen: a tile of a field equals the same tile of any larger field.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any, final

import jax
import numpy as np
from jaxtyping import Array, Float

from latentinv.grid import Grid
from latentinv.networks import Draw, Drawn, SequentialArchitecture, Weights, simulate
from latentinv.priors.core import PRIORS, LatentMap, split_latents
from latentinv.pytrees import pytree
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._calibration import Calibration
from ._generator import GeneratorPrior
from ._latents import check_axes
from ._provenance import Provenance
from ._record import check_sizes


@final
@PRIORS.register("sequential")
@pytree("weights", "calibration")
class SequentialPrior(AbstractLearnedPrior):
    """A trained sequential simulation as a prior.

    Parameters
    ----------
    architecture
        The networks.
    weights
        Their weights.
    calibration
        From the numbers in a cell to the field.
    temperatures
        By which the logarithms of the odds on each grid are divided, from the coarsest to that of every second cell.
    provenance
        Where the prior comes from: recipe, training image, measures. JSON types only.

    Raises
    ------
    InputError
        If the networks do not give the numbers of a cell that the field needs.
    """

    family = "sequential"
    decided = True
    stepwise = True

    def __init__(
        self,
        architecture: SequentialArchitecture,
        weights: Weights,
        calibration: Calibration,
        *,
        temperatures: Sequence[float],
        provenance: dict[str, Any],
    ) -> None:
        calibration.check_outputs(architecture.channels)
        self.architecture, self.ndim, self.temperatures = architecture, architecture.ndim, tuple(temperatures)
        self.weights = dict(weights)
        self.calibration = calibration
        self._provenance = Provenance(provenance)

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """A map for each grid of the simulation; `InputError` if the grid has other axes than the prior."""
        check_axes(self.ndim, grid)
        return tuple(self._map(level, grid) for level in range(len(self.temperatures)))

    def _map(self, level: int, grid: Grid) -> LatentMap:
        net = self.architecture
        stride, around, span = net.stride(level), net.around(level), net.span(level, grid.shape)
        places = ((end - first) // step for (first, end), step in zip(span, stride, strict=True))
        # The first place lies ahead of the field, and changes cells around it.
        reach = tuple((m - first, m + first) for (first, _), m in zip(span, around, strict=True))
        return LatentMap((*places, net.members(level) * net.channels), stride, reach)

    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """The numbers that decide in each cell, before calibration."""
        net, noise = self.architecture, split_latents(z, self.latent_maps(grid))

        def decide(drawn: Drawn, told: Array) -> Draw:
            cells = (slice(drawn.crop, n - drawn.crop) for n in noise[drawn.level].shape[:-1])
            own = slice(drawn.member * net.channels, (drawn.member + 1) * net.channels)
            each = noise[drawn.level][(None, *cells, own)]
            return net.cell.draw(net.cell.tempered(told, self.temperatures[drawn.level]), each)

        return simulate(net, self.weights, 1, grid.shape, decide).number[0]

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """What stands for numbers in the levels of the training image: as for a generator."""
        return GeneratorPrior.levels(numbers)

    def describe(self) -> dict[str, Any]:
        """Latents, facies and provenance."""
        net = self.architecture
        grids = ", ".join("×".join(map(str, net.stride(level))) for level in self._levels)
        return {
            "latents": f"{net.channels} for each cell, on grids of {grids} cells",
            **super().describe(),
            **self.provenance,
        }

    @property
    def _levels(self) -> range:
        return range(len(self.temperatures))

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {
            "architecture": dataclasses.asdict(self.architecture),
            "temperatures": self.temperatures,
            **self.calibration.to_metadata(),
            "provenance": self.provenance,
        }
        arrays = {name: np.asarray(array) for name, array in self.weights.items()}
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), arrays)

    @classmethod
    def from_record(cls, record: PriorRecord) -> "SequentialPrior":
        """Make the prior from the content of its file."""
        metadata = record.metadata
        settings = metadata["architecture"]
        check_sizes(settings)
        lists = {name: tuple(settings[name]) for name in ("widths", "windows", "stretch", "order")}
        return cls(
            SequentialArchitecture(**{**settings, **lists}),
            jax.device_put(record.arrays),
            Calibration.from_metadata(metadata),
            temperatures=metadata["temperatures"],
            provenance=metadata["provenance"],
        )
