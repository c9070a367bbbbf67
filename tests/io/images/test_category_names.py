"""Names of categories in GeoTIFFs and beside them, and files that nobody should trust."""

import numpy as np
import pytest
from PIL import Image

from latentinv import Grid
from latentinv.io.images import read_content
from latentinv.io.maps import Maps, write_maps
from latentinv.training import read_training_image

CODES = np.tile(np.array([[0, 2, 2], [2, 0, 0]], np.uint8), (4, 4))
LISTED = (
    '<PAMDataset><PAMRasterBand band="2"><CategoryNames><Category>no</Category></CategoryNames></PAMRasterBand>'
    '<PAMRasterBand band="1"><CategoryNames><Category>clay</Category><Category/><Category>fine sand</Category>'
    "</CategoryNames></PAMRasterBand></PAMDataset>"
)
TABLED = """<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable>
<FieldDefn index="0"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>
<FieldDefn index="1"><Name>Count</Name><Type>0</Type><Usage>1</Usage></FieldDefn>
<FieldDefn index="2"><Name>lithology</Name><Type>2</Type><Usage>2</Usage></FieldDefn>
<Row index="0"><F>0</F><F>12</F><F>clay</F></Row><Row index="1"><F>2</F><F>12</F><F>fine sand</F></Row>
</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"""


def picture(folder, beside):
    Image.fromarray(CODES).save(folder / "a.tif")
    (folder / "a.tif.aux.xml").write_text(beside)
    return folder / "a.tif"


@pytest.mark.parametrize("beside", [LISTED, TABLED])
def test_that_names_beside_a_geotiff_are_those_of_its_facies(tmp_path, beside):
    image = read_training_image(picture(tmp_path, beside))
    assert image.categories == (0, 2)
    assert image.names == ("clay", "fine sand")


def test_that_names_of_a_palette_go_to_its_colours(tmp_path):
    colours = Image.frombytes("P", CODES.shape[::-1], CODES.tobytes())
    colours.putpalette([250, 200, 40, 0, 0, 0, 60, 50, 40] + [0] * 759)
    colours.save(tmp_path / "a.tif")
    (tmp_path / "a.tif.aux.xml").write_text(LISTED)
    image = read_training_image(tmp_path / "a.tif")
    assert dict(zip(image.names, image.colours, strict=True)) == {"fine sand": "#3c3228", "clay": "#fac828"}


def test_that_exported_names_come_back(tmp_path):
    pytest.importorskip("rasterio")
    layers = {"most probable facies": CODES.astype(int)}
    write_maps(tmp_path / "a.tif", Maps(Grid(CODES.shape), layers, names={0: "clay", 2: "fine sand"}))
    assert read_training_image(tmp_path / "a.tif").names == ("clay", "fine sand")
    (tmp_path / "a.tif.aux.xml").unlink()
    image = read_training_image(tmp_path / "a.tif")
    assert image.names == ("clay", "fine sand")
    np.testing.assert_array_equal(np.asarray(image.categories)[image.facies], CODES)


@pytest.mark.parametrize(
    "beside",
    [
        '<!DOCTYPE a [<!ENTITY b "clay">]>' + LISTED.replace("clay", "&b;"),
        LISTED + " " * 2**20,
        LISTED[:-5],
        "\0\1\2",
        LISTED.replace("fine sand", "clay"),
        LISTED.replace("fine sand", "").replace("clay", ""),
        LISTED.replace('band="1"', 'band="3"'),
    ],
)
def test_that_a_file_beside_that_cannot_be_trusted_or_used_names_nothing(tmp_path, beside):
    image = read_training_image(picture(tmp_path, beside))
    assert (image.categories, image.names) == ((0, 2), ())


def test_that_a_plain_picture_has_no_names(tmp_path):
    Image.fromarray(CODES).save(tmp_path / "a.tif")
    assert dict(read_content(tmp_path / "a.tif").names) == {}
