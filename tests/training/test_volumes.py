"""Training on a volume: what is learned, and the layer that is shown."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from latentinv import Grid, load_prior
from latentinv.training import parse_recipe, sheet_path, train
from latentinv.training._sheet import shown_shape
from latentinv.training.images import _patches as patches

RECIPE = """
[image]
file = "image.npy"

[networks]
family = "sequential"

[sequential]
widths = [4]
windows = [1]
temperatures = [0.5]

[training]
steps = 2
batch = 1
patch = [12, 14, 16]
evaluate_every = 2
"""


def test_that_of_a_volume_one_layer_is_shown():
    assert shown_shape((64, 32, 48)) == (1, 32, 48)
    assert shown_shape((32, 48)) == (32, 48)


@pytest.mark.assure
def test_that_a_prior_is_trained_on_a_volume_and_a_layer_of_its_fields_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(patches, "ENOUGH", 1)
    smooth = gaussian_filter(np.random.default_rng(0).standard_normal((40, 44, 48)), 2)
    np.save(tmp_path / "image.npy", (smooth > 0).astype(int))
    train(parse_recipe(RECIPE, tmp_path), tmp_path / "prior.h5")
    prior, grid = load_prior(tmp_path / "prior.h5"), Grid((3, 4, 5))
    assert prior.ndim == 3
    assert prior.generate(jnp.zeros(prior.latent_size(grid)), grid).shape == (3, 4, 5)
    with Image.open(sheet_path(tmp_path / "prior.h5")) as sheet:  # six layers of 14 × 16 cells in each of four rows
        assert sheet.width / sheet.height == pytest.approx(6 * (16 + 4) / (4 * (14 + 4) + 4))
