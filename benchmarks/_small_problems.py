"""Small problems of a real GAN prior, of which posteriors can be sampled hundreds of times.

The prior is the spatial GAN of Laloy et al. (2018, doi:10.1002/2017WR022148) at a quarter of its widths, trained on
their channel image (`models/seed_sgan.toml`): a field of 16×16 cells has 25 latents, where the shipped priors, made for
wide fields, have some 600. The posteriors are as nonlinear and many-moded as those of larger ones.
"""

from collections.abc import Callable

import numpy as np

from latentinv import BlockMeans, FaciesProperty, Grid, HardData, IndirectData, Posterior, load_prior
from latentinv.data import AbstractObservation
from latentinv.forward import LinearForward, ray_lengths
from latentinv.posterior import Target
from latentinv.priors import AbstractPrior

from ._fields import facies_model

PRIOR = "seed_sgan"
GRID = Grid((16, 16), spacing=1.0)
SLOPE = 5.0
"""Of soft readings of facies, per unit of the field; gentle, so that the soft targets are smooth."""
SLOWNESS = (12.5, 50 / 3)
"""ns/m, of clay and sand; velocities of 0.08 and 0.06 m/ns."""


def small_prior() -> AbstractPrior:
    """The prior."""
    return load_prior(PRIOR)


def wells(prior: AbstractPrior, *, count: int = 6, error_probability: float = 0.0) -> AbstractObservation:
    """Wells spread over the grid, without data."""
    model = facies_model(prior)
    points = 1.5 + 13 * np.stack([_van_der_corput(count, 2), _van_der_corput(count, 3)], axis=1)
    codes = np.full(count, model.categories[0])
    return HardData(GRID, points, codes, model, error_probability=error_probability, slope=SLOPE)


def blocks(prior: AbstractPrior, *, sd: float = 0.1) -> AbstractObservation:
    """Means of sand over four blocks of 6 by 6 m, without data."""
    lower = np.array([[0.0, 1.0], [9.0, 0.0], [3.0, 9.0], [10.0, 8.0]])
    settings = {"slope": SLOPE}
    return BlockMeans(GRID, lower, lower + 6.0, np.full(4, 0.5), sd, facies_model(prior), **settings)  # type: ignore[arg-type]


def tomography(prior: AbstractPrior, *, sd: float = 5.0) -> AbstractObservation:
    """Travel times along nine straight rays across the grid, linear in slowness, without data."""
    depths = np.array([2.5, 8.5, 13.5])
    sources = np.stack([np.zeros(9), np.repeat(depths, 3)], axis=1)
    receivers = np.stack([np.full(9, 16.0), np.tile(depths, 3)], axis=1)
    forward = LinearForward(ray_lengths(GRID, sources, receivers), GRID)
    slowness = FaciesProperty(facies_model(prior), SLOWNESS, slope=SLOPE)
    settings = {"property": slowness, "name": "travel times", "unit": "ns"}
    return IndirectData(GRID, forward, np.zeros(9), sd, **settings)  # type: ignore[arg-type]


def small_posterior(kind: str, target: Target) -> Posterior:
    """A posterior of one kind of data, by its name in `PROBLEMS`."""
    prior = small_prior()
    return Posterior(prior, GRID, [PROBLEMS[kind](prior)], target=target)


PROBLEMS: dict[str, Callable[[AbstractPrior], AbstractObservation]] = {
    "wells": wells,
    "block_means": blocks,
    "tomography": tomography,
}


def _van_der_corput(count: int, base: int) -> np.ndarray:
    """The first numbers of the sequence, which fill the unit interval evenly."""
    numbers = np.zeros(count)
    for n in range(count):
        rest, digit = n + 1, 1.0 / base
        while rest:
            numbers[n] += digit * (rest % base)
            rest, digit = rest // base, digit / base
    return numbers
