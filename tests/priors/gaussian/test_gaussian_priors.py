"""Gaussian priors: the covariance between all cells, exactly, by pushing unit latents through the linear map."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors import (
    Anamorphosis,
    CholeskyPrior,
    Covariance,
    FaciesModel,
    SPDEPrior,
    SpectralPrior,
    load_prior,
)
from tests.problems import generate

GRID = Grid((14, 11), spacing=(2.0, 1.5), origin=(3.0, -7.0))
COVARIANCE = Covariance("matern", (16.0, 8.0), standard_deviation=2.0, azimuth=65.0, smoothness=1.0)


def centres(grid):
    return grid.centres(np.stack(np.unravel_index(np.arange(grid.size), grid.shape), axis=-1))


@partial(jax.jit, static_argnames="grid")
def transposed(prior, grid, fields):
    """Aᵀ v of the linear map z ↦ A z + mean, for each field v."""
    _, transpose = jax.vjp(lambda z: prior.generate(z, grid), jnp.zeros(prior.latent_size(grid)))
    return jax.lax.map(lambda field: transpose(field)[0], fields, batch_size=64)


def exact_covariance(prior, grid):
    """A Aᵀ, from a row of A for each cell."""
    rows = np.asarray(transposed(prior, grid, np.eye(grid.size, dtype=np.float32).reshape(-1, *grid.shape)), float)
    return rows @ rows.T


def stationary_error(prior, grid, covariance):
    """Greatest error of the covariance, over the variance."""
    target = covariance.matrix(centres(grid), centres(grid))
    return np.abs(exact_covariance(prior, grid) - target).max() / covariance.standard_deviation**2


def test_that_the_cholesky_prior_has_its_covariance_to_rounding():
    assert stationary_error(CholeskyPrior(COVARIANCE), GRID, COVARIANCE) < 1e-5


@pytest.mark.parametrize(
    "covariance",
    [
        COVARIANCE,
        Covariance("gaussian", 12.0, standard_deviation=0.5),
        Covariance("exponential", (15.0, 7.0)),
        Covariance("spherical", (15.0, 7.0), azimuth=130.0),
    ],
    ids=lambda c: c.model,
)
def test_that_the_spectral_prior_nears_its_covariance_as_waves_are_added(covariance):
    errors = [stationary_error(SpectralPrior(covariance, waves=waves), GRID, covariance) for waves in (64, 1024)]
    # Independent waves would err by about 4/√(2 M), their worst of some thousand separations: 0.09 for 1024.
    assert errors[1] < 0.05
    assert errors[1] < 0.5 * errors[0]


def test_that_the_spectral_prior_says_what_covariance_it_really_has():
    prior = SpectralPrior(COVARIANCE, waves=64)
    separations = centres(GRID)[:, None] - centres(GRID)[None]
    expected = COVARIANCE.standard_deviation**2 * prior.correlation(separations)
    np.testing.assert_allclose(exact_covariance(prior, GRID), expected, atol=2e-5)


def test_that_the_spectral_prior_works_in_space():
    grid, covariance = Grid((3, 4, 5)), Covariance("gaussian", (9.0, 6.0, 4.0), azimuth=60.0)
    prior = SpectralPrior(covariance, ndim=3, waves=512)
    expected = prior.correlation(centres(grid)[:, None] - centres(grid)[None])
    np.testing.assert_allclose(exact_covariance(prior, grid), expected, atol=2e-5)
    np.testing.assert_allclose(expected, covariance.matrix(centres(grid), centres(grid)), atol=0.06)


def test_that_a_spectral_field_is_the_same_wherever_it_is_looked_at():
    prior = SpectralPrior(COVARIANCE, waves=128)
    z = jax.random.normal(jax.random.key(0), (256,))
    part = Grid((6, 5), spacing=GRID.spacing, origin=tuple(GRID.centres(np.array([[4, 3]]))[0] - (1.0, 0.75)))
    np.testing.assert_allclose(generate(prior, z, part), generate(prior, z, GRID)[4:10, 3:8], atol=2e-4)


@pytest.mark.parametrize("smoothness", [0.5, 1.0, 2.0])
def test_that_the_spde_prior_has_the_matern_covariance(smoothness):
    """With ranges of eight cells and more the stencil's own error stays below a few hundredths."""
    covariance = Covariance("matern", 16.0, standard_deviation=2.0, smoothness=smoothness)
    prior = SPDEPrior(smoothness, 16.0, standard_deviation=2.0)
    assert stationary_error(prior, Grid((12, 9)), covariance) < {0.5: 0.05, 1.0: 0.02, 2.0: 0.02}[smoothness]


