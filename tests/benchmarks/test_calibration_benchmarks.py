import jax
import numpy as np
import pytest

from benchmarks import calibration, reference_posterior
from latentinv.inference.core import evaluate

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


def test_that_no_draw_of_the_prior_is_likelier_than_the_bound_of_rejection():
    posterior = reference_posterior.make_problem("thresholded", 0)
    bound = reference_posterior._largest_likelihood(posterior)
    assert bound == pytest.approx(-4 * np.log(0.2 * np.sqrt(2 * np.pi)), rel=1e-5)  # four block means of sd 0.2
    z = jax.random.normal(jax.random.key(0), (2000, posterior.latent_size))
    predictions = evaluate(posterior, np.asarray(z)).predictions
    for found in (posterior.exact_log_likelihood, lambda one: posterior.tempered_log_likelihood(one, 1.0)):
        assert np.max(jax.vmap(found)(predictions)) <= bound + 1e-4
