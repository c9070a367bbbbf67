import numpy as np
import pytest

from benchmarks import calibration, reference_posterior

pytestmark = pytest.mark.assure


def test_that_calibration_gives_the_figures_of_each_problem_and_algorithm(tmp_path):
    words = ["--replicates", "2", "--problems", "wells", "--algorithms", "laplace", "--draws", "7"]
    arguments = calibration.parse([*words, "--output", str(tmp_path)])
    figures = calibration.benchmark(arguments)
    found = figures["wells"]["laplace"]
    assert {"sbc_p", "tarp_max_deviation", "tarp_band"} <= found.keys()
    assert found["replicates"] == 2
    assert not found["promises"]
    assert (tmp_path / "wells_laplace.png").exists()


@pytest.mark.assure
def test_that_rejection_draws_beside_an_algorithm_give_its_distances(monkeypatch):
    monkeypatch.setattr(reference_posterior, "SHUFFLES", 20)
    monkeypatch.setattr(reference_posterior, "CHUNK", 512)
    arguments = reference_posterior.parse(["--accepted", "8", "--draws", "8", "--algorithms", "laplace"])
    figures = reference_posterior.benchmark(arguments)
    assert min(figures["accepted"].values()) >= 8
    assert {"mmd_over_band", "worst_pixel_error", "worst_pixel_band"} <= figures["laplace"].keys()


def test_that_samples_of_one_distribution_are_within_the_band_and_others_are_not():
    rng = np.random.default_rng(0)
    share = rng.uniform(0.2, 0.8, (6, 6))
    one, two = (rng.uniform(size=(n, 6, 6)) < share for n in (150, 200))
    other = rng.uniform(size=(150, 6, 6)) < 1 - share
    # Shuffled samples exceed the 99 % quantile in 1 of 100; twice the quantile in far fewer than 1 of 1e4.
    assert reference_posterior.compare(one, two, 0)["mmd_over_band"] < 2
    found = reference_posterior.compare(other, two, 0)
    assert found["mmd_over_band"] > 1
    assert found["worst_pixel_error"] > found["worst_pixel_band"]
