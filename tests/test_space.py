"""One sense of space: the same small map through every reader, every writer, every picture and every forward model.

The map is the letter F as it is read on paper: north up on a map, the top up in a section (`maps.PRINTED`). Where its
cells lie in the world is worked out here by hand, so that `Grid` is tested and not trusted. ``docs/space.md`` says the
same in words.
"""

import h5py
import numpy as np
import pytest
import scipy.ndimage
from maps import PRINTED, WRITERS, F, write_image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageColor

from latentinv import BlockMeans, Grid, HardData, Posterior, Run
from latentinv.forward import (
    FORWARDS,
    Aquifer,
    ConvolutionalSeismic,
    CurvedRays,
    SteadyFlow,
    StraightRays,
    TransientFlow,
    averaging,
    gravity,
)
from latentinv.io.fields import FIELD_FORMATS, Fields, write_fields
from latentinv.io.images import IMAGE_FORMATS, read_image
from latentinv.plotting import film_fields, plot_fields, plot_run
from latentinv.plotting._realism import _draw_images
from latentinv.plotting._style import facies_colours
from latentinv.priors import AbstractPrior, FaciesModel
from latentinv.pytrees import pytree
from latentinv.training._sheet import write_sheet

PAPER = np.array([[character == "#" for character in line] for line in PRINTED.split()], np.uint8)
"""Rows from the top of the paper down."""
ROWS, COLUMNS = PAPER.shape
TIP = (1, 5)
"""Row and column on paper of the north-eastern (upper right) end of the letter."""
GRIDS = {
    "map": Grid((ROWS, COLUMNS), (10.0, 5.0), (500_000.0, 4_000_000.0)),
    "map turned by 30 degrees": Grid((ROWS, COLUMNS), (10.0, 5.0), (500_000.0, 4_000_000.0), 30.0),
    "map turned by 90 degrees": Grid((ROWS, COLUMNS), (10.0, 5.0), (500_000.0, 4_000_000.0), 90.0),
    "section of elevations": Grid((ROWS, COLUMNS), (4.0, 2.0), (100.0, -30.0), axes="xz"),
    "section of depths": Grid((ROWS, COLUMNS), (4.0, 2.0), (100.0, 30.0), axes="xz", z_axis="depth"),
}
SECTIONS = [name for name in GRIDS if name.startswith("section")]
FACIES = FaciesModel((0, 1), (0.0,))


def field_on(grid, paper):
    """The array that holds what is seen on paper: its first row is the south, the bottom, or of depths the top."""
    return paper if grid.z_axis == "depth" else paper[::-1]


def at(grid, row, column):
    """Coordinates of a place on paper, counted in cells from the upper left corner of the letter's sheet."""
    across = np.asarray(column, float) * grid.spacing[0]
    upward = (np.asarray(row, float) if grid.z_axis == "depth" else ROWS - np.asarray(row, float)) * grid.spacing[1]
    cosine, sine = np.cos(np.radians(grid.rotation)), np.sin(np.radians(grid.rotation))
    x, y = grid.origin[0] + cosine * across - sine * upward, grid.origin[1] + sine * across + cosine * upward
    return np.stack(np.broadcast_arrays(x, y), axis=-1)


def every_centre(grid):
    """Coordinates of all cells' centres, row by row down the paper."""
    rows, columns = np.indices(PAPER.shape)
    return at(grid, rows + 0.5, columns + 0.5).reshape(-1, 2)


def single(grid, inside, outside):
    """A property that differs at the tip of the letter alone."""
    paper = np.full(PAPER.shape, outside, np.float32)
    paper[TIP] = inside
    return field_on(grid, paper)


@pytest.mark.parametrize("name", GRIDS)
def test_that_each_place_on_paper_lies_in_its_cell(name):
    grid = GRIDS[name]
    cells = grid.cells(every_centre(grid))
    np.testing.assert_array_equal(field_on(grid, PAPER)[tuple(cells.T)], PAPER.ravel())
    np.testing.assert_allclose(grid.centres(cells), every_centre(grid), rtol=1e-12)


# Readers and writers of files

READERS = [(name, ending) for name, form in IMAGE_FORMATS.items() for ending in form.endings if ending in WRITERS]


