"""Films of fields."""

import numpy as np
import pytest
from PIL import Image

from latentinv import Grid, InputError
from latentinv.plotting import film_fields


def test_that_frames_show_the_facies_in_their_colours_whatever_their_codes(tmp_path):
    fields = np.array([[[7, 2], [2, 2]], [[2, 2], [2, 7]]])
    film_fields(fields, Grid((2, 2)), tmp_path / "film.gif", categories=(7, 2), seconds=1.0)
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.n_frames, film.size, film.info["duration"]) == (2, (480, 480), 500)
        frame = film.convert("RGB")
        assert frame.getpixel((0, 479)) == (0x46, 0x3F, 0x3A)  # row 0 at the bottom: the south
        assert frame.getpixel((479, 0)) == (0xF0, 0xC0, 0x4F)


def test_that_other_endings_and_shapes_are_refused(tmp_path):
    with pytest.raises(InputError, match="gif"):
        film_fields(np.zeros((2, 4, 4), int), Grid((4, 4)), tmp_path / "film.avi", categories=(0, 1))
    with pytest.raises(InputError, match="cannot be filmed"):
        film_fields(np.zeros((4, 4), int), Grid((4, 4)), tmp_path / "film.gif", categories=(0, 1))


def test_that_values_run_through_the_colours_from_lowest_to_highest(tmp_path):
    fields = np.array([[[-1.0, 3.0], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]], np.float32)
    film_fields(fields, Grid((2, 2)), tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        frame = film.convert("RGB")
        assert frame.getpixel((0, 479)) == (68, 1, 84)
        assert frame.getpixel((479, 479)) == (253, 231, 36)
