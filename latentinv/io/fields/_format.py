"""What an export format of fields is, and the registry of them.

A new format is one file with a class that is registered here, in this package or, by an entry point in the group
``latentinv.field_format``, in another:

    @FIELD_FORMATS.register("raster")
    class Raster(AbstractFieldFormat):
        endings = (".asc",)

        def write(self, path, fields): ...
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Float, Shaped

from latentinv.grid import Grid
from latentinv.registration import Registry


class Latents(Protocol):
    """A latent vector, which need not be whole in memory."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> Float[np.ndarray, "latent"]: ...
    def __array__(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Fields:
    """Fields on one grid, each made when it is written, so that large ones are never whole in memory."""

    name: str
    """What the numbers are: ``facies`` codes, or a ``field`` of a property."""
    grid: Grid
    count: int
    """Number of fields."""
    dtype: np.dtype
    """Type of the numbers."""
    latents: Callable[[int], Latents]
    """The latent vector of field n."""
    tiles: Callable[[int], Iterator[tuple[Any, np.ndarray]]]
    """Field n tile by tile: where a tile lies in the array, and its numbers; row 0 has the least y."""
    origin: dict[str, Any]
    """Where the fields come from, by name: texts and numbers."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What facies are called, by code; empty where they have no names."""

    def whole(self, number: int) -> Shaped[np.ndarray, "*grid"]:
        """Field n in one array."""
        field = np.empty(self.grid.shape, self.dtype)
        for place, tile in self.tiles(number):
            field[place] = tile
        return field


class AbstractFieldFormat(ABC):
    """One kind of file that holds fields."""

    endings: ClassVar[tuple[str, ...]]
    """File extensions, in lower case."""
    tiled: ClassVar[bool] = False
    """Whether fields are written tile by tile, so that they may exceed the memory."""

    @abstractmethod
    def write(self, path: Path, fields: Fields) -> None:
        """Write the fields to a file, whole or not at all (`latentinv.storage.atomic_file`).

        Raises
        ------
        StorageError
            If the file cannot be written.
        """


FIELD_FORMATS = Registry[type[AbstractFieldFormat]]("field format", rooms=("latentinv.io.fields",))
