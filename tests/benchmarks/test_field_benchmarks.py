import json

import jax
import numpy as np
import pytest

from benchmarks import _large_field, generation, hard_data, realism, training
from benchmarks._fields import draw_facies, pictures
from latentinv import Grid
from latentinv.networks import FoldedLayer, GeneratorArchitecture, Layer
from latentinv.priors import Calibration, FaciesModel, GeneratorPrior
from latentinv.realism import local_binary_pattern_histogram, total_variation
from latentinv.training import TrainingImage

pytestmark = pytest.mark.assure

GRID = Grid((16, 16))


@pytest.fixture(scope="module")
def prior():
    """A small generator of smooth random fields."""
    rng = np.random.default_rng(1)
    layers = [
        FoldedLayer(rng.standard_normal((3, 3, 1, 4)).astype(np.float32), np.zeros(4, np.float32)),
        FoldedLayer(rng.standard_normal((2, 2, 4, 4)).astype(np.float32), np.zeros(1, np.float32)),
    ]
    architecture = GeneratorArchitecture(2, 1, (Layer("same", 4, 3), Layer("up", 1, 4)))
    calibration = Calibration(FaciesModel((0, 1), (0.0,)), shift=0.0, scale=3.0)
    return GeneratorPrior(architecture, layers, calibration, provenance={})


@pytest.fixture(scope="module")
def image(prior):
    return TrainingImage.from_array(draw_facies(prior, Grid((64, 64)), 1, 3)[0], "small")


def test_that_a_case_of_more_pixels_holds_the_smaller_ones():
    patch = np.random.default_rng(0).integers(0, 2, (20, 20))
    few, many = (hard_data.pixel_case(patch, count, 0) for count in (5, 50))
    np.testing.assert_array_equal(few.cells, many.cells[:5])
    np.testing.assert_array_equal(many.codes, patch[many.cells[:, 0], many.cells[:, 1]])
    assert len(np.unique(many.cells, axis=0)) == 50


def test_that_the_hard_data_benchmark_measures_what_it_names(prior):
    images = pictures(draw_facies(prior, GRID, 16, 4), prior.facies_model)
    realism = hard_data.Realism(images, local_binary_pattern_histogram(images, 1).pooled())
    truth = draw_facies(prior, GRID, 1, 5)[0]
    settings = {"particles": 8, "moves": 2, "leapfrogs": 3, "local_moves": 4, "final_rounds": 1}
    case = hard_data.pixel_case(truth, 3, 0)
    figures = hard_data.measure(prior, case, GRID, realism, settings, seed=0)
    assert {*hard_data.PIXEL_KEYS} - {"pixels"} <= figures.keys()
    assert {"log_evidence", "levels", "tv_unconditioned", "lbp1_unconditioned"} <= figures.keys()
    assert figures["draws"] == 8
    assert figures["min_honoured"] == 3
    assert 1 <= figures["distinct_draws"] <= 8
    assert figures["gradients_per_draw"] == figures["levels"] * (2 * 3 + 1 + 2)
    first = round((2.5 * (2 * 3 + 1 + 2) + 4) / 4)  # populations whose fields cost a quarter of a level
    assert figures["forward_runs_per_draw"] == first + figures["levels"] * 4
    assert figures["tv_unconditioned"] == total_variation(images).pooled()


def test_that_the_realism_benchmark_measures_what_it_names(prior):
    grid = Grid((40, 44))
    image = TrainingImage.from_array(draw_facies(prior, Grid((1024, 1024)), 1, 3)[0], "itself")
    figures = realism.measure(prior, image, grid, 24, 0)
    assert {"tv_iso_error", "tv_aniso_error", "sand_error", "nearest_patch_ratio"} <= figures.keys()
    assert figures.keys() >= realism.OVER_FLOOR.keys()
    assert all(np.isfinite(value) for value in figures.values())
    # Fields distributed as a large image: beyond 20 times the mean of a squared normal with probability 8e-6 each.
    assert max(figures[key] for key in realism.OVER_FLOOR) < 20
    assert 0 < realism.largest_cluster(prior, grid, 0) <= 1