def test_that_the_spde_prior_is_anisotropic_in_metres():
    """Cells of unequal edges, ranges of unequal length, turned: each enters in its own way."""
    prior = SPDEPrior(1.0, (16.0, 8.0), azimuth=65.0, standard_deviation=2.0)
    grid = Grid((10, 8), spacing=(1.25, 1.0))
    assert stationary_error(prior, grid, COVARIANCE) < 0.05


@pytest.mark.parametrize(
    ("make", "bound"),
    [
        (CholeskyPrior, 1e-5),
        (lambda covariance: SpectralPrior(covariance, waves=1024), 0.05),
        (
            lambda covariance: SPDEPrior(1.0, covariance.ranges, azimuth=covariance.azimuth, standard_deviation=2.0),
            0.05,
        ),
    ],
    ids=["cholesky", "spectral", "spde"],
)
def test_that_the_azimuth_is_that_of_the_map_on_a_rotated_grid_too(make, bound):
    """Of the grid's own axes the first range runs at 25 − 40 degrees; a mirrored or doubled turn errs by tenths."""
    grid = Grid((9, 8), spacing=(1.25, 1.0), origin=(100.0, -3.0), rotation=40.0)
    assert stationary_error(make(COVARIANCE), grid, COVARIANCE) < bound


def test_that_ranges_can_vary_from_cell_to_cell():
    """Far apart and slowly varying, each side has the covariance of its own range, and the variance is one."""
    grid = Grid((6, 60))
    lengths = np.interp(np.arange(60), [15, 45], [6.0, 12.0]) * np.ones((2, 6, 60))
    prior = SPDEPrior(1.0, lengths)
    exact = exact_covariance(prior, grid).reshape(6, 60, 6, 60)
    for column, length in ((3, 6.0), (53, 12.0)):
        expected = Covariance("matern", length, smoothness=1.0).correlation(np.array([[0.0, 0.0], [4.0, 0.0]]))
        np.testing.assert_allclose(exact[3, column, 3, [column, column + 4]], expected, atol=0.03)
    np.testing.assert_allclose(np.diagonal(exact.reshape(360, 360)), 1.0, atol=0.05)


def test_that_the_direction_can_vary_from_cell_to_cell():
    """The long axis turns from east at the left to north at the right; each side has its own covariance."""
    grid = Grid((9, 64))
    azimuth = np.interp(np.arange(64), [20, 44], [90.0, 0.0]) * np.ones((9, 64))
    lengths = np.array([10.0, 5.0])[:, None, None] * np.ones((2, 9, 64))
    prior = SPDEPrior(1.0, lengths, azimuth=azimuth)
    for column, turned in ((6, 90.0), (57, 0.0)):
        one = np.zeros((1, *grid.shape), np.float32)
        one[0, 4, column] = 1
        (weights,) = transposed(prior, grid, one)
        covariance = generate(prior, weights, grid)
        separations = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
        model = Covariance("matern", (10.0, 5.0), azimuth=turned, smoothness=1.0)
        found = covariance[np.array([4, 4, 8]), np.array([column, column + 4, column])]
        np.testing.assert_allclose(found, model.correlation(separations), atol=0.04)


def test_that_the_gradient_of_the_spde_prior_is_its_transpose():
    prior, grid = SPDEPrior(1.0, (6.0, 4.0), azimuth=80.0), Grid((7, 6))
    rng = np.random.default_rng(1)
    v, w = rng.standard_normal(prior.latent_size(grid), np.float32), rng.standard_normal(grid.shape, np.float32)
    (image,) = transposed(prior, grid, w[None])
    expected = float(np.vdot(w, generate(prior, v, grid)))
    assert float(np.vdot(image, v)) == pytest.approx(expected, rel=1e-4)


def test_that_the_spde_prior_works_in_space():
    covariance = Covariance("matern", (8.0, 8.0, 6.0), smoothness=0.5)
    prior, grid = SPDEPrior(0.5, (8.0, 8.0, 6.0), ndim=3), Grid((3, 4, 4))
    assert stationary_error(prior, grid, covariance) < 0.03  # of a stencil whose ranges are six cells and more


PRIORS = {
    "cholesky": lambda **reading: CholeskyPrior(Covariance("spherical", 6.0), **reading),
    "spectral": lambda **reading: SpectralPrior(Covariance("exponential", (9.0, 5.0)), waves=64, **reading),
    "spde": lambda **reading: SPDEPrior(1.5, (6.0, 4.0), azimuth=70.0, **reading),
    "spde, varying": lambda **reading: SPDEPrior(1.0, np.full((2, 6, 5), 4.0), azimuth=np.ones((6, 5)), **reading),
}