def test_that_every_format_of_the_package_stands_in_this_table():
    own = {name for name, form in IMAGE_FORMATS.items() if form.__module__.startswith("latentinv.")}
    assert own == {name for name, _ in READERS}
    assert {name for name, form in FIELD_FORMATS.items() if form.__module__.startswith("latentinv.")} <= set(EXPORTS)


@pytest.mark.parametrize(("name", "ending"), READERS)
def test_that_every_reader_puts_the_south_into_row_zero(tmp_path, name, ending):
    path = write_image(tmp_path / f"map{ending}", F)
    np.testing.assert_array_equal(read_image(path), field_on(GRIDS["map"], PAPER))
    rows = {row: read_image(path, first_row=row) for row in ("north", "south")}
    np.testing.assert_array_equal(rows["north"], rows["south"][::-1])
    np.testing.assert_array_equal(rows[IMAGE_FORMATS[name].first_row], F)


def read_hdf5(path):
    with h5py.File(path) as file:
        return file["facies"][0]


EXPORTS = {"npz": lambda path: np.load(path)["facies"][0], "h5": read_hdf5}
"""How others read what is exported."""


@pytest.mark.parametrize(
    ("name", "ending"), [(name, ending) for name in EXPORTS for ending in FIELD_FORMATS[name].endings]
)
def test_that_every_export_begins_in_the_south_west(tmp_path, name, ending):
    fields = Fields("facies", GRIDS["map"], 1, F.dtype, lambda _: np.zeros(1), lambda _: iter([((...,), F)]), {})
    write_fields(tmp_path / f"map{ending}", fields)
    np.testing.assert_array_equal(EXPORTS[name](tmp_path / f"map{ending}"), F)


