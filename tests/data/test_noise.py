"""Noise models: densities of SciPy, whitening to the identity, draws of the stated distribution, refusals in words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from latentinv import CorrelatedNoise, GaussianNoise, InputError, StudentNoise, UnknownNoise
from latentinv.data import NOISES

RESIDUAL = np.array([0.3, -1.2, 0.05, 2.0])
SD = np.array([0.5, 1.0, 0.1, 2.0])


def covariance():
    """Exponential correlation of neighbours, with a standard deviation of each datum's own."""
    distance = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    return np.outer(SD, SD) * np.exp(-distance / 1.5)


NOISE = {
    "gaussian": GaussianNoise(SD),
    "one sd": GaussianNoise(0.7),
    "correlated": CorrelatedNoise(covariance()),
    "correlated and sd": CorrelatedNoise(covariance(), 0.3),
    "student": StudentNoise(SD, 3.0),
    "unknown": UnknownNoise(SD, 3.0),
}
DENSITY = {
    "gaussian": scipy.stats.norm(0, SD).logpdf(RESIDUAL).sum(),
    "one sd": scipy.stats.norm(0, 0.7).logpdf(RESIDUAL).sum(),
    "correlated": scipy.stats.multivariate_normal(cov=covariance()).logpdf(RESIDUAL),
    "correlated and sd": scipy.stats.multivariate_normal(cov=covariance() + 0.09 * np.eye(4)).logpdf(RESIDUAL),
    "student": scipy.stats.t(3.0, 0, SD).logpdf(RESIDUAL).sum(),
    "unknown": scipy.stats.multivariate_t(np.zeros(4), np.diag(SD**2), df=3.0).logpdf(RESIDUAL),
}
VARIANCE = {
    "gaussian": np.diag(SD**2),
    "one sd": 0.49 * np.eye(4),
    "correlated": covariance(),
    "correlated and sd": covariance() + 0.09 * np.eye(4),
}


@pytest.mark.parametrize("which", NOISE)
def test_that_the_density_is_that_of_scipy(which):
    density = jax.jit(NOISE[which].log_likelihood)(jnp.asarray(RESIDUAL, jnp.float32))
    assert float(density) == pytest.approx(DENSITY[which], rel=2e-5)


@pytest.mark.parametrize("which", VARIANCE)
def test_that_whitening_turns_the_covariance_into_the_identity(which):
    whitening = np.asarray(jax.jacobian(NOISE[which].whiten)(jnp.zeros(4)), float)
    np.testing.assert_allclose(whitening @ VARIANCE[which] @ whitening.T, np.eye(4), atol=1e-5)


@pytest.mark.parametrize("which", ["gaussian", "student", "unknown"])
def test_that_whitened_residuals_of_independent_noise_are_in_units_of_its_spread(which):
    whitened = NOISE[which].whiten(jnp.asarray(RESIDUAL, jnp.float32))
    np.testing.assert_allclose(whitened, RESIDUAL / SD, rtol=1e-6)


@pytest.mark.parametrize("which", VARIANCE)
def test_that_the_spread_is_the_standard_deviation_of_each_datum(which):
    np.testing.assert_allclose(NOISE[which].spread(4), np.sqrt(np.diag(VARIANCE[which])))


@pytest.mark.parametrize("which", VARIANCE)
def test_that_draws_have_the_stated_covariance(which):
    # Products of unit normals have variance 1 + ρ² ≤ 2; 16 of them, 5 standard errors: false alarms below 1e-5.
    count = 20_000
    draws = jax.vmap(lambda key: NOISE[which].simulate(key, 4))(jax.random.split(jax.random.key(1), count))
    sds = np.sqrt(np.diag(VARIANCE[which]))
    scaled = np.asarray(draws, float) / sds
    expected = VARIANCE[which] / np.outer(sds, sds)
    assert np.abs(scaled.T @ scaled / count - expected).max() < 5 * np.sqrt(2 / count)


def test_that_student_draws_follow_its_distribution():
    # Kolmogorov and Smirnov: refused at a level of 1e-5 for one of two data.
    draws = jax.vmap(lambda key: NOISE["student"].simulate(key, 4))(jax.random.split(jax.random.key(2), 5_000))
    for datum in (0, 3):
        assert scipy.stats.kstest(np.asarray(draws[:, datum]), scipy.stats.t(3.0, 0, SD[datum]).cdf).pvalue > 1e-5


def test_that_draws_of_noise_of_unknown_sd_share_one_factor():
    # Kolmogorov and Smirnov: refused at a level of 1e-5, for a datum and the ratio of two, which has lost the factor.
    draws = jax.vmap(lambda key: NOISE["unknown"].simulate(key, 4))(jax.random.split(jax.random.key(3), 5_000))
    assert scipy.stats.kstest(np.asarray(draws[:, 1]), scipy.stats.t(3.0, 0, SD[1]).cdf).pvalue > 1e-5
    ratio = np.asarray((draws[:, 0] / SD[0]) / (draws[:, 3] / SD[3]))
    assert scipy.stats.kstest(ratio, scipy.stats.cauchy.cdf).pvalue > 1e-5


