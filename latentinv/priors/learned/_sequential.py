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
tell the odds given the wells, which they have learned. A posterior weighs the same fields, and is exact. Where networks
see auxiliary maps, these may be given too; without one, a field is as the image may be anywhere.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.networks import Around, Draw, Drawn, SequentialArchitecture, Span, Weights, as_told, simulate
from latentinv.priors.core import (
    PRIORS,
    PROPORTIONS,
    PROPORTIONS_IN_WORDS,
    LatentMap,
    local_proportions,
    log_weight_in_field,
    split_latents,
)
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._auxiliary_maps import MapRange, SeenMaps, directions_of, seen_maps, split_maps
from ._calibration import Calibration
from ._certain_wells import IN_WORDS, WELLS, certain_facies
from ._generator import GeneratorPrior
from ._honoured_cells import HonouredCells, block_sizes, log_odds, looking_ahead, margin, of_group
from ._known_blocks import BLOCKS, EDGES, by, known_blocks
from ._latents import check_axes, check_latent
from ._local_shares import LocalShares, answers
from ._provenance import Provenance
from ._record import check_sizes
from ._sequential_given import GivenToSequential, is_given

LOOKAHEAD = "lookahead"
"""Name of its array in a file."""


@final
@PRIORS.register("sequential")
@pytree("weights", "calibration", "given_here", "lookahead")
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
    maps
        What the training image had of each auxiliary map that networks see.
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
        maps: Sequence[MapRange] = (),
        provenance: dict[str, Any],
    ) -> None:
        calibration.check_outputs(architecture.channels)
        self.architecture, self.ndim, self.temperatures = architecture, architecture.ndim, tuple(temperatures)
        self.weights = dict(weights)
        self.calibration = calibration
        self.given_here = GivenToSequential()
        self.weighed = False
        self.maps = tuple(maps)
        self.lookahead = jnp.asarray(looking_ahead(architecture) if lookahead is None else lookahead)
        self._provenance = Provenance(provenance)

    @property
    def conditions(self) -> Mapping[str, str]:
        """Local proportions; a map of blocks, where the simulation draws blocks; wells and auxiliary maps, where its
        networks see them.
        """
        words = {} if self.facies_model is None else {PROPORTIONS: PROPORTIONS_IN_WORDS}
        words |= {WELLS: IN_WORDS} if self.architecture.sees else {}
        words |= {one.name: one.words for one in self.maps}
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
        which all fields then honour, or on which shares of facies vary, or with auxiliary maps; each replaces what was
        given before.

        A block that reaches beyond the end of the grid may have its facies there. Where certain wells and a map meet,
        in a posterior, fields that have both are weighted; others, of latents that draw all of a block but its wells in
        another facies, have no weight.

        With local proportions fields have about these shares, not exactly: the farther they are from the image's, the
        less it says of such fields. Finding by how much odds must be moved takes half a minute or so. With maps the
        usual shares are those of fields for windows of these maps, on average.

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
        condition
            Auxiliary maps by their names, each a number, a curve or a map as for proportions; `azimuth` in degrees
            clockwise from north.

        Raises
        ------
        InputError
            If another condition, or blocks or their edges without the other, is given; there are no such blocks or
            facies; proportions are no shares; the wells are none, may be wrong, or have other axes than the prior; or
            an auxiliary map has values that the training image's had not.
        """
        if unknown := condition.keys() - self.conditions.keys():
            super().given(**dict.fromkeys(unknown))
        given: dict[str, Any] = {}
        alone = condition.keys() & {BLOCKS, EDGES}
        if len(alone) == 1:
            raise InputError(f"The prior was given {min(alone)} alone; give {BLOCKS} with {EDGES}.")
        if alone:
            known, edges = known_blocks(condition[BLOCKS], condition[EDGES], self.facies_model, self.architecture)
            given |= {"blocks": known, "edges": edges}
        if WELLS in condition:
            wells = condition[WELLS]
            facies = certain_facies(wells, self.facies_model, self.ndim)
            cells = HonouredCells(jnp.asarray(wells.cells), jnp.asarray(facies))
            given |= {"wells": cells, "wells_shape": tuple(wells.grid.shape)}
        if maps := {one.name: one.read(condition[one.name], self.ndim) for one in self.maps if one.name in condition}:
            before = {} if self.given_here.maps is None else self.given_here.maps.given
            together = {**before, **maps}
            given |= {"maps": seen_maps(together, self.ndim), "directions": directions_of(together)}
            if self.given_here.shares is not None and PROPORTIONS not in condition:
                raise InputError(
                    "The prior was given local proportions before its maps, with which usual shares differ; give maps "
                    "first, or both at once."
                )
        if PROPORTIONS in condition:
            given["shares"] = self._moved_to(condition[PROPORTIONS], given.get("maps", self.given_here.maps))
        other: SequentialPrior = replace(self, given_here=replace(self.given_here, **given))
        return other

    def shown(self, maps: Float[Array, "*grid channel"]) -> "SequentialPrior":
        """The prior for a grid with all its auxiliary maps as networks see them; itself if it has none."""
        if not self.maps:
            return self
        seen = seen_maps(split_maps(self.maps, maps), self.ndim)
        given = replace(self.given_here, maps=seen, directions=())
        other: SequentialPrior = replace(self, given_here=given)
        return other

    def _moved_to(self, given: Any, maps: SeenMaps | None) -> LocalShares:
        model = self.facies_model
        assert model is not None
        found = answers(self.architecture, self.weights, self.temperatures, maps, self.maps)
        shares = local_proportions(model, dict(zip(model.categories, found.usual, strict=True)), given, self.ndim)
        moves = found.moves(np.moveaxis(shares, 0, -1))
        return LocalShares(jnp.asarray(moves, jnp.float32), jnp.zeros(self.ndim, int))

    def cropped(self, start: tuple[int, ...], shape: tuple[int, ...]) -> "SequentialPrior":
        """The same prior for a part of its grid, with what is known of blocks and cells in and around it."""
        del shape
        other: SequentialPrior = replace(self, given_here=self.given_here.cropped(start))
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
        honoured = self.given_here.wells
        if honoured is None or not self.weighed:
            return super().generate(z, grid)
        check_latent(z, self.latent_size(grid), grid)
        numbers, logs = self._drawn(z, grid)
        field, told = self.calibration.field(numbers), log_weight_in_field(logs)
        facies, cells = honoured.facies, tuple(honoured.cells.T)
        model = self.facies_model
        assert model is not None
        met = model.index(field[cells]) == facies  # but where blocks were given that contradict it
        if self.architecture.channels == 1:
            return field.at[cells].set(jnp.where(met, jnp.where(facies == 1, told, -told), field[cells]))
        own = jnp.where(jax.nn.one_hot(facies, field.shape[-1]) > 0, told[:, None], -1.0)
        return field.at[cells].set(jnp.where(met[:, None], own, field[cells]))

    def honoured_cells(self, cells: Int[np.ndarray, "datum axis"]) -> HonouredCells | None:
        """Cells whose facies the simulation can be made to honour; see `AbstractPrior.honoured_cells`."""
        if self.facies_model is None or self.given_here.wells is not None:
            return None
        return HonouredCells(jnp.asarray(cells), jnp.zeros(len(cells), int))

    @property
    def honoured_margin(self) -> tuple[int, ...]:
        """See `AbstractPrior.honoured_margin`."""
        return margin(self.architecture)

    def honouring(self, cells: HonouredCells, facies: Int[Array, "datum"]) -> "SequentialPrior":
        """The prior whose fields all honour cells; see `AbstractPrior.honouring`."""
        given = replace(self.given_here, wells=cells._replace(facies=facies))
        other: SequentialPrior = replace(self, given_here=given, weighed=True)
        return other

    def _drawn(
        self, z: Float[Array, "latent"], grid: Grid
    ) -> tuple[Float[Array, "*grid output"], Float[Array, "datum"]]:
        """Numbers, and for each cell that is honoured the logarithm of its weight."""
        given_here, net = self.given_here, self.architecture
        given_here.check(grid, self.maps)
        honoured, blocks = given_here.wells, given_here.blocks
        noise = [net.cell.deviates(one) for one in split_latents(z, self.latent_maps(grid))]
        logs: dict[int, list[tuple[int, Array]]] = {}

        def seen(span: Span) -> Around:
            wells = honoured.wells(net, span) if honoured is not None and net.sees else None
            maps = None if given_here.maps is None else given_here.maps.around(self.maps, span, grid.rotation)
            return Around(wells, maps)

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
            if given_here.shares is not None:
                tempered = tempered + given_here.shares.of(drawn, net, grid.shape, tempered.shape[1:-1])
            odds, blind = tempered[:1], tempered[-1:]
            if honoured is not None:
                known = ahead(drawn.level, drawn.level == drawn.member == 0)
                odds = odds + of_group(known, drawn, odds.shape[1:-1])
            draw = net.cell.draw(odds, each)
            if blocks is not None and drawn.block == given_here.edges:
                given = blocks.of(drawn, net, grid.shape, odds.shape[1:-1])
            if honoured is not None and self.weighed:
                log_ratio = log_odds(blind, draw, net.channels) - log_odds(odds, draw, net.channels)
                if given is not None:
                    log_ratio = jnp.where(jnp.all(given == 0, axis=-1), log_ratio, 0.0)
                logs.setdefault(drawn.level, []).append((drawn.crop, log_ratio))
            return draw if given is None else draw._replace(level=jnp.where(given == 0, draw.level, given))

        complete = blocks is not None
        drawn = simulate(net, self.weights, 1, grid.shape, decide, seen=seen, blind=self.weighed, complete=complete)
        if honoured is None:
            return drawn.number[0], jnp.zeros(())
        each = (honoured.log_ratios(some, net, level, grid.shape) for level, some in logs.items())
        return drawn.number[0], sum(each, jnp.zeros(len(honoured.facies)))

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """What stands for numbers in the levels of the training image: as for a generator."""
        return GeneratorPrior.levels(numbers)

    def describe(self) -> dict[str, Any]:
        """Latents, facies and provenance."""
        net = self.architecture
        grids = ", ".join(by(net.stride(level)) for level in self._levels)
        given = self.given_here.words
        return {
            "latents": f"{net.channels} for each cell, on grids of {grids} cells",
            **({"maps": "; ".join(one.described for one in self.maps)} if self.maps else {}),
            **({"given": given} if given else {}),
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
            "maps": [dataclasses.asdict(one) for one in self.maps],
            **self.given_here.to_metadata(),
            **self.calibration.to_metadata(),
            "provenance": self.provenance,
        }
        arrays = {name: np.asarray(array) for name, array in self.weights.items()}
        arrays[LOOKAHEAD] = np.asarray(self.lookahead)
        arrays |= self.given_here.to_arrays()
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), arrays)

    @classmethod
    def from_record(cls, record: PriorRecord) -> "SequentialPrior":
        """Make the prior from the content of its file."""
        metadata = record.metadata
        settings = metadata["architecture"]
        check_sizes(settings)
        lists = {name: tuple(settings[name]) for name in ("widths", "windows", "stretch", "order")}
        architecture = SequentialArchitecture(**{**settings, **lists})
        arrays = record.arrays
        prior = cls(
            architecture,
            jax.device_put({name: one for name, one in arrays.items() if name != LOOKAHEAD and not is_given(name)}),
            Calibration.from_metadata(metadata),
            temperatures=metadata["temperatures"],
            lookahead=arrays.get(LOOKAHEAD),
            maps=[MapRange(**{**one, "directions": tuple(one["directions"])}) for one in metadata.get("maps", [])],
            provenance=metadata["provenance"],
        )
        given = GivenToSequential.from_record(arrays, metadata, architecture.ndim)
        other: SequentialPrior = replace(prior, given_here=given)
        return other
