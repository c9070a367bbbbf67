"""A prior learned from a training image: a folded generator with a calibrated output.

The network gives a logit. Training drives the logit's size far from zero, which would make any likelihood on it stiff,
so the field is the logit shifted and divided by its median size and softly bounded: field = u / √(1 + (u / 4)²) with
u = (logit − shift) / scale. The typical field value is then ±1, the bound ±4, and gradients never vanish abruptly. The
shift, or the thresholds where there are more than two facies, are set so that the facies shares match the training
image. A continuous property is a growing function of that field, such that its law is the training image's.

Generation is local and stationary: no padding is seen, statistics are frozen into the weights, and a tile of a field
equals the same tile of any larger field with the same latents to float32 rounding. A prior file may hold the
discriminator too (``discriminator_strides`` in its metadata, ``discriminator_kernel_N`` and ``discriminator_bias_N``
among its arrays), which changes no field. Cost for a field of n cells with the
``compact`` architecture: about 16 000 multiply-adds a cell forward, twice that more for the gradient.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import MOST_CELLS, Grid
from latentinv.networks import Critic, FoldedLayer, GeneratorArchitecture, Layer, synthesize
from latentinv.priors.core import NO_DISCRIMINATOR, AbstractPrior, FaciesModel
from latentinv.priors.gaussian import Anamorphosis
from latentinv.storage import PriorRecord

BOUND = 4.0


class GeneratorPrior(AbstractPrior):
    """A trained generator as a prior.

    Parameters
    ----------
    architecture
        Latent channels and layers.
    layers
        Folded kernels and biases, one pair a layer.
    facies_model
        Facies codes and the field values that part them; None for a continuous property.
    anamorphosis
        From field values to those of a continuous property, in place of facies.
    shift, scale
        The logit that becomes field value 0, and the logit distance that becomes 1.
    provenance
        Whatever says where the prior comes from: recipe, training image, measures. JSON types only.
    critic
        The discriminator it was trained against, where that was kept.

    Raises
    ------
    InputError
        If there are both facies and an anamorphosis, or neither.
    """

    family = "generator"

    def __init__(
        self,
        architecture: GeneratorArchitecture,
        layers: list[FoldedLayer],
        facies_model: FaciesModel | None,
        *,
        anamorphosis: Anamorphosis | None = None,
        shift: float,
        scale: float,
        provenance: dict[str, Any],
        critic: Critic | None = None,
    ) -> None:
        if (facies_model is None) == (anamorphosis is None):
            raise InputError("A generator has facies or an anamorphosis; give one of them.")
        self.architecture = architecture
        self.ndim = architecture.ndim
        self.facies_model: FaciesModel | None = facies_model
        self.anamorphosis = anamorphosis
        self.provenance = provenance
        self._layers = [FoldedLayer(jnp.asarray(kernel), jnp.asarray(bias)) for kernel, bias in layers]
        self._generate = jax.jit(self.generate, static_argnums=1)
        self._shift = float(shift)
        self._scale = float(scale)
        self._critic = critic

    def latent_map(self, grid: Grid) -> tuple[int, ...]:
        """Shape of the latent map for a grid, channels last."""
        self._check(grid)
        return self.architecture.latent_shape(grid.shape)

    def latent_size(self, grid: Grid) -> int:
        """Length of the latent vector for a grid.

        Raises
        ------
        InputError
            If the grid has other axes than the prior, or so many cells that the latents outgrow an array.
        """
        size = math.prod(self.latent_map(grid))
        if size > MOST_CELLS:
            raise InputError(
                f"A field of {grid.size} cells has {size} latents; one array holds at most {MOST_CELLS}; give a "
                "smaller grid."
            )
        return size

    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid"]:
        """Turn a latent vector into a field; pure, jittable, vmappable.

        Raises
        ------
        InputError
            If the length of `z` is not `latent_size(grid)`, or the grid has other axes than the prior.
        """
        if z.shape != (self.latent_size(grid),):
            raise InputError(
                f"The latent has shape {z.shape}; this prior needs ({self.latent_size(grid)},) on a grid of "
                f"{grid.shape}."
            )
        field = bounded(self._logits(z, grid)[0, ..., 0], self._shift, self._scale)
        return field if self.anamorphosis is None else self.anamorphosis(field)

    def discriminate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*scores"]:
        """Score how like its training image the field of a latent vector is, place by place; higher is more alike.

        Raises
        ------
        InputError
            If the prior has no discriminator, or the grid is smaller than what that sees at once.
        """
        if self._critic is None:
            raise InputError(NO_DISCRIMINATOR)
        if min(grid.shape) < self._critic.ratio:
            raise InputError(
                f"The grid has {grid.shape} cells, and the prior's discriminator sees {self._critic.ratio} along each "
                "axis at once; give a larger grid, or the discriminator no weight."
            )
        return self._critic.scores(jnp.tanh(self._logits(z, grid)))[0, ..., 0]

    def with_critic(self, critic: Critic) -> "GeneratorPrior":
        """The same prior with a discriminator."""
        return GeneratorPrior(
            self.architecture,
            self._layers,
            self.facies_model,
            anamorphosis=self.anamorphosis,
            shift=self._shift,
            scale=self._scale,
            provenance=self.provenance,
            critic=critic,
        )

    def tiles(
        self, z: Float[np.ndarray, "latent"], grid: Grid, tile: int = 512
    ) -> Iterator[tuple[tuple[slice, ...], Float[np.ndarray, "*tile"]]]:
        """Generate a field of any size in tiles, in constant memory.

        Parameters
        ----------
        z
            The latent vector of the whole grid.
        grid
            The whole grid.
        tile
            Edge of a tile in cells; rounded up to a multiple of the generator's ratio.

        Yields
        ------
        The place of each tile in the field and its values, equal to those of `generate` to float32 rounding.
        """
        ratio = self.architecture.ratio
        edge = math.ceil(tile / ratio) * ratio
        latent = np.asarray(z).reshape(self.latent_map(grid))
        part = Grid(tuple(min(edge, n) for n in grid.shape))
        window = self.latent_map(part)
        for corner in np.ndindex(*(math.ceil(n / edge) for n in grid.shape)):
            start = [c * edge for c in corner]
            block = latent[tuple(slice(s // ratio, s // ratio + w) for s, w in zip(start, window, strict=False))]
            # The last tile along an axis may need latents beyond the end; the cells they would reach are dropped.
            lacking = [(0, w - n) for w, n in zip(window, block.shape, strict=True)]
            field = np.asarray(self._generate(jnp.asarray(np.pad(block, lacking).ravel()), part))
            place = tuple(slice(s, min(s + p, n)) for s, p, n in zip(start, part.shape, grid.shape, strict=True))
            yield place, field[tuple(slice(0, p.stop - p.start) for p in place)]

    def describe(self) -> dict[str, Any]:
        """Latents, facies and provenance."""
        every = f"{self.architecture.latent_channels} for each {self.architecture.ratio} cells along each axis"
        return {"latents": every, **super().describe(), **self.provenance}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        model, table = self.facies_model, self.anamorphosis
        reading: dict[str, Any] = {} if table is None else {"anamorphosis": asdict(table)}
        if model is not None:
            reading = {"categories": list(model.categories), "thresholds": list(model.thresholds)}
        arrays = {}
        for position, layer in enumerate(self._layers):
            arrays[f"kernel_{position}"] = np.asarray(layer.kernel)
            arrays[f"bias_{position}"] = np.asarray(layer.bias)
        metadata = {
            "architecture": asdict(self.architecture),
            **reading,
            "shift": self._shift,
            "scale": self._scale,
            "provenance": self.provenance,
        }
        if self._critic is not None:
            metadata["discriminator_strides"] = list(self._critic.strides)
            for position, layer in enumerate(self._critic.layers):
                arrays[f"discriminator_kernel_{position}"] = np.asarray(layer.kernel)
                arrays[f"discriminator_bias_{position}"] = np.asarray(layer.bias)
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), arrays)

    @classmethod
    def from_record(cls, record: PriorRecord) -> "GeneratorPrior":
        """Make the prior from the content of its file."""
        metadata = record.metadata
        chain = tuple(Layer(**layer) for layer in metadata["architecture"]["layers"])
        architecture = GeneratorArchitecture(**{**metadata["architecture"], "layers": chain})
        layers = _stored_layers(record, "", len(chain))
        strides = metadata.get("discriminator_strides")
        critic = Critic(_stored_layers(record, "discriminator_", len(strides)), tuple(strides)) if strides else None
        continuous = "anamorphosis" in metadata
        return cls(
            architecture,
            layers,
            None if continuous else FaciesModel(tuple(metadata["categories"]), tuple(metadata["thresholds"])),
            anamorphosis=Anamorphosis(**metadata["anamorphosis"]) if continuous else None,
            shift=metadata["shift"],
            scale=metadata["scale"],
            provenance=metadata["provenance"],
            critic=critic,
        )

    def _logits(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "1 *grid 1"]:
        latent = z.reshape(1, *self.latent_map(grid))
        return synthesize(self.architecture, self._layers, latent, grid.shape)

    def _check(self, grid: Grid) -> None:
        if grid.ndim != self.ndim:
            raise InputError(
                f"The grid has {grid.ndim} axes and the prior makes fields of {self.ndim}; change one of them."
            )


def _stored_layers(record: PriorRecord, prefix: str, count: int) -> list[FoldedLayer]:
    return [
        FoldedLayer(*(jnp.asarray(record.arrays[f"{prefix}{part}_{n}"]) for part in ("kernel", "bias")))
        for n in range(count)
    ]


def bounded(logit: Float[Array, "*grid"], shift: float, scale: float) -> Float[Array, "*grid"]:
    """Calibrated, softly bounded field value of a logit."""
    u = (logit - shift) / scale
    return u / jnp.sqrt(1 + (u / BOUND) ** 2)
