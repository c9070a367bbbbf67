"""Images in pictures."""

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from latentinv.errors import InputError
from latentinv.io.images import read_content, read_image


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1"])
def test_that_grey_pictures_are_accepted_in_any_mode(tmp_path, mode):
    facies = np.random.default_rng(3).integers(0, 2, (8, 11)).astype(np.uint8)
    Image.fromarray(facies * 255).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), facies[::-1] * 255)


def test_that_numbers_of_a_tiff_are_kept(tmp_path):
    values = np.random.default_rng(6).normal(size=(5, 7)).astype(np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), values[::-1])


def test_that_colours_are_codes_from_the_darkest_on(tmp_path):
    codes = np.random.default_rng(5).integers(0, 3, (8, 9))
    table = np.array([[120, 0, 0], [0, 99, 0], [250, 250, 0]], np.uint8)  # brightness 36, 58, 221
    Image.fromarray(table[codes]).save(tmp_path / "a.png")
    content = read_content(tmp_path / "a.png")
    np.testing.assert_array_equal(content.array, codes[::-1])
    np.testing.assert_array_equal(content.colours, table)
    seen = np.random.default_rng(6).random((8, 9)) < 0.7
    Image.fromarray(np.dstack([table[codes], np.where(seen, 255, 0).astype(np.uint8)])).save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_image(tmp_path / "b.png"), np.where(seen, codes, np.nan)[::-1])
    palette = Image.fromarray(codes.astype(np.uint8), "P")
    palette.putpalette(table.ravel().tolist())
    palette.save(tmp_path / "c.png")
    np.testing.assert_array_equal(read_image(tmp_path / "c.png"), codes[::-1])


def test_that_half_transparent_pictures_and_photographs_are_refused(tmp_path):
    Image.fromarray(np.full((8, 8, 4), 99, np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(InputError, match="half transparent"):
        read_image(tmp_path / "b.png")
    noise = np.random.default_rng(7).integers(0, 256, (80, 80, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "c.png")
    with pytest.raises(InputError, match=r"has 6\d\d\d colours, as a photograph has"):
        read_image(tmp_path / "c.png")


def test_that_transparent_pixels_and_those_of_no_data_are_missing(tmp_path):
    facies = np.random.default_rng(4).integers(0, 2, (8, 11)).astype(np.uint8) * 255
    outside = np.random.default_rng(5).random((8, 11)) < 0.3
    coloured = np.stack([facies, facies, np.where(outside, 7, facies), np.where(outside, 0, 255)], axis=-1)
    Image.fromarray(coloured.astype(np.uint8)).save(tmp_path / "a.png")
    expected = np.where(outside, np.nan, facies)[::-1]
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[42113], tags.tagtype[42113] = "99", 2
    Image.fromarray(np.where(outside, 99, facies).astype(np.uint8)).save(tmp_path / "a.tif", tiffinfo=tags)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), expected)


def test_that_pages_of_unlike_size_and_an_animation_are_refused(tmp_path):
    pages = [Image.new("L", size) for size in ((4, 5), (4, 6))]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match="differ in size or kind"):
        read_image(tmp_path / "a.tif")
    still = [Image.new("L", (4, 5), grey) for grey in (0, 9)]
    still[0].save(tmp_path / "a.png", save_all=True, append_images=still[1:])
    with pytest.raises(InputError, match="animated"):
        read_image(tmp_path / "a.png")


def test_that_many_huge_pages_are_refused_before_they_are_read(tmp_path, monkeypatch):
    pages = [Image.new("L", (500, 400), grey) for grey in range(60)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    monkeypatch.setattr("latentinv.io.images._sizes.MOST_BYTES", 2**26)
    monkeypatch.setattr("latentinv.io.images._pillow._page", None)
    with pytest.raises(InputError, match=r"a\.tif unfolds to 0\.1 GiB"):
        read_image(tmp_path / "a.tif")


def test_that_the_colour_that_a_png_declares_transparent_is_missing(tmp_path):
    codes = np.random.default_rng(8).integers(0, 3, (8, 9))
    seen = np.where(codes == 2, np.nan, codes)[::-1]
    grey, wide = (codes * 100).astype(np.uint8), (codes * 1000).astype(np.uint16)
    for name, picture, transparent, expected in (
        ("grey", Image.fromarray(grey), 200, seen * 100),
        ("wide", Image.fromarray(wide), 2000, seen * 1000),
        ("black", Image.fromarray(codes > 0), 255, np.where(codes > 0, np.nan, 0)[::-1]),
        ("colour", Image.fromarray(np.dstack([grey, 200 - grey, grey // 2])), (200, 0, 100), 1 - seen),
    ):
        picture.save(tmp_path / f"{name}.png", transparency=transparent)
        np.testing.assert_array_equal(read_image(tmp_path / f"{name}.png"), expected, err_msg=name)