def test_that_an_unknown_sd_is_inferred_from_the_residuals():
    # Brute force: the median of the factor's posterior on a grid.
    noise = UnknownNoise(SD, 3.0)
    factor = np.geomspace(1e-3, 1e3, 200_001)
    prior = scipy.stats.chi2(3.0).logpdf(3.0 / factor) + np.log(3.0 / factor**2)
    squares = np.sum((RESIDUAL / SD) ** 2)
    density = np.exp(prior - 0.5 * squares / factor - 2.0 * np.log(factor)) * np.gradient(factor)
    median = np.interp(0.5, np.cumsum(density) / density.sum(), factor)
    np.testing.assert_allclose(noise.inferred_spread(RESIDUAL), SD * np.sqrt(median), rtol=1e-3)
    many = np.tile(3 * RESIDUAL, 500)
    true = 3 * np.sqrt(np.mean(RESIDUAL**2))
    np.testing.assert_allclose(UnknownNoise(0.2).inferred_spread(many), true, rtol=2e-3)
    assert GaussianNoise(0.2).inferred_spread(many) is None


def test_that_model_errors_become_the_covariance_about_zero():
    errors = np.random.default_rng(6).standard_normal((3, 6)) + 2.0
    noise = CorrelatedNoise.from_model_errors(errors, 0.5)
    expected = np.mean([np.outer(e, e) for e in errors], axis=0) + 0.25 * np.eye(6)
    np.testing.assert_allclose(noise.total, expected)
    for bad in (errors[0], errors * np.nan):
        with pytest.raises(InputError, match="The model errors have shape"):
            CorrelatedNoise.from_model_errors(bad, 0.5)


def test_that_student_noise_forgives_a_gross_error_and_many_degrees_of_freedom_make_it_gaussian():
    gross, small = jnp.array([50.0]), jnp.array([0.5])

    def loss(noise):
        return float(noise.log_likelihood(small) - noise.log_likelihood(gross))

    assert loss(StudentNoise(1.0, 3.0)) < 20 < 1000 < loss(GaussianNoise(1.0))
    near = StudentNoise(1.0, 1e4).log_likelihood(small)
    assert float(near) == pytest.approx(float(GaussianNoise(1.0).log_likelihood(small)), abs=1e-3)


def test_that_only_noise_of_stated_sd_or_covariance_is_gaussian():
    assert {name for name, noise in NOISES.items() if noise.gaussian} == {"gaussian", "correlated"}


@pytest.mark.parametrize("which", NOISE)
def test_that_noise_comes_back_from_its_arrays(which):
    noise = NOISE[which]
    again = NOISES[noise.kind](**noise.to_arrays())
    residual = jnp.asarray(RESIDUAL, jnp.float32)
    assert type(again) is type(noise)
    assert float(again.log_likelihood(residual)) == float(noise.log_likelihood(residual))


def test_that_a_rank_deficient_covariance_is_refused_until_an_uncorrelated_part_is_stated():
    samples = np.random.default_rng(0).standard_normal((3, 6))
    deficient = samples.T @ samples / 3
    with pytest.raises(InputError, match="does not have full rank; state the sd of an uncorrelated part"):
        CorrelatedNoise(deficient)
    assert np.isfinite(float(CorrelatedNoise(deficient, 0.1).log_likelihood(jnp.ones(6))))
    with pytest.raises(InputError, match="state a larger sd of an uncorrelated part"):
        CorrelatedNoise(deficient, 1e-9)


def test_that_a_covariance_rounded_to_single_precision_is_judged_by_that_precision():
    # One direction of variance 1e-8 of the largest: known in float64, lost in the rounding of float32 to 6e-8.
    matrix = np.array([[1.0, 1.0 - 1e-8], [1.0 - 1e-8, 1.0]])
    CorrelatedNoise(matrix)
    with pytest.raises(InputError, match="smallest eigenvalue"):
        CorrelatedNoise(matrix.astype(np.float32))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GaussianNoise(0.0), "has a standard deviation of 0; give a finite number above 0"),
        (lambda: GaussianNoise([1.0, np.nan]), "has a standard deviation of nan"),
        (lambda: GaussianNoise(np.ones((2, 2))), r"has shape \(2, 2\); give one number, or one for each datum"),
        (lambda: StudentNoise(-1.0, 3.0), "has a scale of -1"),
        (lambda: StudentNoise(1.0, 0.0), "has a number of degrees of freedom of 0"),
        (lambda: UnknownNoise(-1.0), "has a standard deviation of -1"),
        (lambda: UnknownNoise(1.0, [3.0, 4.0]), "has 2 numbers of degrees of freedom; give one for all data"),
        (lambda: StudentNoise(1.0, [3.0, 4.0]), "has 2 numbers of degrees of freedom; give one for all data"),
        (lambda: CorrelatedNoise(np.ones(3)), r"has shape \(3,\); give one row and column per datum"),
        (lambda: CorrelatedNoise([[1.0, 0.5], [0.0, 1.0]]), "is not symmetric"),
        (lambda: CorrelatedNoise([[1.0, np.inf], [np.inf, 1.0]]), "not finite"),
        (lambda: CorrelatedNoise(np.eye(2), [1.0, 1.0, 1.0]), "3 values of the uncorrelated sd for 2 data"),
    ],
)
def test_that_noise_that_cannot_be_used_is_refused_in_words(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_that_noise_stated_for_another_number_of_data_is_refused():
    for noise in (NOISE["gaussian"], NOISE["correlated"], NOISE["student"]):
        with pytest.raises(InputError, match=r"4 .*3"):
            noise.spread(3)
