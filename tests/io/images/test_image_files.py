"""Image files: every registered format has one layout; every damaged or unknown file gets one sentence."""

import numpy as np
import pytest
from maps import WRITERS, F, write_image

from latentinv.errors import InputError, StorageError
from latentinv.io.images import IMAGE_FORMATS, read_image

ENDINGS = [
    (name, ending)
    for name, form in IMAGE_FORMATS.items()
    for ending in form.endings
    if form.__module__.startswith("latentinv.")
]
"""Of the package's own formats."""


@pytest.mark.parametrize(("name", "ending"), ENDINGS)
def test_that_every_format_puts_the_south_into_row_zero_and_the_west_into_column_zero(tmp_path, name, ending):
    assert ending in WRITERS, f"tests/maps.py does not say how {name} files are written"
    path = write_image(tmp_path / f"map{ending}", F)
    np.testing.assert_array_equal(read_image(path), F)
    rows = {row: read_image(path, first_row=row) for row in ("north", "south")}
    np.testing.assert_array_equal(rows["north"], rows["south"][::-1])
    np.testing.assert_array_equal(rows[IMAGE_FORMATS[name].first_row], F)


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
    with pytest.raises(InputError, match=r"unsupported file extension; use one of \.dat, .*\.npz"):
        read_image(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"only \.npz files hold named arrays"):
        read_image(write_image(tmp_path / "a.png", F), key="one")
