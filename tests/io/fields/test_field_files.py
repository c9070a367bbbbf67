"""Exported fields: what each format holds besides the map, whose layout `tests/test_space.py` tests."""

import h5py
import numpy as np
import pytest
from maps import F

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.io.fields import Fields, write_fields


def fields_of(arrays, grid, name="facies"):
    """Fields that are there already, handed out in two tiles each."""

    def tiles(number):
        for part in (slice(0, 2), slice(2, None)):
            yield (part, *[slice(None)] * (grid.ndim - 1)), arrays[number][part]

    latents = np.arange(6, dtype=np.float32).reshape(2, 3)
    return Fields(name, grid, len(arrays), arrays[0].dtype, lambda n: latents[n], tiles, {"prior": "0123", "seed": 5})


def test_that_layers_are_written_from_the_lowest_on(tmp_path):
    volume = np.stack([F, F[:, ::-1], 1 - F])
    write_fields(tmp_path / "fields.npz", fields_of([volume, 1 - volume], Grid(volume.shape)))
    np.testing.assert_array_equal(np.load(tmp_path / "fields.npz")["facies"], [volume, 1 - volume])


def test_that_hdf5_says_where_the_fields_come_from(tmp_path):
    write_fields(tmp_path / "a.h5", fields_of([F, 1 - F], Grid(F.shape)))
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file.attrs["format"], file.attrs["prior"], file.attrs["seed"]) == ("latentinv-fields", "0123", 5)
        np.testing.assert_array_equal(file["latents"], [[0, 1, 2], [3, 4, 5]])
        np.testing.assert_array_equal(file["facies"], [F, 1 - F])


def test_that_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"unsupported file extension; use one of .*\.h5.*\.npz"):
        write_fields(tmp_path / "a.doc", fields_of([F], Grid(F.shape)))
