"""A prior whose generator sees facies that are known in some cells, and mostly honours them.

Without data it is a prior as any other. Given wells, the same latents give fields that show their facies in nearly all
of their cells, and geology that suits them around, at the cost of a field: conditioning was learned in training
(`latentinv.training`, family ``conditional``). It is no guarantee: what a field misses, a sampler's draws do not, and
it may sample this prior as any other (a cell that is certain can be given and observed, for the second time tells
nothing new).

Features of what is known are computed when the prior is given it, on the grid and margins around it, so a tile equals
the same tile of any larger field (`latentinv.networks`). Cost of a field: a few per cent more than without.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.networks import ConditionalArchitecture, FoldedLayer, encode_known, synthesize
from latentinv.priors.core import PRIORS, LatentMap, split_latents
from latentinv.priors.gaussian import cropped_map
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._calibration import Calibration
from ._generator import GeneratorPrior
from ._latents import check_axes, generator_maps, in_words
from ._provenance import Provenance
from ._record import generator_from_metadata, layer_arrays, stored_layers

WELLS = "wells"
"""Name of the condition, and of its arrays in files."""

Seen = tuple[Float[Array, "*block feature"], ...]
"""What is known in each cell, and features of it in blocks of 2, 4, … cells, with margins."""


class KnownCells(Protocol):
    """Facies in cells of a grid, such as `latentinv.HardData`."""

    grid: Grid
    cells: Int[np.ndarray, "cell axis"]
    error_probability: Float[np.ndarray, "cell"]

    @property
    def codes(self) -> Int[np.ndarray, "cell"]:
        """Facies code of each cell."""


@final
@PRIORS.register("conditional")
@pytree("layers", "encoder", "calibration", "seen")
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
        provenance: dict[str, Any],
    ) -> None:
        calibration.check_outputs(architecture.base.outputs)
        self.architecture, self.ndim = architecture, architecture.base.ndim
        self.layers = tuple(layer.prepared() for layer in layers)
        self.encoder = tuple(encoder)
        self.calibration = calibration
        self.seen: Seen | None = None
        self._provenance = Provenance(provenance)

    @property
    def conditions(self) -> Mapping[str, str]:
        """Wells."""
        return {WELLS: "facies known in some cells: hard data without errors, or the file of a table of wells"}

    def given(self, **condition: Any) -> "ConditionalPrior":
        """The same prior for a grid on which the facies of some cells are known; they replace what was given before.

        Parameters
        ----------
        wells
            `latentinv.HardData`, without error probabilities.

        Raises
        ------
        InputError
            If another condition is given, the wells are none, may be wrong or are of other facies, or their grid has
            other axes than the prior.
        """
        if unknown := condition.keys() - self.conditions.keys():
            super().given(**dict.fromkeys(unknown))
        if WELLS not in condition:
            return self
        wells: KnownCells = condition[WELLS]
        if not hasattr(wells, "error_probability"):
            raise InputError(
                f"The prior was given wells as {type(wells).__name__}; give HardData, or in a study or command the "
                "name of a table of wells."
            )
        check_axes(self.ndim, wells.grid)
        if np.any(np.asarray(wells.error_probability) > 0):
            raise InputError(
                "The prior was given wells with error probabilities, but takes what it is given for certain; give it "
                "those without, and condition to the others."
            )
        return self._with_known(self._levels_at(wells))

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
        """One map for each entry of noise, channels last, from the coarsest to the finest.

        Raises
        ------
        InputError
            If the grid has other axes than the prior.
        """
        check_axes(self.ndim, grid)
        return generator_maps(self.architecture.base, grid)

    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """The logits that the network gives in each cell, before calibration; `InputError` if the wells are of a grid
        of another shape.
        """
        net, shape, features = self.architecture, grid.shape, None
        if self.seen is not None:
            if self.seen[0].shape[:-1] != net.seen_shape(shape):
                raise InputError(f"The prior was given wells on a grid of another shape than {shape}; give them again.")
            features = [one[None] for one in self.seen]
        latents = [latent[None] for latent in split_latents(z, self.latent_maps(grid))]
        return synthesize(net.generator, self.layers, net.entering(latents, features, shape), shape)[0]

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """The levels of the training image that logits stand for, in (−1, 1), as for a generator."""
        return GeneratorPrior.levels(numbers)

    def describe(self) -> dict[str, Any]:
        """Latents, wells, facies and provenance."""
        given = (
            {} if self.seen is None else {"given": f"{int(np.sum(np.asarray(self.seen[0])[..., -1]))} cells of wells"}
        )
        return {"latents": in_words(self.architecture.base), **given, **super().describe(), **self.provenance}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {
            "architecture": asdict(self.architecture.base),
            **self.calibration.to_metadata(),
            "provenance": self.provenance,
        }
        arrays = layer_arrays(self.layers)
        arrays |= {f"encoder_{level}": np.asarray(matrix) for level, matrix in enumerate(self.encoder)}
        if self.seen is not None:
            arrays |= {f"{WELLS}_{level}": np.asarray(features) for level, features in enumerate(self.seen)}
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), arrays)

    @classmethod
    def from_record(cls, record: PriorRecord) -> "ConditionalPrior":
        """Make the prior from the content of its file."""
        base = generator_from_metadata(record.metadata)
        architecture = ConditionalArchitecture(base, base.outputs + 1)
        encoder = [record.arrays.get(f"encoder_{level}") for level in range(len(architecture.encoder_shapes))]
        if [None if one is None else one.shape for one in encoder] != list(architecture.encoder_shapes):
            raise StorageError("The prior's weights do not suit the sizes that it states; copy it again.")
        prior = cls(
            architecture,
            stored_layers(record, len(base.layers)),
            jax.device_put(encoder),
            Calibration.from_metadata(record.metadata),
            provenance=record.metadata["provenance"],
        )
        seen = [record.arrays.get(f"{WELLS}_{level}") for level in range(len(architecture.widths))]
        other: ConditionalPrior = replace(prior, seen=None if seen[0] is None else tuple(jax.device_put(seen)))
        return other

    def _levels_at(self, wells: KnownCells) -> Float[Array, "*grid channel"]:
        """The levels of the facies that are known, and 1 beside them; 0 in all other cells."""
        codes = list(self.facies_model.categories) if self.facies_model else []
        if missing := set(np.asarray(wells.codes).tolist()) - set(codes):
            raise InputError(
                f"The prior was given wells of facies {min(missing)}, which it does not have; give others."
            )
        index = np.asarray([codes.index(code) for code in np.asarray(wells.codes).tolist()])
        count = self.architecture.base.outputs
        levels = 2 * np.eye(count)[index] - 1 if count > 1 else 2 * index[:, None] / (len(codes) - 1) - 1
        known = np.zeros((*wells.grid.shape, count + 1), np.float32)
        known[tuple(np.asarray(wells.cells).T)] = np.concatenate([levels, np.ones((len(levels), 1))], axis=1)
        return jnp.asarray(known)

    def _with_known(self, known: Float[Array, "*grid channel"]) -> "ConditionalPrior":
        seen = jax.jit(encode_known, static_argnums=0)(self.architecture, self.encoder, known[None])
        other: ConditionalPrior = replace(self, seen=tuple(features[0] for features in seen))
        return other
