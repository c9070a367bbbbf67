"""A prior learned from a training image: a folded generator with a calibrated output.

The network gives a logit. Training drives the logit's size far from zero, which would make any likelihood on it stiff,
so the field is the logit shifted and divided by its median size and softly bounded: field = u / √(1 + (u / 4)²) with
u = (logit − shift) / scale. The typical field value is then ±1, the bound ±4, and gradients never vanish abruptly. The
shift, or the thresholds where there are more than two facies, are set so that the facies shares match the training
image. A continuous property is an increasing function of that field, such that
its distribution is the training image's.

Generation is local and stationary: there is no padding, batch statistics are frozen into the weights, and a tile of a
field equals the same tile of any larger field with the same latents to float32 rounding. A prior file may hold the
discriminator too (``discriminator_strides`` in its metadata, ``discriminator_kernel_N`` and ``discriminator_bias_N``
among its arrays), which does not affect fields. Cost for a field of n cells with the ``compact`` architecture: about
16 000 multiply-adds per cell forward, and twice that for the gradient.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import MOST_CELLS, Grid
from latentinv.networks import Critic, FoldedLayer, GeneratorArchitecture, Layer, synthesize
from latentinv.priors.core import NO_DISCRIMINATOR, PRIORS, AbstractPrior, FaciesModel, LatentMap
from latentinv.priors.gaussian import Anamorphosis
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

BOUND = 4.0


class _Provenance:
    """Provenance of a prior, as JSON text; all are equal, because compiled programs do not depend on it."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.text = json.dumps(content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Provenance)

    def __hash__(self) -> int:
        return hash(_Provenance)


@final
@PRIORS.register("generator")
@pytree("layers", "anamorphosis", "shift", "scale", "critic")
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
        Where the prior comes from: recipe, training image, measures. JSON types only.
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
        layers: Sequence[FoldedLayer],
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
        self.layers = tuple(layer.prepared() for layer in layers)
        self.shift = float(shift)
        self.scale = float(scale)
        self.critic = critic
        self._provenance = _Provenance(provenance)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the prior comes from; a copy."""
        content: dict[str, Any] = json.loads(self._provenance.text)
        return content

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """One map, channels last.

        Raises
        ------
        InputError
            If the grid has other axes than the prior.
        """
        if grid.ndim != self.ndim:
            raise InputError(f"The prior has {self.ndim} axes, but the grid {grid.ndim}; change one of them.")
        net = self.architecture
        return (LatentMap(net.latent_shape(grid.shape), (net.ratio,) * self.ndim, (net.reach,) * self.ndim),)

    def latent_size(self, grid: Grid) -> int:
        """Length of the latent vector for a grid.

        Raises
        ------
        InputError
            If the grid has other axes than the prior, or so many cells that the latents do not fit one array.
        """
        size = self.latent_maps(grid)[0].size
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
        field = bounded(self._logits(z, grid)[0, ..., 0], self.shift, self.scale)
        return field if self.anamorphosis is None else self.anamorphosis(field)

    def discriminate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*scores"]:
        """Score how closely the field of a latent vector resembles the training image, place by place; higher is
        closer.

        Raises
        ------
        InputError
            If the prior has no discriminator, or the grid is smaller than its window.
        """
        if self.critic is None:
            raise InputError(NO_DISCRIMINATOR)
        if min(grid.shape) < self.critic.ratio:
            raise InputError(
                f"The grid has {grid.shape} cells, and the prior's discriminator sees {self.critic.ratio} along each "
                "axis at once; give a larger grid, or the discriminator no weight."
            )
        return self.critic.scores(jnp.tanh(self._logits(z, grid)))[0, ..., 0]

    def with_critic(self, critic: Critic) -> "GeneratorPrior":
        """The same prior with a discriminator."""
        other: GeneratorPrior = replace(self, critic=critic)
        return other

    def describe(self) -> dict[str, Any]:
        """Latents, facies and provenance."""
        every = f"{self.architecture.latent_channels} for each {self.architecture.ratio} cells along each axis"
        return {"latents": every, **super().describe(), **self.provenance}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        model, table = self.facies_model, self.anamorphosis
        reading: dict[str, Any] = {} if table is None else {"anamorphosis": table.to_metadata()}
        if model is not None:
            reading = {"categories": list(model.categories), "thresholds": list(model.thresholds)}
        arrays = {}
        for position, layer in enumerate(self.layers):
            arrays[f"kernel_{position}"] = np.asarray(layer.kernel)
            arrays[f"bias_{position}"] = np.asarray(layer.bias)
        metadata = {
            "architecture": asdict(self.architecture),
            **reading,
            "shift": self.shift,
            "scale": self.scale,
            "provenance": self.provenance,
        }
        if self.critic is not None:
            metadata["discriminator_strides"] = list(self.critic.strides)
            for position, layer in enumerate(self.critic.layers):
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
        latent = z.reshape(1, *self.latent_maps(grid)[0].shape)
        return synthesize(self.architecture, self.layers, latent, grid.shape)


def _stored_layers(record: PriorRecord, prefix: str, count: int) -> list[FoldedLayer]:
    return [
        FoldedLayer(*jax.device_put([record.arrays[f"{prefix}{part}_{n}"] for part in ("kernel", "bias")]))
        for n in range(count)
    ]


def bounded(logit: Float[Array, "*grid"], shift: float, scale: float) -> Float[Array, "*grid"]:
    """Calibrated, softly bounded field value of a logit."""
    u = (logit - shift) / scale
    return u / jnp.sqrt(1 + (u / BOUND) ** 2)
