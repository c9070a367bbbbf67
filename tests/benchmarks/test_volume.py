"""The cases of the volume benchmark, small."""

import h5py

from benchmarks import _volume_case, volume


def test_that_a_draw_is_written_in_tiles_with_its_peak(tmp_path):
    figures = _volume_case.draw("16x24x20", tmp_path)
    assert figures["peak_mb"] > 0
    with h5py.File(tmp_path / "volume.h5") as file:
        assert file["facies"].shape == (1, 16, 24, 20)
        assert file["facies"].dtype == "uint8"


def test_that_the_whole_takes_a_hundred_million_cells_and_not_all_their_latents():
    from latentinv import Grid
    from latentinv.io.fields._hdf5 import MOST_LATENTS

    shape = tuple(int(n) for n in volume.parse([]).shape.split("x"))
    grid = Grid(shape)
    assert grid.size == 10**8
    assert _volume_case.untrained_generator(noise=6).latent_size(grid) > MOST_LATENTS
