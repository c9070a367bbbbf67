"""The tree of labelled arrays that ArviZ reads."""

import numpy as np
import pytest

from latentinv import PreconditionedCrankNicolson, sample
from tests.problems import generator_posterior, latents_that_honour, linear_gaussian, recorded


@pytest.fixture(scope="module")
def chains():
    algorithm = PreconditionedCrankNicolson(chains=3, warmup=20, draws=60, thinning=2, draws_per_step=5)
    return sample(linear_gaussian(4, 2)[0], algorithm, seed=1)


def test_that_draws_lie_by_chain_beside_what_was_observed(chains):
    tree = chains.to_arviz()
    posterior = tree["posterior"]
    assert dict(posterior.sizes) == {"chain": 3, "draw": 20, "place": 4, "blocks datum": 2}
    np.testing.assert_array_equal(posterior["blocks"], chains.by_chain(chains.predicted["blocks"]))
    np.testing.assert_allclose(posterior["mean"], chains.by_chain(chains.realizations).mean(axis=(2, 3)), rtol=1e-5)
    assert posterior["place"].values[1] == "x 1.5 m, y 0.5 m"
    np.testing.assert_array_equal(tree["observed_data"]["blocks"], chains.posterior.observations[0].observed)
    likelihood = [float(chains.posterior.log_likelihood(z)) for z in chains.latents]
    density = [float(chains.posterior.log_density(z)) for z in chains.latents]
    np.testing.assert_allclose(tree["log_likelihood"]["blocks"], chains.by_chain(np.array(likelihood)), rtol=1e-4)
    np.testing.assert_allclose(tree["sample_stats"]["lp"], chains.by_chain(np.array(density)), rtol=1e-4)
    assert tree["sample_stats"]["acceptance_rate"].shape == (3, chains.steps)
    assert tree.attrs["algorithm"] == "pcn"


def test_that_facies_and_wells_are_told_by_code():
    posterior = generator_posterior(wells=4)
    run = recorded(posterior, latents_that_honour(posterior, 8))
    tree = run.to_arviz()
    (wells,) = posterior.observations
    assert tree["posterior"].sizes["chain"] == 1
    np.testing.assert_array_equal(tree["posterior"]["wells"][0], np.tile(wells.codes, (8, 1)))
    np.testing.assert_array_equal(tree["observed_data"]["wells"], wells.codes)
    np.testing.assert_allclose(tree["posterior"]["share"].sum("facies"), 1)
    np.testing.assert_allclose(tree["posterior"]["share"].sel(facies=1)[0], run.realizations.mean(axis=(1, 2)))


def test_that_arviz_makes_its_table_of_it(chains):
    pytest.importorskip("xarray_einstats", reason="ArviZ's functions of trees are not installed")
    from arviz_stats import rhat

    from latentinv.inference import rhat as ours

    found = rhat(chains.to_arviz(), var_names=["mean", "blocks"])
    assert float(found["mean"]) == pytest.approx(float(ours(chains.by_chain(chains.realizations).mean(axis=(2, 3)))))
