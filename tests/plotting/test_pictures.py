"""Pictures of fields and runs: that they are written, and refused in the user's words."""

import sys

import numpy as np
import pytest
from PIL import Image

from latentinv import BlockMeans, Grid, HardData, InputError, Posterior, Run, StorageError
from latentinv.plotting import plot_fields, plot_run
from latentinv.plotting._style import facies_colours
from latentinv.priors import AbstractPrior, FaciesModel
from latentinv.pytrees import pytree

TWO_FACIES = FaciesModel((0, 1), (0.0,))


@pytree()
class StillPrior(AbstractPrior):
    """A prior that is never asked for a field."""

    def __init__(self, ndim, facies_model):
        self.ndim, self.facies_model = ndim, facies_model

    def latent_size(self, grid):
        return 1

    def generate(self, z, grid):
        raise AssertionError

    def to_record(self):
        raise AssertionError


def make_run(shape=(20, 30), draws=4, facies_model=TWO_FACIES):
    grid, rng = Grid(shape, 2.0, 100.0), np.random.default_rng(0)
    prior = StillPrior(len(shape), facies_model)
    fields = rng.standard_normal((draws, *shape))
    low, high = grid.lower + 4.0, grid.lower + 12.0
    observations = [BlockMeans(grid, low, high, 0.5, 0.1, facies_model)]
    if facies_model is not None:
        fields = np.asarray(facies_model.facies(fields))
        places = grid.centres(np.stack([rng.integers(0, n, 6) for n in shape], axis=1))
        observations.append(HardData(grid, places, np.full(6, facies_model.categories[1]), facies_model))
    posterior = Posterior(prior, grid, observations)
    return Run(posterior, "smc", np.zeros((draws, 1)), fields, {"log_evidence": -3.5}, {}, 7, None, {}, {}, 0.0)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"shape": (60, 20), "draws": 12, "facies_model": FaciesModel((3, 1, 2), (-0.5, 0.5))},
        {"facies_model": None},
        {"shape": (6, 20, 24), "draws": 1},
    ],
    ids=["two facies", "three facies, tall", "continuous", "three axes, one draw"],
)
def test_that_a_run_becomes_a_picture_of_1600_pixels_in_width(tmp_path, settings):
    plot_run(make_run(**settings), tmp_path / "run.png")

    with Image.open(tmp_path / "run.png") as picture:
        assert picture.width == 1600


def test_that_particles_on_their_way_are_drawn_too(tmp_path):
    plot_run(make_run(), tmp_path / "run.svg", drawn=False)

    assert "<svg" in (tmp_path / "run.svg").read_text()


def test_that_a_run_without_draws_is_refused(tmp_path):
    with pytest.raises(InputError, match="no draws"):
        plot_run(make_run(draws=0), tmp_path / "run.png")


def test_that_each_of_many_facies_has_its_own_colour():
    for count in range(2, 12):
        assert len(set(facies_colours(count))) == count


def test_that_pictures_do_without_the_global_state_of_pyplot(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # an import of it now fails

    plot_fields(np.zeros((2, 8, 9), int), Grid((8, 9)), tmp_path / "fields.png", categories=(0, 1))


def test_that_fields_of_another_grid_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"\(8, 9\)"):
        plot_fields(np.zeros((2, 8, 9)), Grid((8, 8)), tmp_path / "fields.png")


def test_that_values_keep_their_colours_beside_cells_without_one(tmp_path):
    field = np.linspace(0, 1, 64).reshape(1, 8, 8)
    gap = field.copy()
    gap[0, 3, 3] = np.nan  # neither the least nor the largest value
    pictures = []
    for name, one in (("whole", field), ("gap", gap)):
        plot_fields(one, Grid((8, 8)), tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as picture:
            pictures.append(np.asarray(picture.convert("RGB")))
    differ = np.any(pictures[0] != pictures[1], axis=-1).mean()
    assert 0 < differ < 1.5 / 64
    with pytest.raises(InputError, match="no finite value"):
        plot_fields(np.full((1, 8, 8), np.nan), Grid((8, 8)), tmp_path / "none.png")


def test_that_an_ending_that_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.png"):
        plot_fields(np.zeros((2, 8, 9)), Grid((8, 9)), tmp_path / "fields.doc")


def test_that_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(StorageError, match="does not exist"):
        plot_fields(np.zeros((2, 8, 9)), Grid((8, 9)), tmp_path / "nowhere" / "fields.png")
