"""Hierarchical priors: facies as their own prior draws them, log-normal properties within, files and posteriors."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from latentinv import (
    FaciesProperty,
    Grid,
    HardData,
    HierarchicalPrior,
    IndirectData,
    Posterior,
    TemperedSMC,
    load_prior,
    resume,
    sample,
)
from latentinv.data import PROPERTIES
from latentinv.errors import InputError
from latentinv.forward import FunctionForward, averaging
from latentinv.inference.diagnostics._functionals import _scores, functionals
from latentinv.inference.moves._local import drawn_windows, local_windows
from latentinv.priors import (
    CholeskyPrior,
    Covariance,
    Cut,
    FaciesModel,
    PlurigaussianPrior,
    SPDEPrior,
    TruncationRule,
)
from tests.problems import generate, random_generator_prior

GRID = Grid((8, 7))
MEDIANS, SDS = (2.0, 50.0), (0.3, 1.2)


def scores(length=2.0):
    return CholeskyPrior(Covariance("exponential", length))


def truncated():
    return CholeskyPrior(Covariance("gaussian", 3.0), facies_model=FaciesModel((4, 9), (0.0,)))


def plurigaussian():
    return PlurigaussianPrior(
        [scores(6.0), scores(3.0)], TruncationRule(Cut(0, 4, Cut(1, 2, 7)), {4: 0.4, 2: 0.3, 7: 0.3})
    )


def draw(prior, seed=0):
    return generate(prior, jax.random.normal(jax.random.key(seed), (prior.latent_size(GRID),)), GRID)


@pytest.mark.parametrize("facies", [truncated, plurigaussian, random_generator_prior])
def test_that_facies_are_those_of_their_own_prior_and_scores_follow(facies):
    own = facies()
    prior = HierarchicalPrior(own, [scores() for _ in own.facies_model.categories])
    z = jax.random.normal(jax.random.key(1), (prior.latent_size(GRID),))
    field, size = generate(prior, z, GRID), own.latent_size(GRID)
    alone = generate(own, z[:size], GRID)
    np.testing.assert_allclose(prior.facies_model.leading(field), alone, rtol=1e-6)
    np.testing.assert_array_equal(prior.realization(field), own.realization(alone))
    for number, score in enumerate(prior.scores):
        part = z[size + number * GRID.size :][: GRID.size]
        found = prior.facies_model.scores(field)[..., number]
        np.testing.assert_allclose(found, generate(score, part, GRID), rtol=1e-6)
    index = own.facies_model.index(alone)
    np.testing.assert_allclose(
        prior.facies_model.margin(field, index), own.facies_model.margin(alone, index), rtol=1e-5
    )


def test_that_the_property_is_log_normal_within_each_facies():
    """Medians and standard deviations of 4 000 cells that are far apart; each may be off by 4 standard errors."""
    grid = Grid((40, 100), 10.0)  # exp(−5) between neighbours
    prior = HierarchicalPrior(SPDEPrior(1.0, 30.0, facies_model=FaciesModel((4, 9), (0.0,))), scores(6.0))
    field = generate(prior, jax.random.normal(jax.random.key(3), (prior.latent_size(grid),)), grid)
    reading = FaciesProperty(prior.facies_model, MEDIANS, log_standard_deviations=SDS)
    values, facies = np.log(np.asarray(reading.exact(field), float)), np.asarray(prior.facies(field))
    for code, median, sd in zip((4, 9), MEDIANS, SDS, strict=True):
        within = values[facies == code]
        assert abs(within.mean() - np.log(median)) < 4 * sd / np.sqrt(within.size)
        assert abs(within.std() / sd - 1) < 4 / np.sqrt(2 * within.size)
        assert stats.kstest((within - np.log(median)) / sd, "norm").pvalue > 1e-4


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_that_the_soft_property_tends_to_the_exact_one_with_gradients_in_all_numbers(mean):
    prior = HierarchicalPrior(truncated(), [scores(), scores()])
    field, settings = draw(prior), {"mean": mean, "log_standard_deviations": SDS}
    steep = FaciesProperty(prior.facies_model, MEDIANS, slope=1e5, **settings)
    np.testing.assert_allclose(steep.soft(field), steep.exact(field), rtol=1e-3)
    mild = FaciesProperty(prior.facies_model, MEDIANS, slope=2.0, **settings)
    gradient = np.asarray(jax.grad(lambda f: jnp.sum(mild.soft(f)))(field))
    for cell in ((0, 0), (3, 5)):
        for number in range(3):
            step = jnp.zeros_like(field).at[(*cell, number)].set(1e-2)
            change = (mild.soft(field + step) - mild.soft(field - step))[cell] / 2e-2
            assert gradient[(*cell, number)] == pytest.approx(float(change), rel=1e-2, abs=1e-3)


def test_that_the_property_may_follow_the_facies_field_too():
    own = truncated()
    prior, gradients = HierarchicalPrior(own, scores()), (0.5, -0.3)
    field = draw(prior)
    both = FaciesProperty(prior.facies_model, MEDIANS, log_gradients=gradients, log_standard_deviations=SDS)
    graded = FaciesProperty(own.facies_model, MEDIANS, log_gradients=gradients).exact(field[..., 0])
    varied = FaciesProperty(prior.facies_model, MEDIANS, log_standard_deviations=SDS).exact(field)
    plain = FaciesProperty(own.facies_model, MEDIANS).exact(field[..., 0])
    np.testing.assert_allclose(both.exact(field), graded * varied / plain, rtol=1e-5)


def test_that_prior_and_property_come_back_from_files(tmp_path):
    prior = HierarchicalPrior(random_generator_prior(), scores())
    prior.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    np.testing.assert_array_equal(draw(loaded), draw(prior))
    assert loaded.fingerprint() == prior.fingerprint()
    assert loaded.facies_model == prior.facies_model
    assert "score 0" in loaded.describe()
    reading = FaciesProperty(prior.facies_model, MEDIANS, log_standard_deviations=SDS)
    again = PROPERTIES[reading.kind].from_arrays(reading.to_arrays(), loaded)
    np.testing.assert_array_equal(again.exact(draw(prior)), reading.exact(draw(prior)))


@pytest.mark.assure
def test_that_data_on_the_property_give_the_scores_their_exact_distribution(tmp_path):
    """Wells fix the facies of the measured cells, so scores are Gaussian there; four standard errors of 256 draws."""
    prior = HierarchicalPrior(truncated(), scores())
    cells = np.array([[1, 1], [1, 2], [5, 4]])
    codes = np.array([4, 9, 9])
    wells = HardData(GRID, cells[:, ::-1] + 0.5, codes, prior.facies_model)
    reading = FaciesProperty(prior.facies_model, MEDIANS, log_standard_deviations=SDS)
    data, noise = np.log([3.0, 150.0, 10.0]), 0.4
    forward = FunctionForward(lambda values: jnp.log(values[cells[:, 0], cells[:, 1]]), GRID)
    logs = IndirectData(GRID, forward, data, noise, property=reading, name="logs")
    run = sample(Posterior(prior, GRID, [wells, logs]), TemperedSMC(particles=256, batch_size=64), seed=2)
    assert all(report.fulfilled == 3 for report, _ in run.reports())
    which = (codes == 9).astype(int)
    centre, sd = np.log(MEDIANS)[which], np.asarray(SDS)[which]
    points = cells * GRID.spacing
    covariance = np.asarray(prior.scores[0].covariance(points[:, None] - points[None]))
    gain = covariance * sd @ np.linalg.inv(covariance * np.outer(sd, sd) + noise**2 * np.eye(3))
    expected, left = gain @ (data - centre), covariance - gain @ (covariance * sd).T
    fields = jax.vmap(lambda z: generate(prior, z, GRID))(jnp.asarray(run.latents))
    found = np.asarray(prior.facies_model.scores(fields))[:, cells[:, 0], cells[:, 1], 0]
    error = np.sqrt(np.diag(left) / len(found))
    assert np.all(np.abs(found.mean(axis=0) - expected) < 4 * error)
    assert np.all(np.abs(found.var(axis=0) / np.diag(left) - 1) < 4 * np.sqrt(2 / len(found)))


def test_that_a_stored_run_is_read_again_with_its_property_and_its_scores_are_diagnosed(tmp_path):
    prior = HierarchicalPrior(truncated(), scores())
    wells = HardData(GRID, np.array([[1.5, 1.5]]), [4], prior.facies_model)
    reading = FaciesProperty(prior.facies_model, MEDIANS, log_standard_deviations=SDS)
    values = IndirectData(GRID, averaging(GRID, (8, 7)), [10.0], 3.0, property=reading, name="mean")
    posterior = Posterior(prior, GRID, [wells, values])
    run = sample(posterior, TemperedSMC(particles=8), seed=1, output=tmp_path / "run.h5")
    assert run.realizations.shape == (8, *GRID.shape)
    again = resume(tmp_path / "run.h5")
    np.testing.assert_array_equal(again.realizations, run.realizations)
    np.testing.assert_array_equal(again.predicted["mean"], run.predicted["mean"])
    found = functionals(again)
    fields = jax.vmap(lambda z: generate(prior, z, GRID))(jnp.asarray(run.latents))
    np.testing.assert_allclose(
        found["score 0 in the mean"].ravel(), np.asarray(fields)[..., 1].mean(axis=(1, 2)), rtol=1e-4, atol=1e-5
    )
    assert "score 0 at x 0.5 m, y 1.5 m" in found
    assert _scores(posterior, run.latents[:0])["score 0 in the mean"].shape == (0,)


def test_that_local_moves_renew_windows_of_one_part():
    generator = random_generator_prior()
    prior = HierarchicalPrior(generator, [SPDEPrior(1.0, 4.0), scores()])
    maps = prior.latent_maps(GRID)
    assert maps[0] == generator.latent_maps(GRID)[0]
    assert sum(one.size for one in maps) == prior.latent_size(GRID)
    posterior = Posterior(prior, GRID, [HardData(GRID, [[2.5, 3.5]], [1], prior.facies_model)])
    draw = jax.jit(lambda key: drawn_windows(key, local_windows(posterior)).latents)
    edges = np.cumsum([0, *(one.size for one in maps)])
    seen = np.zeros(len(maps), int)
    for n in range(60):
        numbers = np.asarray(draw(jax.random.key(n)))
        touched = [np.any(numbers[first:last] >= 0) for first, last in itertools.pairwise(edges)]
        assert sum(touched) == 1
        part = int(np.argmax(touched))
        seen[part] += 1
        if part < 2:  # whose latents have places: at most five along each axis of a window
            places = numbers[edges[part] : edges[part + 1]].reshape(maps[part].shape)[..., 0]
            for number in np.unique(places[places >= 0]):
                assert all(np.ptp(np.nonzero(places == number)[axis]) < 5 for axis in range(2))
    assert seen.min() > 5


CONTINUOUS = CholeskyPrior(Covariance("gaussian", 3.0))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: HierarchicalPrior(CONTINUOUS, scores()), "has no facies; give a prior of facies alone"),
        (lambda: HierarchicalPrior(HierarchicalPrior(truncated(), scores()), scores()), "has scores within its facies"),
        (lambda: HierarchicalPrior(truncated(), [scores()] * 3), "3 priors of scores for 2 facies"),
        (lambda: HierarchicalPrior(truncated(), truncated()), "scores 0 is a CholeskyPrior, or does not have mean 0"),
        (lambda: HierarchicalPrior(truncated(), Covariance("gaussian", 3.0)), "a Covariance.*such as SpectralPrior"),
        (lambda: HierarchicalPrior("meanders", scores()), "prior of facies is a str; load"),
        (
            lambda: HierarchicalPrior(truncated(), SPDEPrior(1.0, 3.0, ndim=3)),
            "different numbers of axes; give all 2 or",
        ),
        (
            lambda: FaciesProperty(truncated().facies_model, MEDIANS, log_standard_deviations=0.5),
            "no scores within its facies; make a HierarchicalPrior",
        ),
        (
            lambda: FaciesProperty(truncated().facies_model, MEDIANS, log_standard_deviations=(0.5, -1.0)),
            "standard deviation of -1 was given; give 0 or more",
        ),
        (
            lambda: FaciesProperty(truncated().facies_model, MEDIANS, log_standard_deviations=(1.0, 2.0, 3.0)),
            "3 log_standard_deviations for 2 facies",
        ),
    ],
)
def test_that_faulty_settings_are_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()
