"""Images in Esri ASCII grids."""

import numpy as np
import pytest

from latentinv.errors import InputError, StorageError
from latentinv.io.images import read_image

TEXT = """NCOLS 3
nrows 2
xllcorner 2600000.0
yllcorner 1200000.0
cellsize 25
NODATA_value -1
1 2 -1
4 5 6
"""


def test_that_the_first_row_lies_in_the_north_and_what_has_no_data_is_missing(tmp_path):
    (tmp_path / "map.asc").write_text(TEXT)
    np.testing.assert_array_equal(read_image(tmp_path / "map.asc"), [[4, 5, 6], [1, 2, np.nan]])
    np.testing.assert_array_equal(read_image(tmp_path / "map.asc", first_row="south"), [[1, 2, np.nan], [4, 5, 6]])


def test_that_no_data_is_minus_9999_unless_it_is_stated(tmp_path):
    (tmp_path / "map.asc").write_text(TEXT.replace("NODATA_value -1\n", "").replace("4 5", "-9999 5"))
    np.testing.assert_array_equal(read_image(tmp_path / "map.asc"), [[np.nan, 5, 6], [1, 2, -1]])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("nrows 2", "", "does not state nrows"),
        ("4 5 6", "4 5", "states 3 columns and 2 rows but holds 5 values"),
        ("4 5 6", "4 5 clay", "something that is not a number.*clay"),
        ("nrows 2", "nrows 0", "states 3 columns and 0 rows"),
    ],
)
def test_that_a_faulty_grid_is_refused(tmp_path, old, new, words):
    (tmp_path / "map.asc").write_text(TEXT.replace(old, new))
    with pytest.raises((InputError, StorageError), match=words):
        read_image(tmp_path / "map.asc")
