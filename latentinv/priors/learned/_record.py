"""How a generator is kept in a prior's file."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from latentinv.networks import FoldedLayer, GeneratorArchitecture, Layer
from latentinv.storage import PriorRecord


def generator_from_metadata(metadata: Mapping[str, Any]) -> GeneratorArchitecture:
    """The architecture from a prior's metadata."""
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
