"""Priors of a continuous property at the command line: values in place of facies codes."""

import h5py
import numpy as np
import pytest
from PIL import Image

from latentinv import Covariance, Grid, SpectralPrior
from latentinv.cli._drawing import draw_latents
from latentinv.keys import from_seed


@pytest.fixture
def prior(folder):
    """A Gaussian prior in a file."""
    prior = SpectralPrior(Covariance("exponential", 8.0, standard_deviation=2.0), ndim=2, waves=64, mean=5.0)
    prior.save("gauss.h5")
    return prior


def test_that_files_hold_the_values_of_the_field(latentinv, prior):
    for name in ("fields.npz", "fields.h5"):
        outcome = latentinv("generate", "gauss.h5", "--grid", "20x24", "--count", 2, "--seed", 3, "--output", name)
        assert outcome.code == 0, outcome.err
    grid = Grid((20, 24))
    expected = prior.generate(np.asarray(draw_latents(prior, grid, from_seed(3, "generate"), 1)), grid)
    arrays = np.load("fields.npz")
    np.testing.assert_allclose(arrays["field"][1], expected, rtol=1e-5, atol=1e-5)
    with h5py.File("fields.h5") as file:
        np.testing.assert_allclose(file["field"][()], arrays["field"], rtol=1e-5, atol=1e-5)


def test_that_show_names_covariance_and_distribution_and_draws_a_sheet(latentinv, prior):
    outcome = latentinv("show", "gauss.h5", "--output", "sheet.png")
    assert outcome.code == 0, outcome.err
    for words in ("spectral", "exponential", "mean 5, standard deviation 2"):
        assert words in outcome.out
    with Image.open("sheet.png") as picture:
        assert picture.width == 1600


def test_that_a_walk_is_filmed_but_not_round_a_box(latentinv, prior):
    outcome = latentinv("walk", "gauss.h5", "--grid", "16x16", "--steps", 4, "--output", "walk.gif")
    assert outcome.code == 0, outcome.err
    with Image.open("walk.gif") as film:
        assert film.n_frames == 4
    refused = latentinv("walk", "gauss.h5", "--grid", "16x16", "--box", "1,1,5,5", "--output", "box.gif")
    assert refused.code != 0
    assert "leave the box out" in refused.err


def test_that_block_means_of_a_gaussian_prior_get_exact_draws(latentinv, prior):
    place = ("condition", "gauss.h5", "--grid", "24x30", "--blocks", "blocks.csv", "--output", "run.h5")
    outcome = latentinv(*place, "--draws", 8)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("'laplace' was chosen: predictions are linear and all noise is Gaussian (1 data and ")
    assert "8, 8 of them distinct" in outcome.out
