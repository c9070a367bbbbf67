"""A prior whose generator sees facies that are known in some cells, and numbers of a facies, and mostly honours them.

Without data it is a prior as any other. Given wells, the same latents give fields that show their facies in nearly all
of their cells, and geology that suits them around, at the cost of a field: conditioning was learned in training
(`latentinv.training`, family ``conditional``). It is no guarantee: what a field misses, a sampler's draws do not, and
it may sample this prior as any other (a cell that is certain can be given and observed, for the second time tells
nothing new).

A proportion or a width of a facies that the network sees has a latent of its own, ahead of all others, until it is
given: so it is inferred with the field from what that is conditioned to (`_facies_measures.py`). Wells that are given
tell nothing of it: the network draws what suits both.

Features of what is known are computed when the prior is given it, on the grid and margins around it, so a tile equals
the same tile of any larger field (`latentinv.networks`). Cost of a field: a few per cent more than without.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.networks import (
    ConditionalArchitecture,
    FoldedLayer,
    GeneratorArchitecture,
    encode_known,
    synthesize,
)
from latentinv.priors.core import PRIORS, LatentMap, cropped_map, split_latents, without_place
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._calibration import Calibration
from ._certain_wells import IN_WORDS, WELLS, KnownCells, certain_facies
from ._facies_measures import MEASURES, FaciesMeasures
from ._generator import GeneratorPrior
from ._latents import check_axes, generator_maps, in_words
from ._provenance import Provenance
from ._record import generator_from_metadata, layer_arrays, stored_layers

Seen = tuple[Float[Array, "*block feature"], ...]
"""What is known in each cell, and features of it in blocks of 2, 4, … cells, with margins."""


@final
@PRIORS.register("conditional")
@pytree("layers", "encoder", "calibration", "measures", "seen")
class ConditionalPrior(AbstractLearnedPrior):
    """A generator trained to see wells, as a prior.

    Parameters
    ----------
    architecture
        The generator, and what it sees.
    layers
        Folded kernels and biases, one pair a layer.
    encoder
        Matrices from what is known to features of it.
    calibration
        From the network's numbers to the field.
    measures
        Numbers of facies that it sees too.
    provenance
        Where the prior comes from: recipe, training image, measures. JSON types only.

    Raises
    ------
    InputError
        If the network does not give the numbers of a cell that the field needs.
    """

    family = "conditional"

    def __init__(
        self,
        architecture: ConditionalArchitecture,
        layers: Sequence[FoldedLayer],
        encoder: Sequence[Float[Array, "block feature"]],
        calibration: Calibration,
        *,
        measures: FaciesMeasures | None = None,
        provenance: dict[str, Any],
    ) -> None:
        calibration.check_outputs(architecture.base.outputs)
        self.architecture, self.ndim = architecture, architecture.base.ndim
        self.layers = tuple(layer.prepared() for layer in layers)
        self.encoder = tuple(encoder)
        self.calibration = calibration
        self.measures = FaciesMeasures() if measures is None else measures
        self.seen: Seen | None = None
        self._provenance = Provenance(provenance)

    @property
    def conditions(self) -> Mapping[str, str]:
        """Wells, and the numbers of a facies that the network sees."""
        measures = self.measures.each
        examples = {
            one.name: f"{one.words(self.facies_model)}, such as {MEASURES[one.name].example:g}" for one in measures
        }
        return {WELLS: IN_WORDS, **examples}

    def given(self, **condition: Any) -> "ConditionalPrior":
        """The same prior for a grid on which the facies of some cells are known, or of a known proportion or width;
        each replaces what was given before. A known proportion or width has no latent.

        Parameters
        ----------
        wells
            `latentinv.HardData`, without error probabilities.
        proportion
            Of a facies, a share between 0 and 1.
        width
            Mean width of a facies' bodies, in cells.

        Raises
        ------
        InputError
            If another condition is given, the wells are none, may be wrong or are of other facies, their grid has
            other axes than the prior, or no patch of the image had the proportion or the width.
        """
        if unknown := condition.keys() - self.conditions.keys():
            super().given(**dict.fromkeys(unknown))
        other = replace(self, measures=self.measures.giving(condition))
        if WELLS in condition:
            known = _known_cells(condition[WELLS], self.facies_model, self.architecture.base)
            seen = jax.jit(encode_known, static_argnums=0)(self.architecture, self.encoder, known[None])
            other = replace(other, seen=tuple(features[0] for features in seen))
        return other

    def cropped(self, start: tuple[int, ...], shape: tuple[int, ...]) -> "ConditionalPrior":
        """The same prior for a part of its grid, with what is known around the part."""
        if self.seen is None:
            return self
        around, seen = self.architecture.seen_shape(shape), []
        for level, features in enumerate(self.seen):
            first, count = (tuple(n // 2**level for n in each) for each in (start, around))
            seen.append(jnp.moveaxis(cropped_map(jnp.moveaxis(features, -1, 0), first, count), 0, -1))
        other: ConditionalPrior = replace(self, seen=tuple(seen))
        return other

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """One map for each entry of noise, channels last, from the coarsest to the finest; ahead of them the latents of
        unknown numbers of facies.

        Raises
        ------
        InputError
            If the grid has other axes than the prior.
        """
        check_axes(self.ndim, grid)
        maps, count = generator_maps(self.architecture.base, grid), len(self.measures.unknown)
        return (*without_place(self.ndim, count), *maps) if count else maps

    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """The logits that the network gives in each cell, before calibration; `InputError` if the wells are of a grid
        of another shape.
        """
        net, shape, features = self.architecture, grid.shape, None
        if self.seen is not None:
            if self.seen[0].shape[:-1] != net.seen_shape(shape):
                raise InputError(f"The prior was given wells on a grid of another shape than {shape}; give them again.")
            features = [one[None] for one in self.seen]
        count = len(self.measures.unknown)
        latents = [latent[None] for latent in split_latents(z[count:], generator_maps(net.base, grid))]
        entering = net.entering(latents, features, self.measures.scores(z[:count])[None], shape)
        return synthesize(net.generator, self.layers, entering, shape)[0]

    def parameters(self, z: Float[Array, "latent"], grid: Grid) -> dict[str, Float[Array, ""]]:
        """The numbers of facies that the network is told, of those that are unknown."""
        del grid
        return self.measures.parameters(z[: len(self.measures.unknown)], self.facies_model)

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """The levels of the training image that logits stand for, in (−1, 1), as for a generator."""
        return GeneratorPrior.levels(numbers)

    def describe(self) -> dict[str, Any]:
        """Latents, what is given, facies and provenance."""
        words = [f"one for the {one.words(self.facies_model)}" for one in self.measures.unknown]
        given = [] if self.seen is None else [f"{int(np.sum(np.asarray(self.seen[0])[..., -1]))} cells of wells"]
        given += self.measures.describe_given(self.facies_model)
        return {
            "latents": ", ".join([*words, in_words(self.architecture.base)]),
            **({"given": ", ".join(given)} if given else {}),
            **super().describe(),
            **self.provenance,
        }

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {
            "architecture": asdict(self.architecture.base),
            **self.measures.to_metadata(),
            **self.calibration.to_metadata(),
            "provenance": self.provenance,
        }
        arrays = layer_arrays(self.layers)
        arrays |= {f"encoder_{level}": np.asarray(matrix) for level, matrix in enumerate(self.encoder)}
        if self.seen is not None:
            arrays |= {f"{WELLS}_{level}": np.asarray(features) for level, features in enumerate(self.seen)}
        arrays |= {name: np.asarray(score) for name, score in self.measures.given.items()}
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), arrays)

    @classmethod
    def from_record(cls, record: PriorRecord) -> "ConditionalPrior":
        """Make the prior from the content of its file."""
        base = generator_from_metadata(record.metadata)
        scores = {name: record.arrays[name] for name in MEASURES if name in record.arrays}
        measures = FaciesMeasures.from_metadata(record.metadata, scores)
        architecture = ConditionalArchitecture(base, base.outputs + 1, len(measures.each))
        encoder = [record.arrays.get(f"encoder_{level}") for level in range(len(architecture.encoder_shapes))]
        if [None if one is None else one.shape for one in encoder] != list(architecture.encoder_shapes):
            raise StorageError("The prior's weights do not suit the sizes that it states; copy it again.")
        prior = cls(
            architecture,
            stored_layers(record, len(base.layers)),
            jax.device_put(encoder),
            Calibration.from_metadata(record.metadata),
            measures=measures,
            provenance=record.metadata["provenance"],
        )
        seen = [record.arrays.get(f"{WELLS}_{level}") for level in range(len(architecture.widths))]
        other: ConditionalPrior = replace(prior, seen=None if seen[0] is None else tuple(jax.device_put(seen)))
        return other


def _known_cells(wells: KnownCells, model: Any, net: GeneratorArchitecture) -> Float[Array, "*grid channel"]:
    """The levels of the facies that are known, and 1 beside them; 0 in all other cells.

    Raises
    ------
    InputError
        If the wells are none, may be wrong or are of other facies, or their grid has other axes.
    """
    index, codes = certain_facies(wells, model, net.ndim), model.categories
    levels = 2 * np.eye(net.outputs)[index] - 1 if net.outputs > 1 else 2 * index[:, None] / (len(codes) - 1) - 1
    known = np.zeros((*wells.grid.shape, net.outputs + 1), np.float32)
    known[tuple(np.asarray(wells.cells).T)] = np.concatenate([levels, np.ones((len(levels), 1))], axis=1)
    return jnp.asarray(known)
