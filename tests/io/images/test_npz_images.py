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
