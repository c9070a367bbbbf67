"""Image files: every damaged or unknown file gets one sentence; `tests/test_space.py` tests their layout."""

import numpy as np
import pytest
from maps import F, write_image

from latentinv.errors import InputError, StorageError
from latentinv.io.images import read_image


@pytest.mark.parametrize("ending", [".npz", ".npy", ".tif", ".gslib"])
def test_that_layers_are_read_from_the_lowest_on(tmp_path, ending):
    volume = np.stack([F, F[:, ::-1], 1 - F])
    np.testing.assert_array_equal(read_image(write_image(tmp_path / f"map{ending}", volume)), volume)


@pytest.mark.parametrize("ending", [".npz", ".npy", ".png", ".tif", ".gslib"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_that_a_truncated_file_is_refused_in_one_sentence(tmp_path, ending, share):
    noise = np.random.default_rng(4).integers(0, 2, (60, 70)).astype(np.uint8)
    path = write_image(tmp_path / f"image{ending}", noise)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(StorageError, match=f"image{ending}.*(empty|truncated)"):
        read_image(path)


@pytest.mark.parametrize("ending", [".npz", ".npy", ".png", ".tif"])
def test_that_a_foreign_file_is_refused(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    path.write_bytes(b"Dear colleague, please find the image attached." * 20)
    with pytest.raises(StorageError, match="cannot be read"):
        read_image(path)


def test_that_missing_files_and_unknown_formats_are_refused(tmp_path):
    with pytest.raises(StorageError, match="no image file at"):
        read_image(tmp_path / "a.npz")
    (tmp_path / "a.jpg").write_text("x")
    with pytest.raises(InputError, match=r"unsupported file extension; use one of \.asc, .*\.npz"):
        read_image(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="holds one image without a name"):
        read_image(write_image(tmp_path / "a.png", F), key="one")
