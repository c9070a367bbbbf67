"""Images in GSLIB text."""

import numpy as np
import pytest
from maps import gslib_text

from latentinv.errors import InputError, StorageError
from latentinv.io.images import read_image


@pytest.mark.parametrize("title", ["2 3 4", "folds (2x3x4), 12 runs", "model 7, size 2 3 4"])
def test_that_a_gslib_volume_is_read_as_layers_rows_columns_with_its_first_variable(tmp_path, title):
    volume = np.random.default_rng(1).integers(0, 3, (4, 3, 2))
    (tmp_path / "a.gslib").write_text(gslib_text(volume, title, ("facies code", "porosity")))
    np.testing.assert_array_equal(read_image(tmp_path / "a.gslib"), volume)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("channels\n1\nfacies\n0\n1\n", "does not state the sizes"),
        ("0 1 0\n1 0 1\n1 1 1\n", "states 0 × 1 × 0"),
        ("2 2 1\nfacies\n0\n1\n", "no GSLIB header"),
        ("2 2 1\n1\nfacies\n0\n1\n1\nclay\n", "not a number.*clay"),
        ("2 2 1\n1\nfacies\n0\n1\n1\n0\n1\n", "2 × 2 × 1 = 4 cells in its first line but holds values for 5"),
        ("2 2 1\n2\nfacies\nporosity\n0 1\n1 1\n1 1\n0\n", "holds values for 3.5"),
        ("2 2 1\n3\nfacies\n", "holds values for 0"),
    ],
)
def test_that_a_faulty_gslib_file_is_refused(tmp_path, text, message):
    (tmp_path / "a.dat").write_text(text)
    with pytest.raises((InputError, StorageError), match=message):
        read_image(tmp_path / "a.dat")
