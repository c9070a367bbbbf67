"""The tables of the dilated spatial GAN paper, from tiny priors and an image of their own making."""

import dataclasses
import json

import numpy as np
import pytest

from benchmarks import seed_tables
from benchmarks._fields import draw_facies
from benchmarks._report import last_line
from latentinv import Grid, InputError
from latentinv.realism import total_variation
from latentinv.training import TrainingImage, read_recipe
from tests.problems import random_generator_prior

pytestmark = pytest.mark.assure

SHAPE, COUNTS = (32, 32), (8, 16)
NAMES = ("seed_compact", "channels", "seed_sgan")
RECIPE = '[image]\nfile = "itself.npz"\n[training]\nbatch = 4\n'


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder with our priors and that of the dilated network, but none of the spatial GAN."""
    for name, seed in (("seed_compact", 0), ("channels", 0), ("seed_dsgan", 5)):
        prior = random_generator_prior(seed, provenance={"recipe": RECIPE, "steps": 30})
        prior.save(tmp_path / f"{name}.h5")
    image = draw_facies(random_generator_prior(), Grid((160, 160)), 1, 3)[0]
    monkeypatch.setattr(seed_tables, "MODELS", tmp_path)
    monkeypatch.setattr(seed_tables, "channel_image", lambda: TrainingImage.from_array(image, "itself"))
    return tmp_path


def test_that_both_tables_and_the_figure_are_made_of_what_is_there(models, capsys):
    figures = seed_tables.benchmark(models / "curves.png", 0, shape=SHAPE, counts=COUNTS)
    assert "latentinv train models/seed_sgan.toml --output models/seed_sgan.h5" in capsys.readouterr().out
    assert (models / "curves.png").stat().st_size > 5_000
    figures = json.loads(last_line(figures))
    assert figures["sgan"] is None
    rows = {f"tv_{kind}_{count}" for kind in ("iso", "aniso") for count in COUNTS} | {"lbp1", "lbp2", "hog"}
    for label in ("dsgan", "ours", "shipped"):
        for row in (*rows, "connectivity"):
            assert {row, f"{row}_floor", f"{row}_over_floor"} <= figures[label].keys()
        assert figures[label]["images_seen"] == 120
    fields = draw_facies(random_generator_prior(), Grid(SHAPE), COUNTS[1], 0)
    assert figures["ours"]["tv_iso_8"] == pytest.approx(total_variation(fields[:8]).pooled(), rel=1e-5)
    assert figures["ours"]["tv_iso_16"] == pytest.approx(total_variation(fields).pooled(), rel=1e-5)
    # Another random network is no like of the image that the first one made.
    assert figures["ours_nearer_than_dsgan"]["table_2"] == {"lbp1": True, "lbp2": True, "hog": True}
    assert figures["ranking_holds"]["table_1"] == dict.fromkeys(sorted(rows - {"lbp1", "lbp2", "hog"}))


def test_that_the_published_ranking_is_compared_row_by_row():
    near, far = {"a_over_floor": 1.0, "b_over_floor": 3.0}, {"a_over_floor": 2.0, "b_over_floor": 2.0}
    ranking = seed_tables.ranking({"near": near, "far": far, "none": None}, "near", "far", ["a", "b"])
    assert ranking == {"a": True, "b": False}
    assert seed_tables.ranking({"near": near, "none": None}, "near", "none", ["a"]) == {"a": None}


def test_that_a_figure_of_another_kind_is_refused_before_anything_is_measured(tmp_path):
    with pytest.raises(InputError, match=r"give \.png"):
        seed_tables.benchmark(tmp_path / "curves.csv", 0)


def test_that_the_seeds_are_trained_alike_and_only_the_architecture_differs():
    sgan, dsgan = (read_recipe(seed_tables.ROOT / "models" / f"seed_{name}.toml") for name in ("sgan", "dsgan"))
    assert sgan.training == dsgan.training
    assert sgan.image == dsgan.image
    assert sgan.networks.width == dsgan.networks.width
    assert (sgan.networks.architecture, dsgan.networks.architecture) == ("sgan", "dsgan")


def test_that_ours_is_trained_as_the_shipped_prior_on_as_many_patches_as_the_seeds():
    ours, shipped, seed = (read_recipe(seed_tables.ROOT / "models" / f"{name}.toml") for name in NAMES)
    assert ours.networks == shipped.networks
    assert ours.image == shipped.image == seed.image
    assert ours.training == dataclasses.replace(shipped.training, steps=seed.training.steps)
    assert ours.training.batch == seed.training.batch


def test_that_the_sand_is_the_second_of_two_curves():
    np.testing.assert_array_equal(seed_tables._sand(np.array([[0, 1, 2, 3]])), [[2, 3]])