def wells_file(folder, grid):
    """All cells of the map as wells."""
    lines = [f"{x:.6f},{y:.6f},{code}" for (x, y), code in zip(every_centre(grid), PAPER.ravel(), strict=True)]
    path = folder / "wells.csv"
    path.write_text("\n".join([f"{','.join(grid.axes)},facies", *lines]), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", GRIDS)
def test_that_wells_of_a_file_fit_the_map_that_they_were_drilled_in(tmp_path, name):
    grid = GRIDS[name]
    wells = HardData.from_csv(wells_file(tmp_path, grid), grid, StillPrior())
    assert wells.count == PAPER.size
    codes = field_on(grid, PAPER)[tuple(np.asarray(wells.cells).T)]
    np.testing.assert_array_equal(codes, wells.codes)


@pytest.mark.parametrize("name", ["map", *SECTIONS])
def test_that_a_block_lies_where_its_corners_say(tmp_path, name):
    grid = GRIDS[name]
    corners = at(grid, [TIP[0], TIP[0] + 1], [TIP[1], TIP[1] + 1])
    box = [*corners.min(axis=0), *corners.max(axis=0)]
    header = ",".join(f"{axis}_{end}" for end in ("min", "max") for axis in grid.axes)
    path = tmp_path / "blocks.csv"
    path.write_text(f"{header},mean,sd\n{','.join(map(str, box))},0.5,0.1\n", encoding="utf-8")
    blocks = BlockMeans.from_csv(path, grid, StillPrior())
    exact = [float(blocks.predict_exact(2 * single(grid, *values) - 1)[0]) for values in ((1, 0), (0, 1))]
    np.testing.assert_allclose(exact, [1, 0], atol=1e-6)


# Forward models: what differs at the tip of the letter is seen there.

ARRAYS = {"linear", "function", "external", "steady_flux", "transient_flux", "box_means"}
"""Kinds that are given arrays over the cells, which are in array order, or (box_means) tested by blocks above."""


def edges(grid):
    """Ends of rays along every row of cells on paper, and along every column."""
    rows, columns = np.arange(ROWS) + 0.5, np.arange(COLUMNS) + 0.5
    level = at(grid, rows, 0.0), at(grid, rows, COLUMNS)
    plumb = at(grid, 0.0, columns), at(grid, ROWS, columns)
    return [np.concatenate(ends) for ends in zip(level, plumb, strict=True)]


def rays(grid, model):
    """Delays of rays along rows and columns; the row and the column of the greatest."""
    delay = np.asarray(model(grid, *edges(grid)).predict(single(grid, 0.5, 1.0)), float)
    delay -= np.asarray(model(grid, *edges(grid)).predict(np.ones(grid.shape, np.float32)), float)
    return int(np.argmax(delay[:ROWS])), int(np.argmax(delay[ROWS:]))


def flow(grid, model):
    """Heads in all cells about a pumping well; row and column of the lowest."""
    fixed = np.full(grid.shape, np.nan)
    fixed[:, [0, -1]] = 10.0
    aquifer = Aquifer(grid, fixed, single(grid, -1e-3, 0.0))
    heads = model(aquifer, every_centre(grid)).predict(np.full(grid.shape, 1e-3, np.float32))
    return np.unravel_index(int(np.argmin(heads)), PAPER.shape)


SEEN = {
    "straight_rays": lambda grid: rays(grid, StraightRays),
    "curved_rays": lambda grid: rays(grid, CurvedRays),
    "steady_flow": lambda grid: flow(grid, SteadyFlow),
    "transient_flow": lambda grid: flow(grid, lambda a, wells: TransientFlow(a, wells, [1e3], specific_storage=1e-4)),
}


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("kind", SEEN)
def test_that_a_forward_model_sees_the_tip_of_the_letter_where_it_is(kind, name):
    assert SEEN[kind](GRIDS[name]) == TIP


def test_that_every_forward_model_stands_in_this_table():
    own = {kind for kind, form in FORWARDS.items() if form.__module__.startswith("latentinv.")}
    assert own - ARRAYS - set(SEEN) == {"convolutional_seismic"}


@pytest.mark.parametrize("name", GRIDS)
def test_that_straight_rays_count_the_letter_row_by_row_and_column_by_column(name):
    grid = GRIDS[name]
    times = StraightRays(grid, *edges(grid)).predict(1 / (1 + field_on(grid, PAPER).astype(np.float32)))
    across, upward = grid.spacing
    expected = [across * (COLUMNS + PAPER.sum(axis=1)), upward * (ROWS + PAPER.sum(axis=0))]
    np.testing.assert_allclose(times, np.concatenate(expected), rtol=1e-5)


@pytest.mark.parametrize("name", SECTIONS)
def test_that_gravity_pulls_down_towards_what_is_below(name):
    """Above the tip most, downwards everywhere; more of what is near the top than of the same at the bottom."""
    grid = GRIDS[name]
    stations = at(grid, -0.5, np.arange(COLUMNS) + 0.5)
    model = gravity(grid, stations)
    near = np.asarray(model.predict(single(grid, 500.0, 0.0)))
    deep = np.asarray(model.predict(single(grid, 500.0, 0.0)[::-1]))
    assert near.min() > 0
    assert np.argmax(near) == TIP[1]
    assert near[TIP[1]] > 2 * deep[TIP[1]] > 0


@pytest.mark.parametrize("name", SECTIONS)
def test_that_an_echo_follows_below_the_interface(name):
    """A wavelet with a tail after its middle: nothing above the interface, the tail below it."""
    grid, paper = GRIDS[name], np.ones(PAPER.shape, np.float32)
    paper[4:, TIP[1]] = 3.0
    data = ConvolutionalSeismic(grid, np.array([0.0, 1.0, 0.5])).predict(field_on(grid, paper))
    expected = np.zeros((ROWS - 1, COLUMNS))
    expected[3:5, TIP[1]] = 0.5, 0.25  # faces are counted from the top down
    np.testing.assert_allclose(field_on(grid, np.asarray(data).reshape(expected.shape)), expected, atol=1e-6)


@pytest.mark.parametrize("name", GRIDS)
def test_that_averages_follow_as_the_blocks_do_in_arrays(name):
    grid = GRIDS[name]
    halves = field_on(
        grid, np.asarray(averaging(grid, (ROWS // 2, COLUMNS)).predict(field_on(grid, PAPER.astype(np.float32))))
    )
    np.testing.assert_allclose(halves, PAPER.reshape(2, -1).mean(axis=1), rtol=1e-6)


# Pictures


@pytree()
class StillPrior(AbstractPrior):
    """A prior that is never asked for a field."""

    ndim, facies_model = 2, FACIES

    def latent_size(self, grid):
        return 1

    def generate(self, z, grid):
        raise AssertionError

    def to_record(self):
        raise AssertionError


def panels(pixels, *, shape=PAPER.shape):
    """Read back what is drawn in the colours of facies: each panel cell by cell, from the upper left on."""
    clay, sand = (np.array(ImageColor.getrgb(colour)) for colour in facies_colours(2))
    likeness = [np.abs(pixels[..., :3].astype(int) - colour).sum(axis=-1) < 60 for colour in (clay, sand)]
    pieces, _ = scipy.ndimage.label(likeness[0] | likeness[1])
    found = [where for where in scipy.ndimage.find_objects(pieces) if min(s.stop - s.start for s in where) > 60]
    for where in found:
        middles = [
            ((np.arange(n) + 0.5) * (s.stop - s.start) / n).astype(int) for n, s in zip(shape, where, strict=True)
        ]
        yield likeness[1][where][np.ix_(*middles)].astype(np.uint8)


def opened(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


SHEETS = [name for name in GRIDS if name != "map turned by 30 degrees"]


@pytest.mark.parametrize("name", SHEETS)
def test_that_pictures_of_fields_show_the_letter_as_it_is_read(tmp_path, name):
    grid = GRIDS[name]
    expected = np.rot90(PAPER) if grid.rotation else PAPER
    plot_fields(field_on(grid, PAPER)[None], grid, tmp_path / "fields.png", categories=(0, 1))
    (found,) = panels(opened(tmp_path / "fields.png"), shape=expected.shape)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(3, ROWS, COLUMNS), (ROWS, 1, COLUMNS), (ROWS, COLUMNS, 1)])
def test_that_a_body_is_drawn_as_its_middle_layer_and_a_slice_as_a_section(tmp_path, shape):
    field = np.zeros(shape, np.uint8)
    field[(1,) if shape[0] == 3 else ...] = PAPER[::-1].reshape(field[(1,) if shape[0] == 3 else ...].shape)
    plot_fields(field[None], Grid(shape), tmp_path / "fields.png", categories=(0, 1))
    (found,) = panels(opened(tmp_path / "fields.png"))
    np.testing.assert_array_equal(found, PAPER)


@pytest.mark.parametrize("name", SHEETS)
def test_that_pictures_of_runs_show_the_letter_as_it_is_read(tmp_path, name):
    grid = GRIDS[name]
    expected = np.rot90(PAPER) if grid.rotation else PAPER
    field = field_on(grid, PAPER)
    run = Run(Posterior(StillPrior(), grid, []), "smc", np.zeros((1, 1)), field[None], {}, {}, 1, None, {}, {}, 0.0)
    plot_run(run, tmp_path / "run.png")
    np.testing.assert_array_equal(next(panels(opened(tmp_path / "run.png"), shape=expected.shape)), expected)


@pytest.mark.parametrize("name", ["map", *SECTIONS])
def test_that_films_show_the_letter_as_it_is_read(tmp_path, name):
    grid = GRIDS[name]
    film_fields(field_on(grid, PAPER)[None], grid, tmp_path / "film.gif", categories=(0, 1))
    (found,) = panels(opened(tmp_path / "film.gif"))
    np.testing.assert_array_equal(found, PAPER)


def test_that_pages_of_realism_and_sheets_of_training_show_the_letter_as_it_is_read(tmp_path):
    figure = Figure(figsize=(16, 6), dpi=100)
    canvas = FigureCanvasAgg(figure)
    _draw_images(figure, F[None], F[None], 2)
    canvas.draw()
    found = list(panels(np.asarray(canvas.buffer_rgba())))
    assert len(found) == 2
    for panel in found:
        np.testing.assert_array_equal(panel, PAPER)
    write_sheet(tmp_path / "sheet.png", np.repeat(255 * F[None], 6, axis=0), np.repeat(255 * F[None], 18, axis=0))
    sheet = opened(tmp_path / "sheet.png")[..., 0]
    scale = sheet.shape[1] // ((COLUMNS + 4) * 6)
    corner = sheet[scale // 2 : ROWS * scale : scale, scale // 2 : COLUMNS * scale : scale]
    np.testing.assert_array_equal(corner // 255, PAPER)
