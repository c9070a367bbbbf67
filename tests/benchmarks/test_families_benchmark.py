"""The benchmark of families: a row measures what it names, and says what it could not."""

import json

import numpy as np
import pytest

from benchmarks import families
from benchmarks._classic_priors import CLASSIC
from benchmarks._report import last_line
from latentinv import Grid
from latentinv.training import TrainingImage, parse_recipe
from tests.problems import random_autoencoder_prior, random_generator_prior

SMALL = {2: Grid((12, 10))}


@pytest.fixture
def _small(monkeypatch):
    monkeypatch.setattr(families, "GRIDS", SMALL)
    monkeypatch.setattr(families, "WELLS", 3)


def test_that_each_prior_without_an_image_has_facies():
    assert {name: make().family for name, make in CLASSIC.items()} == {
        "truncated": "plurigaussian",
        "plurigaussian": "plurigaussian",
        "hierarchical": "hierarchical",
    }
    assert [len(make().facies_model.categories) for make in CLASSIC.values()] == [2, 3, 2]


def test_that_the_worst_of_the_rows_that_have_a_figure_is_told():
    rows = [
        {"family": "a", "wells_honoured": 1.0, "contacts_wrong": None, "reconstruction_accuracy": None},
        {"family": "b", "wells_honoured": 0.5, "contacts_wrong": 0.1, "reconstruction_accuracy": None},
        {"family": "a", "wells_honoured": 1.0, "contacts_wrong": 0.0, "reconstruction_accuracy": None},
    ]
    assert families.summary(rows) == {
        "families": 2,
        "wells_honoured": 0.5,
        "worst_contacts_wrong": 0.1,
        "reconstruction_accuracy": None,
    }


def test_that_contacts_that_the_image_does_not_have_are_counted(monkeypatch):
    bands = np.repeat([0, 1, 2], 20)[:, None] * np.ones((1, 60), int)  # 0 never touches 2
    image = TrainingImage.from_array(bands, "bands")
    fields = np.zeros((200, 32, 32), np.uint8)
    fields[:, 16:] = 2  # 32 of the 2 · 32 · 31 pairs of neighbours
    monkeypatch.setattr(families, "draw_facies", lambda *_: fields)
    found = families.measured_likeness(random_generator_prior(categories=(0, 1, 2)), image, 0)
    assert found["contacts_wrong"] == pytest.approx(32 / 1984)
    assert found["proportion_error"] == pytest.approx(1 / 3)
    assert found["tv_iso_error"] > 0


@pytest.mark.usefixtures("_small")
def test_that_an_image_that_is_missing_is_told_and_its_figures_are_null(tmp_path, monkeypatch):
    monkeypatch.delenv("LATENTINV_DATA", raising=False)
    provenance = {"recipe": '[image]\nfile = "nowhere.npz"\n', "seconds": 7}
    random_generator_prior(provenance=provenance).save(tmp_path / "prior.h5")
    monkeypatch.setattr(
        families, "wells_honoured", lambda *_: {"wells_honoured": 1.0, "draws": 4, "minutes": 0.1, "reason": ""}
    )
    figures = families.benchmark([str(tmp_path / "prior.h5")], families.Effort(None, 1.0), 0)
    (row,) = json.loads(last_line(figures))["rows"]
    assert "nowhere.npz is neither in its place" in row["reasons"][0]
    assert [row[key] for key in families.no_likeness()] == [None] * 4
    assert (row["seconds_to_train"], row["family"], figures["families"]) == (7, "generator", 1)
    assert {*families.COLUMNS, "name", "reasons"} == set(row)


@pytest.mark.usefixtures("_small")
def test_that_an_autoencoder_is_asked_for_maps_that_its_training_has_not_seen(tmp_path, monkeypatch):
    recipe = parse_recipe("[image.simulator]\nshape = [200, 200]\nseed = 1\n", tmp_path)
    seen = []
    monkeypatch.setattr(families, "sample_patches", lambda _, image, shape, n: seen.append(image) or image_of(shape, n))
    monkeypatch.setattr(families, "ENCODED", 2)

    def image_of(shape, count):
        return np.zeros((count, *shape), np.uint8)

    prior = random_autoencoder_prior()
    source = families.Source(recipe.load_image(), recipe, "")
    accuracy, why = families.reconstruction(prior, source, SMALL[2], 0)
    assert 0 <= accuracy <= 1
    assert why == ""
    assert "seed 2" in seen[0].name
    nothing = families.Source(None, None, "away")
    assert families.reconstruction(prior, nothing, SMALL[2], 0) == (None, "there is no image to encode")
    assert families.reconstruction(random_generator_prior(), source, SMALL[2], 0) == (None, "")


@pytest.mark.assure
@pytest.mark.usefixtures("_small")
def test_that_wells_are_honoured_in_time_and_a_run_out_of_time_says_so():
    prior = CLASSIC["plurigaussian"]()
    found = families.wells_honoured("plurigaussian", prior, SMALL[2], families.Effort(4, 60.0), 0)
    assert (found["wells_honoured"], found["draws"], found["reason"]) == (1.0, 4, "")
    late = families.wells_honoured("plurigaussian", prior, SMALL[2], families.Effort(4, 0.0), 0)
    assert (late["wells_honoured"], late["draws"]) == (0.0, 0)
    assert "not met within 0 minutes; the last step said: level 1" in late["reason"]
