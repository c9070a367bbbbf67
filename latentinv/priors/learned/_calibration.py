"""How the numbers that a network gives become a field with the image's shares of facies, or its distribution.

Training drives the size of these numbers far from zero, which would make any likelihood on them stiff, so the field is
the number shifted, divided by its median size, and softly bounded: field = u / √(1 + (u / 4)²) with u = (number −
shift) / scale. The typical field value is then ±1, the bound ±4, and gradients never vanish abruptly. The shift, or the
thresholds where there are more than two ordered facies, are set so that the facies shares match the training image.
Facies without order have one number each, with a shift for each and one scale, by which the largest typically exceeds
the second largest by 1. A continuous property is an increasing function of the field, such that its distribution is the
training image's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from latentinv.errors import InputError
from latentinv.priors.core import FaciesModel, UnorderedFaciesModel
from latentinv.priors.gaussian import Anamorphosis
from latentinv.pytrees import pytree

BOUND = 4.0


@final
@pytree("shift", "scale", "anamorphosis")
class Calibration:
    """From a network's numbers to a field; `InputError` if there are both facies and an anamorphosis, or neither.

    Parameters
    ----------
    facies_model
        How the field is read as facies; None for a continuous property.
    anamorphosis
        From field values to those of a continuous property, in place of facies.
    shift, scale
        The number that becomes field value 0 (one for each of a cell), and the difference that becomes 1.
    """

    def __init__(
        self,
        facies_model: FaciesModel | UnorderedFaciesModel | None,
        *,
        anamorphosis: Anamorphosis | None = None,
        shift: float | Sequence[float],
        scale: float,
    ) -> None:
        if (facies_model is None) == (anamorphosis is None):
            raise InputError("A learned prior has facies or an anamorphosis; give one of them.")
        self.facies_model: FaciesModel | UnorderedFaciesModel | None = facies_model
        self.anamorphosis = anamorphosis
        self.shift = np.broadcast_to(np.asarray(shift, np.float32), (self.outputs,))
        self.scale = float(scale)

    @property
    def outputs(self) -> int:
        """Numbers that the network must give for each cell."""
        return 1 if self.facies_model is None else self.facies_model.components or 1

    def check_outputs(self, count: int) -> None:
        """Refuse a network that gives other numbers.

        Raises
        ------
        InputError
            If they are not as many as `outputs`.
        """
        if count != self.outputs:
            raise InputError(f"The network gives {count} numbers a cell; the field needs {self.outputs}.")

    def field(self, numbers: Float[Array, "*grid output"]) -> Float[Array, "*field"]:
        """The field of a network's numbers."""
        field = bounded(numbers, self.shift, self.scale)
        if self.facies_model is not None and self.facies_model.components:
            return field
        return field[..., 0] if self.anamorphosis is None else self.anamorphosis(field[..., 0])

    def to_metadata(self) -> dict[str, Any]:
        """The content for a prior's file, from which `from_metadata` restores it."""
        reading: dict[str, Any] = {}
        if self.anamorphosis is not None:
            reading["anamorphosis"] = self.anamorphosis.to_metadata()
        if self.facies_model is not None:
            reading["categories"] = list(self.facies_model.categories)
        if isinstance(self.facies_model, FaciesModel):
            reading["thresholds"] = list(self.facies_model.thresholds)
        return {**reading, "shift": self.shift.tolist(), "scale": self.scale}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> "Calibration":
        """Restore it from a prior's file."""
        numbers = {"shift": metadata["shift"], "scale": metadata["scale"]}
        if "anamorphosis" in metadata:
            return cls(None, anamorphosis=Anamorphosis(**metadata["anamorphosis"]), **numbers)
        codes, cuts = tuple(metadata["categories"]), metadata.get("thresholds")
        return cls(UnorderedFaciesModel(codes) if cuts is None else FaciesModel(codes, tuple(cuts)), **numbers)


def bounded(number: Float[Array, "*grid"], shift: ArrayLike, scale: float) -> Float[Array, "*grid"]:
    """Calibrated, softly bounded field value of a network's number."""
    u = (number - shift) / scale
    return u / jnp.sqrt(1 + (u / BOUND) ** 2)