def test_that_realism_ratios_are_one_for_the_unconditioned_fields_themselves(prior):
    indices = draw_facies(prior, GRID, 16, 4)
    patches = pictures(draw_facies(prior, GRID, 16, 6), prior.facies_model)
    images = pictures(indices, prior.facies_model)
    realism = hard_data.Realism(images, local_binary_pattern_histogram(patches, 1).pooled())
    ratios = hard_data.compare(indices, prior, realism)
    assert ratios["tv_ratio"] == pytest.approx(1)
    assert ratios["lbp1_ratio"] == pytest.approx(1)


def test_that_no_draws_give_no_ratios(prior):
    images = pictures(draw_facies(prior, GRID, 4, 4), prior.facies_model)
    realism = hard_data.Realism(images, local_binary_pattern_histogram(images, 1).pooled())
    ratios = hard_data.compare(np.zeros((0, 16, 16), int), prior, realism)
    assert ratios["tv_ratio"] is None
    assert ratios["lbp1_ratio"] is None


def test_that_the_training_benchmark_finds_fields_like_an_image_of_the_same_prior(prior, image):
    figures = training.measure(prior, image, cells=32, fields=16, patches=32, samples=8)
    assert figures.keys() == {
        *(
            "sand",
            "sand_reference",
            "tv_iso",
            "tv_iso_reference",
            "pattern_distance",
            "pattern_distance_floor",
        ),
        *("connectivity_rms", "connectivity_rms_floor"),
        *("tv_over_floor", "lbp1_over_floor", "connectivity_over_floor"),
    }
    assert all(np.isfinite(value) for value in figures.values())
    assert figures["sand_reference"] == pytest.approx(image.facies.mean())
    assert figures["tv_iso_reference"] == pytest.approx(total_variation(image.facies[None]).pooled())
    assert figures["tv_iso"] == pytest.approx(figures["tv_iso_reference"], rel=0.2)


def test_that_tiles_of_the_benchmark_equal_the_whole(prior):
    assert generation.tile_difference(prior, Grid((40, 40)), tile=16)["tile_max_difference"] < 1e-5


def test_that_the_edge_ratio_of_stationary_noise_is_one_within_its_error():
    images = np.random.default_rng(7).integers(0, 2, (64, 48, 48)).astype(np.float32)
    figures = generation.edge_ratio(images)
    # Five standard errors of a normal distribution: a false alarm in two million seeds, and the seed is fixed.
    assert abs(figures["edge_tv_ratio"] - 1) < 5 * figures["edge_tv_ratio_standard_error"]
    assert 0 < figures["edge_tv_ratio_standard_error"] < 0.01


def test_that_a_rough_border_raises_the_edge_ratio():
    images = np.random.default_rng(8).integers(0, 2, (8, 48, 48)).astype(np.float32)
    images[:, 16:-16, 16:-16:2] = images[:, 16:-16, 17:-16:2]
    assert generation.edge_ratio(images)["edge_tv_ratio"] > 1.1


def test_that_variation_averages_to_the_total_variation():
    images = np.random.default_rng(9).random((3, 20, 20)).astype(np.float32)
    assert generation._variation(images).mean() == pytest.approx(total_variation(images).pooled())


def test_that_a_field_by_tiles_is_written_and_measured(prior, tmp_path):
    import h5py

    prior.save(tmp_path / "prior.h5")
    figures = _large_field.main(str(tmp_path / "prior.h5"), str(tmp_path / "field.h5"), 40)
    assert figures.keys() == {"seconds", "peak_mb"}
    json.dumps(figures)
    with h5py.File(tmp_path / "field.h5") as file:
        assert file["field"].shape == (40, 40)
        assert np.isfinite(file["field"][...]).all()


def test_that_the_time_of_one_call_is_measured(prior):
    assert generation.one_call(prior, GRID).keys() == {"megapixel_seconds", "megapixel_first_seconds"}


def test_that_drawn_facies_are_those_of_the_prior(prior):
    z = jax.random.normal(jax.random.key(11), (3, prior.latent_size(GRID)))
    expected = [prior.facies(prior.generate(one, GRID)) for one in z]
    np.testing.assert_array_equal(draw_facies(prior, GRID, 3, 11), np.stack(expected))