@pytest.mark.parametrize("name", PRIORS)
def test_that_a_saved_prior_makes_the_same_fields(name, tmp_path):
    table = Anamorphosis((-1.0, 0.0, 2.0), (1.0, 3.0, 4.0))
    prior = PRIORS[name](anamorphosis=table, facies_model=FaciesModel((1, 4), (3.0,)))
    prior.save(tmp_path / "prior.h5")
    loaded, grid = load_prior(tmp_path / "prior.h5"), Grid((6, 5))
    z = jax.random.normal(jax.random.key(3), (prior.latent_size(grid),))
    np.testing.assert_array_equal(generate(loaded, z, grid), generate(prior, z, grid))
    assert loaded.fingerprint() == prior.fingerprint()
    assert loaded.facies_model == prior.facies_model
    assert set(np.unique(loaded.facies(generate(loaded, z, grid)))) <= {1, 4}


@pytest.mark.parametrize("name", PRIORS)
def test_that_a_latent_or_grid_that_does_not_suit_is_refused(name):
    prior = PRIORS[name]()
    with pytest.raises(InputError, match="this prior needs"):
        generate(prior, jnp.zeros(7), Grid((6, 5)))
    with pytest.raises(InputError, match="axes"):
        generate(prior, jnp.zeros(8), Grid((2, 2, 2)))


def test_that_an_anamorphosis_gives_any_marginal_distribution():
    sample = np.random.default_rng(4).gamma(2.0, size=20_000)
    table = Anamorphosis.from_sample(sample)
    values = np.asarray(table(jax.random.normal(jax.random.key(5), (20_000,))))
    # Two-sample Kolmogorov–Smirnov bound at 1e-4, and 0.01 for the table's hundred chords.
    grid = np.linspace(0, 8, 200)
    gap = np.abs((values[:, None] <= grid).mean(0) - (sample[:, None] <= grid).mean(0)).max()
    assert gap < 2.23 * np.sqrt(2 / 20_000) + 0.01
    np.testing.assert_allclose(
        Anamorphosis.log_normal(3.0, 0.5)(jnp.asarray([-6.0, 0.0, 1.0]))[1:], [3, 3 * np.exp(0.5)], rtol=1e-4
    )


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Anamorphosis((0.0,), (1.0,)), "1 scores and 1 values; give equally many, at least two"),
        (lambda: Anamorphosis((0.0, 0.0), (1.0, 2.0)), "scores do not increase"),
        (lambda: Anamorphosis((0.0, 1.0), (1.0, 1.0)), "values decrease from one node to the next, or are all equal"),
        (lambda: Anamorphosis((0.0, 1.0, 2.0), (1.0, 3.0, 2.0)), "values decrease from one node to the next"),
        (lambda: Anamorphosis.from_sample(np.ones(5)), "not all equal"),
        (lambda: Anamorphosis.log_normal(0.0, 1.0), "both must be above 0"),
        (lambda: CholeskyPrior(COVARIANCE, anamorphosis=Anamorphosis((0, 1), (0, 1))), "leave them at 0 and 1"),
        (lambda: CholeskyPrior(COVARIANCE, ndim=3), "2 ranges on 3 axes"),
        (lambda: CholeskyPrior(COVARIANCE, mean=np.nan), "mean is nan; give a finite number"),
        (
            lambda: CholeskyPrior(COVARIANCE).latent_size(Grid((100, 100))),
            "10000 cells; a Cholesky factor allows at most 6400",
        ),
        (lambda: SpectralPrior(COVARIANCE, waves=100), "100 waves; expected a power of two"),
        (lambda: SPDEPrior(0.0, 3.0), "smoothness 0.0; give a number above 0"),
        (lambda: SPDEPrior(1.0, (3.0, -1.0)), "give positive metres"),
        (lambda: SPDEPrior(1.0, (3.0, 3.0, 3.0)), "one for each of 2 axes"),
        (lambda: SPDEPrior(1.0, 3.0, azimuth=np.ones((4, 4))), "give both over one grid"),
        (lambda: SPDEPrior(1.0, 3.0, azimuth=np.nan), "azimuths are not all finite"),
        (lambda: SPDEPrior(1.0, 3.0, standard_deviation=-1.0), "standard deviation -1.0; give one above 0"),
        (lambda: SPDEPrior(1.0, np.ones((2, 4, 4))).latent_size(Grid((4, 5))), "for \\(4, 4\\) cells, the grid has"),
    ],
)
def test_that_faulty_settings_are_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()
