"""How a generator is kept in a prior's file."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from latentinv.errors import StorageError
from latentinv.networks import FoldedLayer, GeneratorArchitecture, Layer
from latentinv.storage import PriorRecord

MOST_CHANNELS, MOST_LAYERS, MOST_DOUBLINGS = 8192, 64, 12
"""Of an architecture, beyond all that recipes can state."""


def check_sizes(settings: Any, name: str = "architecture") -> None:
    """Refuse an architecture, from a file, that would take more memory than any of ours.

    Raises
    ------
    StorageError
        If one of its numbers is too large or below 0, or it has too many layers; the sentence names it.
    """
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            check_sizes(value, str(key).replace("_", " "))
    elif isinstance(settings, list | tuple):
        ups = sum(isinstance(part, Mapping) and part.get("kind") == "up" for part in settings)
        if len(settings) > MOST_LAYERS or ups > MOST_DOUBLINGS:
            raise StorageError(
                f"The prior's {name} are {len(settings)}, {ups} of which double the resolution; no prior of this "
                f"version has more than {MOST_LAYERS} and {MOST_DOUBLINGS}, so the file is not used."
            )
        for value in settings:
            check_sizes(value, name)
    elif isinstance(settings, int | float) and not 0 <= settings <= MOST_CHANNELS:
        raise StorageError(
            f"The prior's {name} is {settings:g}; no prior of this version has more than {MOST_CHANNELS}, so the file "
            "is not used."
        )


def generator_from_metadata(metadata: Mapping[str, Any]) -> GeneratorArchitecture:
    """The architecture from a prior's metadata; `StorageError` if it is too large."""
    check_sizes(metadata["architecture"])
    chain = tuple(Layer(**layer) for layer in metadata["architecture"]["layers"])
    return GeneratorArchitecture(**{**metadata["architecture"], "layers": chain})


def layer_arrays(layers: Sequence[FoldedLayer], prefix: str = "") -> dict[str, np.ndarray]:
    """The arrays of layers, each named by its part and position."""
    return {
        f"{prefix}{part}_{position}": np.asarray(array)
        for position, layer in enumerate(layers)
        for part, array in zip(("kernel", "bias", "mixing"), (layer.kernel, layer.bias, layer.mixing), strict=True)
        if array is not None
    }


def stored_layers(record: PriorRecord, count: int, prefix: str = "") -> list[FoldedLayer]:
    """Layers from their arrays."""
    parts = ({part: record.arrays.get(f"{prefix}{part}_{n}") for part in FoldedLayer._fields} for n in range(count))
    return [FoldedLayer(**jax.device_put(part)) for part in parts]
