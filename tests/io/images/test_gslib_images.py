"""Images in GSLIB text."""

import numpy as np
import pytest
from maps import gslib_text

from latentinv.errors import InputError, StorageError
from latentinv.io.images import read_image

VOLUME = np.random.default_rng(1).integers(0, 3, (4, 3, 2))


@pytest.mark.parametrize(
    "title",
    [
        "2 3 4",
        "2 3 4 1 1 1 0 0 0",
        " 2 3 4   10.0 10.0 1.0   0.0 0.0 -5.0",
        "2 3 4 2 3 4",
        "folds (2x3x4), 12 runs",
        "model 7, size 2 3 4",
        "TI_1 (2x3x4)",
        "unit 3.4 of 2 x 3 x 4 cells",
        "Layer 1 of lower unit 2 3 4",
    ],
)
def test_that_a_gslib_volume_is_read_as_layers_rows_columns(tmp_path, title):
    (tmp_path / "a.gslib").write_text(gslib_text(VOLUME, title, ("facies",)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.gslib"), VOLUME)


@pytest.mark.parametrize("title", ["TI_1 (60x40x1)", "Layer 1 of lower unit 60 40 1", "60 40 1 1 1 1 0 0 0"])
def test_that_a_number_in_a_title_is_no_size(tmp_path, title):
    plane = np.random.default_rng(2).integers(0, 2, (40, 60))
    (tmp_path / "a.sgems").write_text(gslib_text(plane[None], title, ("facies",)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.sgems"), plane)


def test_that_sizes_may_stand_on_the_second_line(tmp_path):
    lines = gslib_text(VOLUME, "any title of 24 cells", ("facies",)).split("\n")
    lines[1] = " 1  2  3  4   0.5 0.5 0.5  1.0 1.0 1.0  1"
    (tmp_path / "a.dat").write_text("\n".join(lines))
    np.testing.assert_array_equal(read_image(tmp_path / "a.dat"), VOLUME)


def test_that_a_title_that_can_mean_several_sizes_is_refused(tmp_path):
    (tmp_path / "a.dat").write_text(gslib_text(VOLUME, "no. 1 2 12 1", ("facies",)))
    with pytest.raises(InputError, match="can mean 1 × 2 × 12 or 2 × 12 × 1 cells along x, y and z; write only"):
        read_image(tmp_path / "a.dat")


def test_that_the_variable_is_the_one_that_is_named_and_never_silently_the_first(tmp_path):
    (tmp_path / "a.gslib").write_text(gslib_text(VOLUME, "2 3 4", ("porosity", "Facies")))
    both = np.loadtxt(tmp_path / "a.gslib", skiprows=4)
    for settings, column in (({"key": "porosity"}, 0), ({"key": "Facies"}, 1), ({"usual": "facies"}, 1)):
        found = read_image(tmp_path / "a.gslib", **settings)
        np.testing.assert_array_equal(found, both[:, column].reshape(4, 3, 2))
    with pytest.raises(InputError, match="holds the variables porosity, Facies, and no key was given"):
        read_image(tmp_path / "a.gslib")
    with pytest.raises(InputError, match="not one 'sand'; name the one to use with key"):
        read_image(tmp_path / "a.gslib", key="sand")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_that_an_axis_of_one_cell_is_left_out(tmp_path, axis):
    section = np.random.default_rng(3).integers(0, 2, (5, 7))
    volume = np.expand_dims(section, axis)
    title = " ".join(str(n) for n in volume.shape[::-1])
    (tmp_path / "a.gslib").write_text(gslib_text(volume, title, ("facies",)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.gslib"), section)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("channels\n1\nfacies\n0\n1\n", "nor the second states the sizes"),
        ("0 1 0\n1 0 1\n1 1 1\n", "states 0 × 1 × 0"),
        ("2 2 1\nfacies\n0\n1\n", "no GSLIB header"),
        ("2 2 1\n1\nfacies\n0\n1\n1\nclay\n", "not a number.*clay"),
        ("2 2 1\n1\nfacies\n0\n1\n1\n0\n1\n", "2 × 2 × 1 = 4 cells in its header but holds values for 5"),
        ("2 2 1\n2\nfacies\nporosity\n0 1\n1 1\n1 1\n0\n", "variables facies, porosity"),
        ("2 2 1\n1\nfacies\n", "holds values for 0"),
    ],
)
def test_that_a_faulty_gslib_file_is_refused(tmp_path, text, message):
    (tmp_path / "a.dat").write_text(text)
    with pytest.raises((InputError, StorageError), match=message):
        read_image(tmp_path / "a.dat")
