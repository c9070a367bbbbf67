"""Fields of one prior put into the style of an image by a network, learned from unpaired fields of both (CycleGAN; Zhu,
Park, Isola and Efros 2017, doi:10.1109/ICCV.2017.244, arXiv:1703.10593).

A latent vector is one of the *source*, another prior that lies whole in this prior's file: the source draws its field,
of the grid and a margin around it, whose facies the network reads softly and translates, cell by cell
(`latentinv.networks`). So all that explores a prior explores translations: conditioned to wells, the source's field is
moved until its translation honours them. A second network, which training needs, translates back, so that what is kept
there and back can be measured.

Given fields, such as those of an object-based simulator, are translated too: `translate` and `translate_back`. Nothing
honours wells there; that needs the latents of a field, so condition the prior.

The networks see windows only, so a tile is the tile of any larger field where that is so of the source. A translation
is a function of its field: how diverse translations are, the source decides. Cost: that of a field of the source, and
some 9 000 multiply-adds a cell with the default widths.
"""

import dataclasses
import functools
import json
import math
from collections.abc import Mapping
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from latentinv.devices import compiled
from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.networks import (
    TranslatorArchitecture,
    Weights,
    initial_translator,
    levels_of,
    levels_of_shares,
    translated,
)
from latentinv.priors.core import (
    PRIORS,
    AbstractFaciesModel,
    AbstractPrior,
    LatentMap,
    prior_from_record,
    without_place,
)
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._calibration import Calibration
from ._latents import check_axes
from ._provenance import Provenance
from ._record import check_sizes
from ._translation import Stands, facies_indices

SOFT = 4.0
"""Slope with which the network reads facies of the source: a typical cell of one has 98 % of its share."""
SOURCE, THERE, BACK = "source ", "there ", "back "
"""Ahead of the names of arrays in a file."""


