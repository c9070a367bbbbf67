"""A prior by sequential simulation: white noise on the cells draws them, group after group, by odds that networks tell.

The networks are described with `latentinv.networks`. The latent vector has one map for each grid, of the noise of the
cells that are drawn on it. The odds may be sharpened by temperatures below 1 (Ackley, Hinton and Sejnowski 1985,
doi:10.1016/S0364-0213(85)80012-4): networks that have learned for minutes give some odds to what an image never shows,
such as single cells, and each of many cells has a chance of it.

The field is a discontinuous function of latents where a cell changes facies and others follow it; derivatives are those
of a soft reading. No padding is seen: a tile of a field equals the same tile of any larger field.

Where its cells stand for blocks on fine grids, a coarse map of blocks may be given, which the prior then makes finer,
and which every field then has. Where its networks see wells, these may be given: each field then honours them, and
costs no more than another, as a realization of multiple-point statistics does. Such fields are distributed as networks
tell the odds given the wells, which they have learned. A posterior weighs the same fields, and is exact.
"""

import dataclasses
import functools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.networks import Draw, Drawn, SequentialArchitecture, Weights, as_told, simulate
from latentinv.priors.core import (
    LEAST_SHARE,
    PRIORS,
    PROPORTIONS,
    PROPORTIONS_IN_WORDS,
    LatentMap,
    check_cells,
    local_proportions,
    log_weight_in_field,
    split_latents,
)
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._calibration import Calibration
from ._certain_wells import IN_WORDS, WELLS, certain_facies
from ._generator import GeneratorPrior
from ._honoured_cells import HonouredCells, block_sizes, log_odds, looking_ahead, margin, of_group
from ._known_blocks import BLOCKS, EDGES, KnownBlocks, by, known_blocks
from ._latents import check_axes, check_latent
from ._local_shares import LocalShares, usual_and_weight
from ._provenance import Provenance
from ._record import check_sizes

LOOKAHEAD, MOVES, OF_WELLS = "lookahead", "moves of odds", ("well_cells", "well_facies")
"""Names of their arrays in a file."""


