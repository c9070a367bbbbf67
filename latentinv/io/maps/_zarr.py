"""Maps as Zarr by xarray and zarr (optional): a folder of arrays, with coordinates and attributes as in netCDF."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import final

from latentinv.errors import InputError, StorageError

from ._format import MAP_FORMATS, AbstractMapFormat, Maps
from ._netcdf import to_xarray


@final
@MAP_FORMATS.register("zarr")
class Zarr(AbstractMapFormat):
    """An array for each layer (format 2); realizations with an axis of their own."""

    endings = (".zarr",)

    def write(self, path: Path, maps: Maps) -> None:
        """Write the folder beside its place, then move it there."""
        try:
            import zarr
        except ImportError:
            raise InputError("Zarr is written by zarr, which is not installed: pip install zarr.") from None
        del zarr
        data = to_xarray(maps)
        data.attrs = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in data.attrs.items()}
        for variable in data.data_vars.values():
            flags = variable.attrs.get("flag_values")
            variable.attrs |= {} if flags is None else {"flag_values": flags.tolist()}
        data = data.rename({name: str(name).replace(" ", "_") for name in data.data_vars})
        try:
            folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
            try:
                data.to_zarr(folder / "maps", zarr_format=2, consolidated=True)
                os.replace(folder / "maps", path)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written ({error.strerror}); check the folder and its space."
            ) from error