@final
@PRIORS.register("cycle")
@pytree("source", "there", "back", "calibration")
class CyclePrior(AbstractLearnedPrior):
    """Translations of a prior's fields, as a prior.

    Parameters
    ----------
    architecture
        The network from the source's style to that of the image.
    source
        The prior whose fields are translated.
    there, back
        Weights of that network, and of the one of the way back.
    calibration
        From the network's numbers to the field.
    provenance
        Where the prior comes from: recipe, training image, measures. JSON types only.

    Raises
    ------
    InputError
        If the source has no facies, fields of one size only or other axes or facies than the network sees, or the
        network does not give the numbers of a cell that the field needs.
    """

    family = "cycle"

    def __init__(
        self,
        architecture: TranslatorArchitecture,
        source: AbstractPrior,
        there: Weights,
        back: Weights,
        calibration: Calibration,
        *,
        provenance: dict[str, Any],
    ) -> None:
        calibration.check_outputs(architecture.outputs)
        model = source_facies(source, architecture.ndim)
        if len(model.categories) != len(architecture.stands):
            raise InputError(
                f"The source has {len(model.categories)} facies, and the network sees {len(architecture.stands)}; give "
                "the source that it was trained with."
            )
        self.architecture, self.ndim = architecture, architecture.ndim
        self.source, self.there, self.back = source, dict(there), dict(back)
        self.calibration = calibration
        self._provenance = Provenance(provenance)

    @property
    def has_gradient(self) -> bool:  # type: ignore[override]
        """Whether the source's field has one."""
        return self.source.has_gradient

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether small changes of latents change whole bodies of the source's field."""
        return self.source.stepwise

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """The source's maps for the grid and the margin around it; `InputError` if the grid has other axes than the
        prior.
        """
        check_axes(self.ndim, grid)
        maps, margin = self.source.latent_maps(self._around(grid)), self.architecture.margin
        spacings = [one.spacing for one in maps if one.spacing is not None]
        if any(math.lcm(*along) % 2 for along in zip(*spacings, strict=True)):
            # Tiles would begin at odd cells, in the middle of the network's blocks; so a field is made whole.
            return without_place(self.ndim, sum(one.size for one in maps))
        return tuple(_seen_beyond(one, margin) for one in maps)

    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """What the network tells of the source's field in each cell, before calibration."""
        levels = soft_levels(self.source, z, self._around(grid))
        return translated(self.architecture, self.there, levels[None])[0]

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """What a discriminator sees of numbers, in (−1, 1)."""
        return levels_of(numbers)

    def translate(
        self, realization: Shaped[np.ndarray, "*grid"], *, facies: Stands | None = None
    ) -> Int[np.ndarray, "*grid"]:
        """A given field of the source's style in the style of the image.

        What lies beyond the ends of the field is taken as its mirror image.

        Parameters
        ----------
        realization
            Facies codes in the cells of a grid.
        facies
            For each code of the field the facies of the source, by code or name; the codes are the source's own unless
            given.

        Raises
        ------
        InputError
            If the field has other axes than the prior, no cell, a cell without facies, or other facies.
        """
        assert self.source.facies_model is not None
        levels = self._levels_given(realization, self.source.facies_model, facies)
        return np.asarray(_translation(self.architecture, self.there, levels, self.calibration))

    def translate_back(
        self, realization: Shaped[np.ndarray, "*grid"], *, facies: Stands | None = None
    ) -> Int[np.ndarray, "*grid"]:
        """A given field of the image's style in the style of the source; parameters and errors as of `translate`, with
        facies of this prior.
        """
        assert self.facies_model is not None
        assert self.source.facies_model is not None
        levels = self._levels_given(realization, self.facies_model, facies)
        index = np.asarray(_translation(self.architecture.back, self.back, levels, None))
        return np.asarray(self.source.facies_model.categories)[index]

    def on(self, grid: Grid) -> "CyclePrior":
        """The same prior with the source's numbers on the grid and the margin around it."""
        other: CyclePrior = replace(self, source=self.source.on(self._around(grid)))
        return other

    def parameters(self, z: Float[Array, "latent"], grid: Grid) -> dict[str, Float[Array, ""]]:
        """The unknown numbers of the source."""
        return self.source.parameters(z, self._around(grid))

    def describe(self) -> dict[str, Any]:
        """The source, facies and provenance."""
        source = self.source.describe()
        words = [f"of family {self.source.family}", f"facies {source['facies']}"]
        latents = {"latents": source["latents"]} if "latents" in source else {}
        return {"source": ", ".join(words), **latents, **super().describe(), **self.provenance}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        source = self.source.to_record()
        told = {
            name: value for name, value in source.metadata.get("provenance", {}).items() if name != "seconds"
        }  # as in the source's own fingerprint, how long its training took does not count
        held = {**source.metadata, "provenance": told} if told else source.metadata
        metadata = {
            "architecture": dataclasses.asdict(self.architecture),
            "source": {"family": source.family, "metadata": held},
            **self.calibration.to_metadata(),
            "provenance": self.provenance,
        }
        parts = ((SOURCE, source.arrays), (THERE, self.there), (BACK, self.back))
        arrays = {f"{ahead}{name}": np.asarray(array) for ahead, part in parts for name, array in part.items()}
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), arrays)

    def record(self) -> PriorRecord:
        """The content of the prior's file with the names of its facies and of the source's."""
        whole, model = super().record(), self.source.facies_model
        source = {**whole.metadata["source"], "names": [] if model is None else list(model.names)}
        return whole._replace(metadata={**whole.metadata, "source": source})

    @classmethod
    def from_record(cls, record: PriorRecord) -> "CyclePrior":
        """Make the prior from the content of its file."""
        settings, source = record.metadata["architecture"], record.metadata["source"]
        check_sizes(settings)
        lists = {name: tuple(settings[name]) for name in ("stands", "widths", "dilations")}
        architecture = TranslatorArchitecture(**{**settings, **lists})
        there, back = (_stored(record, ahead) for ahead in (THERE, BACK))
        if {*architecture.stands} != {*range(architecture.facies)}:
            raise StorageError("The prior's facies do not suit those of its source; copy it again.")
        if not (_suits(architecture, there) and _suits(architecture.back, back)):
            raise StorageError("The prior's weights do not suit the sizes that it states; copy it again.")
        return cls(
            architecture,
            prior_from_record(
                PriorRecord(source["family"], source["metadata"], _stored(record, SOURCE), tuple(source["names"]))
            ),
            jax.device_put(there),
            jax.device_put(back),
            Calibration.from_metadata(record.metadata),
            provenance=record.metadata["provenance"],
        )

    def _around(self, grid: Grid) -> Grid:
        """The grid and what the network sees around it."""
        return dataclasses.replace(grid, shape=tuple(n + 2 * self.architecture.margin for n in grid.shape))

    def _levels_given(
        self, realization: Shaped[np.ndarray, "*grid"], model: AbstractFaciesModel, facies: Stands | None
    ) -> Float[Array, "one *around level"]:
        """Levels of a given field and its mirror images around it."""
        given = np.asarray(realization, float)
        if given.ndim != self.ndim or not given.size:
            raise InputError(
                f"The field has the shape {given.shape}, and the prior {self.ndim} axes; give facies codes of a grid "
                "with as many."
            )
        if missing := int(np.sum(~np.isfinite(given))):
            raise InputError(
                f"The field has {missing} cells without facies, and the network needs all; give a field that is known "
                "everywhere."
            )
        index = np.pad(facies_indices(given, model, facies), self.architecture.margin, mode="symmetric")
        shares = np.eye(len(model.categories), dtype=np.float32)[index]
        return levels_of_shares(jnp.asarray(shares))[None]


