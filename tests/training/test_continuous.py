"""Priors learned from images of a continuous property: levels, distribution, files, resuming, use in a posterior."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy import special, stats
from scipy.ndimage import gaussian_filter

from latentinv import ContinuousProperty, Grid, IndirectData, InputError, Posterior, TemperedSMC, load_prior, sample
from latentinv.forward import LinearForward
from latentinv.priors.learned import bounded
from latentinv.training import TrainingImage, coarsen, parse_recipe, read_training_image, resume_training, train
from latentinv.training._evaluation import calibrate
from latentinv.training.images import score_levels

RECIPE = """
[image]
file = "porosity.npy"
continuous = true

[networks]
width = 0.25

[training]
steps = 6
batch = 2
patch = [32, 32]
evaluate_every = 3
"""
GRID = Grid((32, 32))


def texture(shape=(120, 100), seed=0):
    """Log-normal, smooth."""
    return np.exp(3 * gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 2.0)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("continuous")
    np.save(place / "porosity.npy", texture())
    return place


@pytest.fixture(scope="module")
def result(folder):
    return train(parse_recipe(RECIPE, folder), folder / "prior.h5")


def draws(prior, count, seed=0):
    z = jax.random.normal(jax.random.key(seed), (count, prior.latent_size(GRID)))
    return np.asarray(jax.lax.map(lambda one: prior.generate(one, GRID), z), float)


def test_that_an_image_is_held_with_the_quarters_of_its_distribution(folder):
    image = read_training_image(folder / "porosity.npy", continuous=True)
    np.testing.assert_array_equal(image.values, texture())
    np.testing.assert_allclose(np.bincount(image.facies.ravel()) / image.facies.size, 0.25, atol=1e-3)
    assert np.all(np.diff([image.values[image.facies == k].mean() for k in range(4)]) > 0)
    assert TrainingImage.from_values(texture((9, 8, 7)), "solid").categories == (0, 1)


def test_that_levels_are_those_of_normal_scores_and_ties_share_one():
    levels = score_levels(texture())
    assert levels.dtype == np.float32
    assert stats.kstest(np.arctanh(levels.ravel().astype(float)), "norm").statistic < 1e-3
    order = np.argsort(texture(), axis=None)
    assert np.all(np.diff(levels.ravel()[order]) >= 0)
    tied = np.arctanh(score_levels(np.array([[1.0, 1.0], [1.0, 5.0]], np.float32)).astype(float))
    np.testing.assert_allclose(tied, special.ndtri([[0.375, 0.375], [0.375, 0.875]]), rtol=1e-5)


@pytest.mark.parametrize("kind", ["zeros", "saturated", "levels"])
def test_that_values_with_a_share_of_their_own_keep_it(kind):
    """Quantiles of a large sample of logits; nodes stand at every half per cent of probability."""
    noise = gaussian_filter(np.random.default_rng(3).standard_normal((90, 80)), 1.5)
    values = {
        "zeros": np.maximum(noise - np.quantile(noise, 0.6), 0),
        "saturated": np.minimum(noise, np.quantile(noise, 0.6)),
        "levels": np.digitize(noise, np.quantile(noise, np.arange(1, 20) / 20)).astype(float),
    }[kind]
    image = TrainingImage.from_values(values, kind)
    assert np.bincount(image.facies.ravel()).min() > 0
    logits = np.random.default_rng(4).normal(0.3, 2.0, 200_000)
    calibration = calibrate(logits[:, None], image)
    (shift,) = calibration.shift
    field = calibration.anamorphosis(bounded(jnp.asarray(logits, jnp.float32), shift, calibration.scale))
    assert values.min() - 1e-6 <= float(field.min()) <= float(field.max()) <= values.max() + 1e-6
    assert float(field.mean()) == pytest.approx(values.mean(), abs=0.02 * values.std())
    if kind != "levels":
        end = values.min() if kind == "zeros" else values.max()
        assert float(jnp.mean(jnp.abs(field - end) < 1e-6)) == pytest.approx(np.mean(values == end), abs=0.01)


def test_that_an_array_of_facies_is_not_taken_for_the_property(tmp_path):
    np.savez(tmp_path / "both.npz", facies=np.eye(20), porosity=texture((20, 20)))
    with pytest.raises(InputError, match="holds the arrays facies, porosity, and no key was given"):
        read_training_image(tmp_path / "both.npz", continuous=True)
    image = read_training_image(tmp_path / "both.npz", key="porosity", continuous=True)
    assert image.values is not None


def test_that_coarsening_takes_means(folder):
    image = TrainingImage.from_values(texture(), "texture")
    coarse = coarsen(image, 5)
    np.testing.assert_allclose(coarse.values, texture().reshape(24, 5, 20, 5).mean(axis=(1, 3)), rtol=1e-5)
    assert (coarse.name, coarse.sha256) == ("texture coarsened by 5", image.sha256)


def test_that_the_prior_has_the_distribution_of_the_image(result):
    """Shares of cells below five quantiles, each within 4 standard errors of 200 fields and of those calibrated on."""
    assert result.prior.facies_model is None
    fields, image = draws(result.prior, 200, seed=7), texture()
    assert fields.min() >= image.min() * (1 - 1e-5)
    assert fields.max() <= image.max() * (1 + 1e-5)
    for probability in (0.05, 0.25, 0.5, 0.75, 0.95):
        shares = (fields < np.quantile(image, probability)).mean(axis=(1, 2))
        assert abs(shares.mean() - probability) < 4 * shares.std() * np.sqrt(1 / 200 + 1 / 256)


def test_that_the_prior_comes_back_from_its_file_and_the_sheet_shows_greys(result, folder):
    loaded = load_prior(folder / "prior.h5")
    assert loaded.fingerprint() == result.prior.fingerprint()
    np.testing.assert_array_equal(draws(loaded, 2), draws(result.prior, 2))
    assert "facies" not in loaded.describe()
    with Image.open(folder / "prior.samples.png") as sheet:
        assert len(np.unique(np.asarray(sheet))) > 100


@pytest.mark.assure
def test_that_an_interrupted_training_equals_one_that_was_not(result, folder, tmp_path):
    class Interrupter:
        def on_step(self, step, losses):
            if step == 4:
                raise KeyboardInterrupt

        def on_comparison(self, step, comparison, kept): ...

    with pytest.raises(KeyboardInterrupt):
        train(parse_recipe(RECIPE, folder), tmp_path / "prior.h5", listener=Interrupter())
    again = resume_training(tmp_path / "prior.training.h5")
    ours, theirs = again.prior.to_record(), result.prior.to_record()
    assert again.prior.fingerprint() == result.prior.fingerprint()
    for name, array in theirs.arrays.items():
        np.testing.assert_array_equal(ours.arrays[name], array)


@pytest.mark.assure
def test_that_measured_cells_condition_it(result):
    prior, cells = result.prior, [5, 300, 700, 1000]
    truth = draws(prior, 1, seed=9)[0].ravel()[cells]
    points = LinearForward(np.eye(GRID.size)[cells], GRID)
    noise = 0.02 * float(np.std(texture()))
    data = IndirectData(GRID, points, truth, noise, property=ContinuousProperty(), name="porosity")
    run = sample(Posterior(prior, GRID, [data]), TemperedSMC(particles=16, batch_size=16), seed=1)
    fields = jax.vmap(lambda z: prior.generate(z, GRID))(jnp.asarray(run.latents))
    found = np.asarray(fields).reshape(len(run.latents), -1)[:, cells]
    assert np.sqrt(np.mean((found - truth) ** 2)) < 2 * noise
    assert np.ptp(np.asarray(fields), axis=0).max() > 10 * noise  # elsewhere draws differ


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.arange(12).reshape(3, 4) % 5, "5 distinct values in single precision, too few"),
        (np.full((20, 20), np.nan), "no value in any of its cells"),
        (np.full((3, 3), "a"), "values of type <U1"),
        (texture((1, 40)), "at least two axes longer than one cell"),
    ],
)
def test_that_an_image_that_is_no_property_is_refused(array, words):
    with pytest.raises(InputError, match=words):
        TrainingImage.from_values(array, "odd")


def test_that_missing_values_have_no_part_in_the_distribution():
    values = texture((40, 60)).astype(np.float32)
    gap = values.copy()
    gap[:10] = -999.25
    image, whole = TrainingImage.from_values(gap, "gap"), TrainingImage.from_values(values[10:], "whole")
    assert image.missing == ("-999.25",)
    np.testing.assert_array_equal(image.known_cells(image.values), values[10:].ravel())
    np.testing.assert_array_equal(image.facies[10:], whole.facies)
    levels = score_levels(image.values, image.known)
    np.testing.assert_array_equal(levels[10:], score_levels(values[10:]))
    assert not levels[:10].any()
    coarse = coarsen(image, 4)
    assert not coarse.known[:3].any()
    np.testing.assert_allclose(coarse.values[3:], values[12:].reshape(7, 4, 15, 4).mean(axis=(1, 3)), rtol=1e-5)


@pytest.mark.parametrize("line", ["edge_width = 1.0", "patterns = 1.0\npatch = [80, 80]"])
def test_that_what_is_of_facies_is_refused_in_the_recipe(line):
    with pytest.raises(
        InputError, match="continuous = true, but simulator, names, edge_width and patterns are for facies"
    ):
        parse_recipe(f'[image]\nfile = "a.npy"\ncontinuous = true\n[training]\n{line}\n', ".")
    with pytest.raises(InputError, match="continuous = true, but simulator"):
        parse_recipe("[image]\ncontinuous = true\n[image.simulator]\nshape = [64, 64]\nseed = 1\n", ".")


def test_that_a_property_capped_in_most_cells_has_two_classes():
    values = np.minimum(texture((40, 50)), np.quantile(texture((40, 50)), 0.1))
    image = TrainingImage.from_values(values, "capped")
    assert image.categories == (0, 1)
    np.testing.assert_array_equal(image.facies == 1, values == values.max())
