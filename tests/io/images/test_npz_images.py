"""Images in NumPy's files."""

import numpy as np
import pytest
from maps import F

from latentinv.errors import InputError, StorageError
from latentinv.io.images import read_image


def test_that_a_named_array_is_taken_from_several(tmp_path):
    np.savez(tmp_path / "a.npz", facies=F, other=F.T)
    np.testing.assert_array_equal(read_image(tmp_path / "a.npz", key="other"), F.T)
    np.testing.assert_array_equal(read_image(tmp_path / "a.npz", usual="facies"), F)
    with pytest.raises(InputError, match="holds the arrays facies, other, and no key was given"):
        read_image(tmp_path / "a.npz")
    with pytest.raises(InputError, match="not 'three'"):
        read_image(tmp_path / "a.npz", key="three")


def test_that_pickled_and_misnamed_arrays_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[{}, {}]]), allow_pickle=True)
    with pytest.raises(StorageError, match="cannot be read"):
        read_image(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", F)
    (tmp_path / "b.npy").rename(tmp_path / "b.npz")
    with pytest.raises(StorageError, match="one array without a name"):
        read_image(tmp_path / "b.npz")


def test_that_sizes_are_checked_before_memory_is_taken(tmp_path, monkeypatch):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 1000000), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    (tmp_path / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(800))
    with pytest.raises(StorageError, match=r"huge\.npy states 100000000000 cells but holds 800 bytes"):
        read_image(tmp_path / "huge.npy")
    np.savez_compressed(tmp_path / "bomb.npz", facies=np.zeros((3000, 3000)))
    monkeypatch.setattr("latentinv.io.images._sizes.MOST_BYTES", 2**26)
    with pytest.raises(InputError, match=r"bomb\.npz unfolds to 0\.1 GiB; an image has at most"):
        read_image(tmp_path / "bomb.npz")