def source_facies(source: AbstractPrior, ndim: int) -> AbstractFaciesModel:
    """The facies of a prior whose fields can be translated into the style of an image of some axes.

    Raises
    ------
    InputError
        If it has other axes, no facies or fields of one size only.
    """
    if source.ndim != ndim:
        raise InputError(f"The source has {source.ndim} axes, but the image {ndim}; name a prior with as many.")
    if source.facies_model is None:
        raise InputError("The source has a continuous property, but facies are translated; name a prior of facies.")
    if source.only_shape is not None:
        cells = " × ".join(map(str, source.only_shape))
        raise InputError(
            f"The source makes fields of {cells} cells only, and a translation sees cells around a field; name a prior "
            "of fields of any size."
        )
    return source.facies_model


def soft_levels(source: AbstractPrior, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid level"]:
    """The levels by which the network sees a field of the source: its facies read softly."""
    assert source.facies_model is not None
    shares = jnp.exp(source.facies_model.log_probability(source.generate(z, grid), SOFT))
    return levels_of_shares(shares)


def _seen_beyond(latent_map: LatentMap, margin: int) -> LatentMap:
    """A latent map of the grid and the margin around it, as one of the grid: places begin a margin ahead of the grid,
    and change cells that see theirs.
    """
    if latent_map.reach is None:
        return latent_map
    return latent_map._replace(reach=tuple((before + 2 * margin, after) for before, after in latent_map.reach))


@functools.partial(compiled, of_networks=True, static_argnums=0)
def _translation(
    architecture: TranslatorArchitecture,
    weights: Weights,
    levels: Float[Array, "one *around level"],
    calibration: Calibration | None,
) -> Int[Array, "*grid"]:
    """Facies of a translation: codes by a calibration, or positions without one."""
    numbers = translated(architecture, weights, levels)[0]
    if calibration is None:
        return jnp.argmax(numbers, axis=-1) if numbers.shape[-1] > 1 else (numbers[..., 0] > 0).astype(int)
    assert calibration.facies_model is not None
    return calibration.facies_model.facies(calibration.field(numbers))


def _stored(record: PriorRecord, ahead: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(ahead): array for name, array in record.arrays.items() if name.startswith(ahead)}


def _suits(architecture: TranslatorArchitecture, weights: Mapping[str, np.ndarray]) -> bool:
    expected = jax.eval_shape(lambda key: initial_translator(key, architecture), jax.random.key(0))
    return {name: one.shape for name, one in expected.items()} == {name: one.shape for name, one in weights.items()}
