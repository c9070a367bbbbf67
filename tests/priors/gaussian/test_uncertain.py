"""Gaussian fields of unknown covariance: the covariance for every value, and the exact posterior of a range."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from latentinv import (
    AnyDirection,
    BlockMeans,
    Covariance,
    EllipticalSlice,
    Grid,
    InputError,
    LogNormal,
    Normal,
    Posterior,
    UncertainGaussianPrior,
    Uniform,
    sample,
)
from latentinv.priors import Cut, FaciesModel, PlurigaussianPrior, TruncationRule, prior_from_record
from tests.priors.gaussian.test_gaussian_priors import centres

GRID = Grid((6, 7), spacing=(2.0, 1.5), rotation=20.0)
PRIOR = UncertainGaussianPrior(
    "exponential",
    (LogNormal(9.0, 0.4), Uniform(2.0, 5.0)),
    azimuth=Uniform(0.0, 90.0),
    standard_deviation=LogNormal(2.0, 0.3),
    mean=Normal(-9.0, 1.0),
)
Z = np.array([0.3, -0.5, 0.2, -0.4, 0.7])


def unknown_latents(prior, values, grid):
    """A latent vector for each unit of noise, behind the same latents of the unknown numbers."""
    size = prior.latent_size(grid)
    ahead = np.broadcast_to(values, (size - len(values), len(values)))
    return jnp.asarray(np.concatenate([ahead, np.eye(size - len(values))], axis=1), jnp.float32)


def exact_covariance(prior, values, grid):
    """A Aᵀ of the field, which is linear in the noise once the numbers are fixed, and its mean."""
    generate = jax.jit(lambda z: prior.generate(z, grid).ravel())
    middle = np.asarray(generate(jnp.zeros(prior.latent_size(grid)).at[: len(values)].set(values)), float)
    rows = np.asarray(jax.lax.map(generate, unknown_latents(prior, values, grid)), float) - middle
    return rows.T @ rows, middle


@pytest.mark.parametrize(
    ("model", "smoothness", "bound"),
    [("exponential", None, 1e-4), ("spherical", None, 1e-4), ("matern", 1.5, 1e-4), ("gaussian", None, 1e-3)],
)
def test_that_the_field_has_exactly_the_covariance_of_its_numbers(model, smoothness, bound):
    ranges = tuple(9.0 if model != "matern" else 6.0 for _ in range(2))
    prior = UncertainGaussianPrior(
        model, (LogNormal(ranges[0], 0.4), LogNormal(4.0, 0.2)), azimuth=Uniform(0.0, 90.0),
        standard_deviation=LogNormal(2.0, 0.3), mean=Normal(-9.0, 1.0), smoothness=smoothness,
    )  # fmt: skip
    numbers = {name: float(value) for name, value in prior.parameters(jnp.asarray(Z), GRID).items()}
    first, second, azimuth, sd, mean = numbers.values()
    covariance = Covariance(model, (first, second), sd, azimuth, smoothness)
    found, middle = exact_covariance(prior, Z, GRID)
    np.testing.assert_allclose(found, covariance.matrix(centres(GRID), centres(GRID)), atol=bound * sd**2)
    np.testing.assert_allclose(middle, mean, rtol=1e-6)


def test_that_the_numbers_are_those_of_their_laws():
    numbers = PRIOR.parameters(jnp.asarray(Z), GRID)
    expected = {
        "range along the azimuth (m)": 9 * np.exp(0.12),
        "range across it (m)": 2 + 3 * stats.norm.cdf(-0.5),
        "azimuth (°)": 90 * stats.norm.cdf(0.2),
        "standard deviation": 2 * np.exp(-0.12),
        "mean": -8.3,
    }
    assert set(numbers) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(numbers[name], value, rtol=1e-5)


def test_that_any_direction_is_as_likely_and_turns_without_an_end():
    law, angles = AnyDirection(), np.radians(np.arange(0, 720, 45) + 1)
    found = [float(law(jnp.array([np.sin(a), np.cos(a)]))) for a in angles]
    np.testing.assert_allclose(found, np.mod(np.arange(0, 720, 45) + 1, 360) / 2, atol=1e-3)


def test_that_the_field_is_smooth_in_range_and_direction():
    """The gradient agrees with differences: to 1 % of its size, with steps of 0.01 in float32."""
    z = jnp.asarray(np.concatenate([Z, np.random.default_rng(0).standard_normal(PRIOR.latent_size(GRID) - 5)]), "f4")
    weights = jnp.asarray(np.random.default_rng(1).standard_normal(GRID.shape), "f4")
    value = jax.jit(lambda z: jnp.sum(weights * PRIOR.generate(z, GRID)))
    slope = np.asarray(jax.grad(value)(z))
    for number in range(5):
        step = jnp.zeros_like(z).at[number].set(0.01)
        np.testing.assert_allclose(slope[number], (value(z + step) - value(z - step)) / 0.02, rtol=0.02, atol=0.02)


def test_that_it_is_read_from_its_file_with_laws_and_facies():
    prior = UncertainGaussianPrior(
        "matern", LogNormal(5.0, 0.2), azimuth=AnyDirection(), smoothness=1.5, facies_model=FaciesModel((0, 1), (0.0,)),
        mean=Normal(0.0, 0.5), ndim=3,
    )  # fmt: skip
    again = prior_from_record(prior.to_record())
    assert again.fingerprint() == prior.fingerprint()
    assert (again.ranges, again.azimuth, again.mean, again.ndim) == (prior.ranges, prior.azimuth, prior.mean, 3)
    assert again.unknowns.keys() == {"range (m)", "azimuth (°)", "mean"}


def test_that_fields_of_facies_can_have_unknown_ranges():
    field = UncertainGaussianPrior("gaussian", LogNormal(5.0, 0.5))
    prior = PlurigaussianPrior([field], TruncationRule(Cut(0, 0, 1), {0: 0.6, 1: 0.4}))
    numbers = prior.parameters(jnp.ones(prior.latent_size(GRID)), GRID)
    np.testing.assert_allclose(numbers["range (m)"], 5 * np.exp(0.5), rtol=1e-6)
    with pytest.raises(InputError, match="does not have mean 0 and standard deviation 1"):
        PlurigaussianPrior([PRIOR], TruncationRule(Cut(0, 0, 1), {0: 0.6, 1: 0.4}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "cubic"}, "There is no covariance model 'cubic'"),
        ({"ranges": Normal(5.0, 1.0)}, "The range of the prior is Normal.*LogNormal, or Uniform above 0"),
        ({"ranges": -1.0}, "The range of the prior is -1.0; give a number above 0"),
        ({"ranges": (1.0, 2.0, 3.0)}, "Given 3 ranges on 2 axes"),
        ({"mean": AnyDirection()}, "The mean of the prior is AnyDirection"),
        ({"smoothness": 1.0}, "give 0.5, 1.5 or 2.5 to the matern model and none to the others"),
    ],
)
def test_that_settings_that_cannot_be_used_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        UncertainGaussianPrior(**{"model": "exponential", "ranges": 5.0} | arguments)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: LogNormal(0.0, 1.0), "give two numbers above 0"), (lambda: Uniform(2.0, 1.0), "lower bound first"),
    (lambda: Normal(1.0, float("nan")), "standard deviation above 0"),
])  # fmt: skip
def test_that_laws_that_cannot_be_used_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_that_the_posterior_of_an_unknown_range_is_that_of_quadrature():
    """Elliptical slice sampling against 2 000 nodes of the range's latent, with the field integrated out exactly.

    Neighbours differ, so the latent's mean moves from 0 to −0.94. Each of 40 chains gives one mean of the latent and
    one of its square. The bound is of Student's t with 39 degrees of freedom, at a false-alarm rate of 5e-5 for each.
    """
    grid, sd = Grid((5, 5)), 0.1
    prior = UncertainGaussianPrior("exponential", LogNormal(4.0, 0.7))
    cells = np.array([[0, 0], [0, 1], [1, 1], [2, 3], [3, 3], [4, 4], [4, 0], [1, 4]])
    observed = np.array([1.2, -1.0, 0.9, -0.4, 0.8, -1.3, 0.2, 0.4])
    lower = grid.centres(cells) - 0.5
    data = BlockMeans(grid, lower, lower + 1, observed, np.full(len(cells), sd), None)
    settings = EllipticalSlice(chains=40, draws=2000, warmup=100, thinning=5)
    run = sample(Posterior(prior, grid, [data]), settings, seed=3)
    latents = run.by_chain(run.latents[:, 0])
    nodes = np.linspace(-6, 6, 2001)
    separations = grid.centres(cells)[:, None] - grid.centres(cells)[None]

    def log_density(node):
        law = Covariance("exponential", 4.0 * np.exp(0.7 * node)).correlation(separations) + sd**2 * np.eye(8)
        return stats.norm.logpdf(node) + stats.multivariate_normal.logpdf(observed, cov=law)

    logs = np.array([log_density(node) for node in nodes])
    density = np.exp(logs - logs.max())
    density /= density.sum()
    for power in (1, 2):
        means = (latents.astype(float) ** power).mean(axis=1)
        error = abs(means.mean() - density @ nodes**power)
        assert error < stats.t.isf(2.5e-5, 39) * means.std(ddof=1) / np.sqrt(40), (power, means.mean())
