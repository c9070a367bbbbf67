"""Fields as NumPy arrays: ``facies`` or ``field`` ``[field, *grid]``, and ``latents`` ``[field, latent]``.

Row 0 has the least y, as in all arrays of this package.
"""

from pathlib import Path
from typing import Any, final

import numpy as np

from latentinv.storage import atomic_file

from ._format import FIELD_FORMATS, AbstractFieldFormat, Fields


@final
@FIELD_FORMATS.register("npz")
class NumpyFields(AbstractFieldFormat):
    """Compressed arrays, read by `numpy.load`."""

    endings = (".npz",)

    def write(self, path: Path, fields: Fields) -> None:
        """Write all fields and their latents."""
        numbers = range(fields.count)
        arrays: dict[str, Any] = {
            fields.name: np.stack([fields.whole(n) for n in numbers]),
            "latents": np.stack([np.asarray(fields.latents(n)) for n in numbers]),
        }
        with atomic_file(path) as file:
            np.savez_compressed(file, **arrays)