@final
@PRIORS.register("sequential")
@pytree("weights", "calibration", "known", "honoured", "moved", "lookahead")
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
    lookahead
        How many cells of blocks have each facies, from `looking_ahead`, by which blocks around wells are drawn; without
        it only what cannot be is excluded.
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
        lookahead: Float[np.ndarray, "size facies facies"] | None = None,
        provenance: dict[str, Any],
    ) -> None:
        calibration.check_outputs(architecture.channels)
        self.architecture, self.ndim, self.temperatures = architecture, architecture.ndim, tuple(temperatures)
        self.weights = dict(weights)
        self.calibration = calibration
        self.known: KnownBlocks | None = None
        self.known_edges: tuple[int, ...] = ()
        self.cut = False
        self.honoured: HonouredCells | None = None
        self.weighed = False
        self.wells_shape: tuple[int, ...] = ()
        self.moved: LocalShares | None = None
        self.lookahead = jnp.asarray(looking_ahead(architecture) if lookahead is None else lookahead)
        self._provenance = Provenance(provenance)

    @property
    def conditions(self) -> Mapping[str, str]:
        """Local proportions; a map of blocks, where the simulation draws blocks; wells, where its networks see them."""
        words = {} if self.facies_model is None else {PROPORTIONS: PROPORTIONS_IN_WORDS}
        words |= {WELLS: IN_WORDS} if self.architecture.sees else {}
        if not self.architecture.blocks:
            return words
        sizes = ", ".join(map(by, block_sizes(self.architecture)[:-1]))
        model = self.facies_model
        assert model is not None
        order = ", then ".join(model.label(model.categories[index]) for index in self.architecture.order)
        return {
            **words,
            BLOCKS: f"facies of blocks, a coarse map; a block has the first that any of its cells has: {order}",
            EDGES: f"cells of a block along each axis: {sizes}",
        }

    def given(self, **condition: Any) -> "SequentialPrior":
        """The same prior for a grid of which a coarse map is known, which every field has, or the facies of some cells,
        which all fields then honour, or on which shares of facies vary; each replaces what was given before.

        A block that reaches beyond the end of the grid may have its facies there. Where certain wells and a map meet,
        in a posterior, fields that have both are weighted; others, of latents that draw all of a block but its wells in
        another facies, have no weight.

        With local proportions fields have about these shares, not exactly: the farther they are from the image's, the
        less it says of such fields. Finding by how much odds must be moved takes half a minute or so.

        Parameters
        ----------
        proportions
            Shares of facies by code or name, such as ``{"sand": map}``; those left out share the rest as in usual
            fields. Each is a number, a curve along the first axis (layers or rows, from the least coordinate), in three
            dimensions a map ``[row, column]`` for all layers, or an array over the grid.
        wells
            `latentinv.HardData`, without error probabilities.
        blocks
            Facies codes of blocks, from the first cell of the grid on, the last of them perhaps beyond its end; NaN
            where a block is not known.
        block_edges
            Cells of a block, along each axis or all.

        Raises
        ------
        InputError
            If another condition, or one of the last two without the other, is given; there are no such blocks or
            facies; proportions are no shares; or the wells are none, may be wrong, or have other axes than the prior.
        """
        if unknown := condition.keys() - self.conditions.keys():
            super().given(**dict.fromkeys(unknown))
        other, alone = self, condition.keys() & {BLOCKS, EDGES}
        if len(alone) == 1:
            raise InputError(f"The prior was given {min(alone)} alone; give {BLOCKS} with {EDGES}.")
        if alone:
            known, edges = known_blocks(condition[BLOCKS], condition[EDGES], self.facies_model, self.architecture)
            other = replace(other, known=known, known_edges=edges)
        if WELLS in condition:
            wells = condition[WELLS]
            facies = certain_facies(wells, self.facies_model, self.ndim)
            cells = HonouredCells(jnp.asarray(wells.cells), jnp.asarray(facies))
            other = replace(other, honoured=cells, wells_shape=tuple(wells.grid.shape))
        if PROPORTIONS in condition:
            other = replace(other, moved=self._moved_to(condition[PROPORTIONS]))
        return other

    def _moved_to(self, given: Any) -> LocalShares:
        model = self.facies_model
        assert model is not None
        usual, weight = usual_and_weight(self.architecture, self.weights, self.temperatures)
        shares = local_proportions(model, dict(zip(model.categories, usual, strict=True)), given, self.ndim)
        moves = weight * (np.log(np.moveaxis(shares, 0, -1)) - np.log(np.maximum(usual, LEAST_SHARE)))
        return LocalShares(jnp.asarray(moves, jnp.float32), jnp.zeros(self.ndim, int))

    def cropped(self, start: tuple[int, ...], shape: tuple[int, ...]) -> "SequentialPrior":
        """The same prior for a part of its grid, with what is known of blocks and cells in and around it."""
        del shape
        other = self
        if self.moved is not None:
            corner = self.moved.corner + jnp.asarray(start)
            other = replace(other, moved=self.moved._replace(corner=corner), cut=True)
        if self.known is not None:
            corner = self.known.corner + np.asarray(start) // np.asarray(self.known_edges)
            other = replace(other, known=self.known._replace(corner=corner), cut=True)
        if self.honoured is not None:
            cells = self.honoured._replace(cells=self.honoured.cells - jnp.asarray(start))
            other = replace(other, honoured=cells, cut=True)
        return other

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
        """The numbers that decide in each cell, before calibration; `InputError` if a map of blocks does not suit the
        grid.
        """
        return self._drawn(z, grid)[0]

    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*field"]:
        """Turn a latent vector into a field; see `AbstractLearnedPrior.generate`.

        In a cell that is honoured by a posterior it tells its weight beside its facies (`log_weight_in_field`).
        """
        if self.honoured is None or not self.weighed:
            return super().generate(z, grid)
        check_latent(z, self.latent_size(grid), grid)
        numbers, logs = self._drawn(z, grid)
        field, told = self.calibration.field(numbers), log_weight_in_field(logs)
        facies, cells = self.honoured.facies, tuple(self.honoured.cells.T)
        model = self.facies_model
        assert model is not None
        met = model.index(field[cells]) == facies  # but where blocks were given that contradict it
        if self.architecture.channels == 1:
            return field.at[cells].set(jnp.where(met, jnp.where(facies == 1, told, -told), field[cells]))
        own = jnp.where(jax.nn.one_hot(facies, field.shape[-1]) > 0, told[:, None], -1.0)
        return field.at[cells].set(jnp.where(met[:, None], own, field[cells]))

    def honoured_cells(self, cells: Int[np.ndarray, "datum axis"]) -> HonouredCells | None:
        """Cells whose facies the simulation can be made to honour; see `AbstractPrior.honoured_cells`."""
        if self.facies_model is None or self.honoured is not None:
            return None
        return HonouredCells(jnp.asarray(cells), jnp.zeros(len(cells), int))

    @property
    def honoured_margin(self) -> tuple[int, ...]:
        """See `AbstractPrior.honoured_margin`."""
        return margin(self.architecture)

    def honouring(self, cells: HonouredCells, facies: Int[Array, "datum"]) -> "SequentialPrior":
        """The prior whose fields all honour cells; see `AbstractPrior.honouring`."""
        other: SequentialPrior = replace(self, honoured=cells._replace(facies=facies), weighed=True)
        return other

    def _drawn(
        self, z: Float[Array, "latent"], grid: Grid
    ) -> tuple[Float[Array, "*grid output"], Float[Array, "datum"]]:
        """Numbers, and for each cell that is honoured the logarithm of its weight."""
        self._check_given(grid)
        net, honoured = self.architecture, self.honoured
        noise = [net.cell.deviates(one) for one in split_latents(z, self.latent_maps(grid))]
        wells = functools.partial(honoured.wells, net) if honoured is not None and net.sees else None
        logs: dict[int, list[tuple[int, Array]]] = {}

        @functools.cache
        def ahead(level: int, first: bool) -> Array:
            assert honoured is not None
            known = honoured.ahead(net, level, grid.shape, self.lookahead, first=first)
            return as_told(known, net.channels)

        def decide(drawn: Drawn, told: Array) -> Draw:
            cells = (slice(drawn.crop, n - drawn.crop) for n in noise[drawn.level].shape[:-1])
            own = slice(drawn.member * net.channels, (drawn.member + 1) * net.channels)
            each = noise[drawn.level][(None, *cells, own)]
            tempered, given = net.cell.tempered(told, self.temperatures[drawn.level]), None
            if self.moved is not None:
                tempered = tempered + self.moved.of(drawn, net, grid.shape, tempered.shape[1:-1])
            odds, blind = tempered[:1], tempered[-1:]
            if honoured is not None:
                known = ahead(drawn.level, drawn.level == drawn.member == 0)
                odds = odds + of_group(known, drawn, odds.shape[1:-1])
            draw = net.cell.draw(odds, each)
            if self.known is not None and drawn.block == self.known_edges:
                given = self.known.of(drawn, net, grid.shape, odds.shape[1:-1])
            if honoured is not None and self.weighed:
                log_ratio = log_odds(blind, draw, net.channels) - log_odds(odds, draw, net.channels)
                if given is not None:
                    log_ratio = jnp.where(jnp.all(given == 0, axis=-1), log_ratio, 0.0)
                logs.setdefault(drawn.level, []).append((drawn.crop, log_ratio))
            return draw if given is None else draw._replace(level=jnp.where(given == 0, draw.level, given))

        complete = self.known is not None
        drawn = simulate(net, self.weights, 1, grid.shape, decide, wells=wells, blind=self.weighed, complete=complete)
        if honoured is None:
            return drawn.number[0], jnp.zeros(())
        each = (honoured.log_ratios(some, net, level, grid.shape) for level, some in logs.items())
        return drawn.number[0], sum(each, jnp.zeros(len(honoured.facies)))

    def _check_given(self, grid: Grid) -> None:
        if self.cut:
            return
        if self.moved is not None:
            check_cells(self.moved.moves.shape[:-1], grid, "local proportions")
        if self.wells_shape not in ((), grid.shape):
            raise InputError(
                f"The prior was given wells on a grid of {by(self.wells_shape)} cells, but the grid has "
                f"{by(grid.shape)}; give wells of this grid."
            )
        if self.known is None:
            return
        expected = tuple(math.ceil(n / edge) for n, edge in zip(grid.shape, self.known_edges, strict=True))
        if self.known.levels.shape[:-1] != expected:
            raise InputError(
                f"The prior was given a map of {by(self.known.levels.shape[:-1])} blocks of "
                f"{by(self.known_edges)} cells, but the grid of {by(grid.shape)} cells has {by(expected)}; "
                "give a map of this grid."
            )

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """What stands for numbers in the levels of the training image: as for a generator."""
        return GeneratorPrior.levels(numbers)

    def describe(self) -> dict[str, Any]:
        """Latents, facies and provenance."""
        net = self.architecture
        grids = ", ".join(by(net.stride(level)) for level in self._levels)
        given = [] if self.known is None else [f"a map of {by(self.known.levels.shape[:-1])} blocks"]
        given += [] if self.moved is None else ["local proportions"]
        if self.wells_shape and self.honoured is not None:
            given.append(f"{len(self.honoured.facies)} cells of wells")
        return {
            "latents": f"{net.channels} for each cell, on grids of {grids} cells",
            **({"given": ", ".join(given)} if given else {}),
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
            "known_edges": self.known_edges,
            "wells_shape": self.wells_shape,
            **self.calibration.to_metadata(),
            "provenance": self.provenance,
        }
        arrays = {name: np.asarray(array) for name, array in self.weights.items()}
        arrays[LOOKAHEAD] = np.asarray(self.lookahead)
        if self.known is not None:
            arrays[BLOCKS] = np.asarray(self.known.levels)
        if self.moved is not None:
            arrays[MOVES] = np.asarray(self.moved.moves)
        if self.wells_shape and self.honoured is not None:
            arrays |= {name: np.asarray(each) for name, each in zip(OF_WELLS, self.honoured, strict=True)}
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), arrays)

    @classmethod
    def from_record(cls, record: PriorRecord) -> "SequentialPrior":
        """Make the prior from the content of its file."""
        metadata = record.metadata
        settings = metadata["architecture"]
        check_sizes(settings)
        lists = {name: tuple(settings[name]) for name in ("widths", "windows", "stretch", "order")}
        architecture = SequentialArchitecture(**{**settings, **lists})
        others = (BLOCKS, LOOKAHEAD, MOVES, *OF_WELLS)
        prior = cls(
            architecture,
            jax.device_put({name: array for name, array in record.arrays.items() if name not in others}),
            Calibration.from_metadata(metadata),
            temperatures=metadata["temperatures"],
            lookahead=record.arrays.get(LOOKAHEAD),
            provenance=metadata["provenance"],
        )
        if BLOCKS in record.arrays:
            known = KnownBlocks(jnp.asarray(record.arrays[BLOCKS]), jnp.zeros(architecture.ndim, int))
            prior = replace(prior, known=known, known_edges=tuple(metadata["known_edges"]))
        if MOVES in record.arrays:
            moves = jnp.asarray(record.arrays[MOVES])
            prior = replace(prior, moved=LocalShares(moves, jnp.zeros(architecture.ndim, int)))
        if OF_WELLS[0] in record.arrays:
            cells = HonouredCells(*(jnp.asarray(record.arrays[name]) for name in OF_WELLS))
            prior = replace(prior, honoured=cells, wells_shape=tuple(metadata["wells_shape"]))
        return prior
