"""How exact the Gaussian priors and their posteriors are: covariances beside their models, samplers beside kriging.

Every method is linear in its latents, x = A z + mean, so its covariance A Aᵀ is had exactly by pushing unit latents
through it, and compared with the model's between all cells of a small grid. The posterior of linear data is known from
simple kriging; replicates of a sampler (runs of tempered SMC, chains of NUTS) give its means and standard deviations,
and their spread the Monte Carlo standard error (MCSE) in which the errors are counted.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks._report import say
from latentinv import (
    NUTS,
    BlockMeans,
    CholeskyPrior,
    Covariance,
    Grid,
    IndirectData,
    Posterior,
    SPDEPrior,
    SpectralPrior,
    TemperedSMC,
    sample,
    simple_kriging,
)
from latentinv.forward import LinearForward
from latentinv.priors import AbstractPrior, Kriging

COVARIANCES = (
    Covariance("exponential", (16.0, 8.0), azimuth=60.0),
    Covariance("gaussian", (16.0, 8.0), azimuth=60.0),
    Covariance("spherical", (16.0, 8.0), azimuth=60.0),
    Covariance("matern", (16.0, 8.0), azimuth=60.0, smoothness=1.0),
    Covariance("matern", (16.0, 8.0), azimuth=60.0, smoothness=2.0),
)
MEAN = 5.0


def covariance_errors(cells: int) -> dict[str, float]:
    """Greatest error of the covariance between two cells, over the variance, by method; each case is said."""
    grid, worst = Grid((cells, cells - 2)), {"cholesky": 0.0, "spectral": 0.0, "spde": 0.0}
    for covariance in COVARIANCES:
        priors: dict[str, AbstractPrior] = {
            "cholesky": CholeskyPrior(covariance),
            "spectral": SpectralPrior(covariance),
        }
        if covariance.smoothness is not None:
            ranges = tuple(np.atleast_1d(covariance.ranges))
            azimuth = covariance.azimuth
            priors["spde"] = SPDEPrior(covariance.smoothness, ranges, azimuth=azimuth)
        points = grid.centres(np.stack(np.unravel_index(np.arange(grid.size), grid.shape), axis=-1))
        target = covariance.matrix(points, points)
        errors = {name: float(np.abs(exact_covariance(prior, grid) - target).max()) for name, prior in priors.items()}
        worst = {name: max(error, errors.get(name, 0.0)) for name, error in worst.items()}
        smoothness = "" if covariance.smoothness is None else f" {covariance.smoothness:g}"
        figures = ", ".join(f"{name} {error:.2g}" for name, error in errors.items())
        say(f"covariance {covariance.model}{smoothness}: {figures}")
    return worst


def exact_covariance(prior: AbstractPrior, grid: Grid) -> Float[np.ndarray, "cell cell"]:
    """A Aᵀ of a prior that is linear in its latents."""
    size = prior.latent_size(grid)
    mean = prior.generate(jnp.zeros(size), grid)

    def column(number: jax.Array) -> jax.Array:
        return (prior.generate(jax.nn.one_hot(number, size), grid) - mean).ravel()

    columns = np.asarray(jax.lax.map(column, jnp.arange(size), batch_size=128), float)
    return columns.T @ columns


class Case(NamedTuple):
    """A Gaussian field, linear data, and its posterior."""

    posterior: Posterior
    kriging: Kriging


def kriging_case(cells: int) -> Case:
    """A field with six boreholes and two block means, whose posterior simple kriging gives."""
    grid = Grid((cells, cells))
    covariance = Covariance("exponential", (1.5 * cells, 0.7 * cells), standard_deviation=2.0, azimuth=60.0)
    prior = CholeskyPrior(covariance, mean=MEAN)
    rng = np.random.default_rng(2)
    points = np.zeros((6, grid.size))
    points[np.arange(6), rng.choice(grid.size, 6, replace=False)] = 1.0
    lower, upper = np.array([[0.0, 0.0], [cells / 2, cells / 4]]), np.array([[2.5, 3.5], [cells - 1.0, cells / 2]])
    blocks = np.stack([grid.box_weights(low, high).ravel() for low, high in zip(lower, upper, strict=True)])
    noise = np.array([*(0.3,) * 6, *(0.2,) * 2])
    operator = np.concatenate([points, blocks])
    truth = np.asarray(prior.generate(jax.random.normal(jax.random.key(3), (grid.size,)), grid), float).ravel()
    data = operator @ truth + noise * rng.standard_normal(8)
    observations = [
        IndirectData(grid, LinearForward(points, grid), data[:6], noise[:6], name="boreholes"),
        BlockMeans(grid, lower, upper, data[6:], noise[6:], None, name="blocks"),
    ]
    kriging = simple_kriging(covariance, grid, operator.reshape(8, *grid.shape), data, noise, mean=MEAN)
    return Case(Posterior(prior, grid, observations), kriging)


def kriging_errors(case: Case, replicates: int, draws: int) -> dict[str, float]:
    """Errors of means and standard deviations in MCSE, of SMC and NUTS: the worst cell's, and their root mean square.

    Parameters
    ----------
    case
        What to sample.
    replicates
        Runs of SMC, chains of NUTS.
    draws
        Of each replicate.
    """
    figures = {}
    for name, fields in (("smc", _smc(case, replicates, draws)), ("nuts", _nuts(case, replicates, draws))):
        mean, deviation = errors_in_mcse(fields, case.kriging)
        for what, error in (("mean", mean), ("sd", deviation)):
            figures[f"kriging_{what}_error_{name}"] = float(np.abs(error).max())
            figures[f"kriging_{what}_rms_{name}"] = float(np.sqrt(np.mean(error**2)))
    return figures


def errors_in_mcse(
    fields: Float[np.ndarray, "replicate draw *grid"], kriging: Kriging
) -> tuple[Float[np.ndarray, "*grid"], Float[np.ndarray, "*grid"]]:
    """Errors of the mean and of the standard deviation of each cell over all replicates, in their MCSE.

    The second is that of the mean square distance from kriging's mean, which is unbiased however few draws there are.
    """
    distance = fields - kriging.mean

    def in_mcse(estimates: np.ndarray) -> np.ndarray:
        return estimates.mean(axis=0) / (estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates)))

    return in_mcse(distance.mean(axis=1)), in_mcse((distance**2).mean(axis=1) - kriging.standard_deviation**2)


def _smc(case: Case, replicates: int, draws: int) -> np.ndarray:
    algorithm = TemperedSMC(particles=draws, batch_size=min(64, draws))
    fields = []
    for seed in range(replicates):
        fields.append(sample(case.posterior, algorithm, seed=seed).realizations)
        if (seed + 1) % 8 == 0:
            say(f"SMC: run {seed + 1} of {replicates}")
    return np.stack(fields).astype(float)


def _nuts(case: Case, replicates: int, draws: int) -> np.ndarray:
    run = sample(case.posterior, NUTS(chains=replicates, draws=replicates * draws), seed=0)
    say(f"NUTS: {replicates} chains of {draws} draws")
    return run.by_chain(run.realizations).astype(float)
