"""The benchmark of adversarial losses: its recipes, its clock, and what it prints."""

import json

import jax
import pytest

from benchmarks import adversarial
from benchmarks._report import last_line
from latentinv.errors import InputError
from tests.problems import random_dcgan_prior, random_generator_prior


@pytest.mark.parametrize("image", adversarial.IMAGES)
@pytest.mark.parametrize("loss", adversarial.LOSSES)
@pytest.mark.parametrize("networks", adversarial.NETWORKS)
def test_that_every_case_is_a_recipe(networks, loss, image, tmp_path):
    recipe = adversarial.recipe_of(f"{networks}/{loss}", image, 3, tmp_path)
    assert (recipe.training.loss, recipe.training.seed, recipe.training.patch) == (loss, 3, (64, 64))
    assert (recipe.networks.family == "dcgan") == (networks == "dcgan")
    assert (recipe.image.file is None) == (image == "channels")
    assert recipe.training.gradient_penalty_between == (10 if loss == "wasserstein" else 0)
    ours = (networks, loss) == ("compact", "non-saturating")
    assert recipe.networks.normalisation == ("spectral" if ours else adversarial.LOSSES[loss].normalisation)


def test_that_the_usual_cases_differ_in_their_loss_or_in_their_networks():
    assert len(adversarial.USUAL) == 6
    assert {case.split("/")[1] for case in adversarial.USUAL if case.startswith("sgan")} == set(adversarial.LOSSES)
    assert {case.split("/")[0] for case in adversarial.USUAL} == set(adversarial.NETWORKS)


@pytest.mark.parametrize("case", ["sgan", "vgan/hinge", "sgan/magic"])
def test_that_a_case_that_is_none_is_refused_with_those_there_are(case, tmp_path):
    with pytest.raises(
        InputError, match=f"no case '{case}'; give one of sgan, dcgan, compact, a slash, and one of non"
    ):
        adversarial.recipe_of(case, "channels", 0, tmp_path)


def test_that_the_steps_of_a_training_follow_from_the_pace_of_a_trial(tmp_path, monkeypatch):
    clock = iter([100.0, 105.0])  # 10 steps in 5 seconds
    monkeypatch.setattr(adversarial.time, "process_time", lambda: next(clock))

    def train(recipe, output, *, listener):
        for step in range(1, 100):
            listener.on_step(step, None)

    monkeypatch.setattr(adversarial, "train", train)
    recipe = adversarial.fitted(
        adversarial.recipe_of("sgan/hinge", "channels", 0, tmp_path), tmp_path / "prior.h5", 2.0
    )
    assert (recipe.training.steps, recipe.training.evaluate_every) == (240, 60)


def test_that_an_image_that_is_missing_is_left_out_and_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LATENTINV_DATA", str(tmp_path))
    assert adversarial.at_hand(["channels", "strebelle_250"]) == ["channels"]
    assert "Without strebelle_250: The reference file" in capsys.readouterr().out


def test_that_the_nearest_case_of_each_image_is_told():
    rows = [
        {"name": name, "image": image, "score": score}
        for name, image, score in (("a", "x", 3.0), ("b", "x", 2.0), ("a", "y", 1.0), ("b", "y", 5.0))
    ]
    expected = {"best_x": "b", "best_score_x": 2.0, "best_y": "a", "best_score_y": 1.0}
    assert adversarial.summary(rows) == expected


@pytest.mark.assure
def test_that_a_benchmark_of_one_case_prints_all_it_names(tmp_path, monkeypatch):
    before = jax.config.jax_compilation_cache_dir
    monkeypatch.setattr(adversarial, "RECIPE", adversarial.RECIPE.replace("batch = 16", "batch = 2"))
    monkeypatch.setattr(adversarial, "FIELDS", 16)
    try:
        figures = adversarial.benchmark(["dcgan/wasserstein"], ["channels"], 0.01, 0, str(tmp_path))
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
    (row,) = json.loads(last_line(figures))["rows"]
    assert {*adversarial.COLUMNS, "name"} == set(row)
    assert row["score"] >= 1
    assert (tmp_path / "dcgan_wasserstein_channels.h5").exists()
    assert (tmp_path / "dcgan_wasserstein_channels.samples.png").exists()


@pytest.mark.assure
@pytest.mark.parametrize("prior", [random_generator_prior(), random_dcgan_prior(shape=(64, 64))], ids=["any", "one"])
def test_that_fields_of_any_prior_are_compared_by_four_measures(prior, tmp_path, monkeypatch):
    monkeypatch.setattr(adversarial, "FIELDS", 16)
    image = adversarial.recipe_of("sgan/hinge", "channels", 0, tmp_path).load_image()
    figures = adversarial.measure(prior, image, 0)
    four = [max(1, figures[key]) for key in ("total_variation", "connectivity", "patterns", "texture")]
    product = four[0] * four[1] * four[2] * four[3]
    assert figures["score"] == pytest.approx(product**0.25)
