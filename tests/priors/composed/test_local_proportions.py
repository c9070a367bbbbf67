"""Local proportions and directions: the stated shares in every cell, and wells that are kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from latentinv import (
    Covariance,
    Cut,
    Grid,
    HardData,
    HierarchicalPrior,
    InputError,
    PlurigaussianPrior,
    Posterior,
    SPDEPrior,
    SpectralPrior,
    TemperedSMC,
    TruncationRule,
    sample,
)
from latentinv.priors import prior_from_record
from tests.problems import generate

GRID = Grid((6, 8))
RULE = TruncationRule(Cut(0, 4, Cut(1, 2, Cut(0, 7, 5))), {2: 0.3, 4: 0.4, 5: 0.1, 7: 0.2})
FIELDS = [SPDEPrior(1.0, 3.0), SPDEPrior(1.0, (5.0, 2.0))]
FREE = PlurigaussianPrior(FIELDS, RULE)
SHARES = np.array([0.1, 0.2, 0.3, 0.4])[:, None, None] * np.linspace(0.2, 1, 8) * np.linspace(0.5, 1, 6)[:, None]
SHARES[0] += 1 - SHARES.sum(axis=0)
"""Of the facies 4, 2, 7 and 5, in the order of the rule's codes."""
BOUND = FREE.given(proportions=SHARES)
SAND = TruncationRule(Cut(0, 0, 1), {0: 0.5, 1: 0.5})


def frequencies(prior, grid, count, seed=0):
    """How often each cell has each facies."""
    z = jax.random.normal(jax.random.key(seed), (count, prior.latent_size(grid)))
    index = jax.jit(lambda z: jax.lax.map(lambda one: prior.facies_model.index(prior.generate(one, grid)), z))
    drawn = np.asarray(index(z))
    return np.stack([(drawn == number).mean(axis=0) for number in range(len(prior.facies_model.categories))])


def test_that_every_cell_has_its_own_proportions():
    """Of 4 000 independent draws; the binomial bound of each of 192 numbers, together a false-alarm rate of 1e-4.

    The variance of SPDE scores on cells is exact to a hundredth only, which moves a share by 0.003 at most.
    """
    count = 4000
    found = frequencies(BOUND.on(GRID), GRID, count)
    limit = stats.norm.isf(1e-4 / 2 / SHARES.size)
    assert np.all(np.abs(found - SHARES) < limit * np.sqrt(SHARES * (1 - SHARES) / count) + 0.003)


def test_that_proportions_everywhere_the_same_change_nothing():
    same = FREE.given(proportions=dict(RULE.proportions))
    z = jax.random.normal(jax.random.key(1), (FREE.latent_size(GRID),))
    np.testing.assert_allclose(generate(same, z, GRID), generate(FREE, z, GRID), atol=1e-5)


def test_that_scores_keep_their_order_and_have_gradients():
    z = jax.random.normal(jax.random.key(1), (BOUND.latent_size(GRID),))
    plain, moved = generate(FREE, z, GRID), generate(BOUND, z, GRID)
    slopes = jax.grad(lambda z: jnp.sum(BOUND.generate(z, GRID)[..., 0]))(z)
    assert np.isfinite(slopes).all()
    raised = generate(BOUND, z + 0.01, GRID)
    assert np.all((raised - moved > 0) == (generate(FREE, z + 0.01, GRID) - plain > 0))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"sand": 0.2}, lambda: np.full((5, 6, 8), 0.2)),
        ({1: np.linspace(0, 1, 5)}, lambda: np.linspace(0, 1, 5)[:, None, None] * np.ones((5, 6, 8))),
        ({1: np.linspace(0, 1, 48).reshape(6, 8)}, lambda: np.linspace(0, 1, 48).reshape(1, 6, 8) * np.ones((5, 1, 1))),
        ({0: np.linspace(0, 1, 240).reshape(5, 6, 8)}, lambda: 1 - np.linspace(0, 1, 240).reshape(5, 6, 8)),
    ],
    ids=["number", "vertical curve", "map", "cells"],
)
def test_that_proportions_are_numbers_curves_maps_or_cells(given, expected):
    prior = PlurigaussianPrior([SpectralPrior(Covariance("gaussian", 4.0), ndim=3)], SAND).named(("clay", "sand"))
    shares = prior.given(proportions=given).proportions
    np.testing.assert_allclose(np.broadcast_to(shares, (2, 5, 6, 8))[1], expected(), atol=2e-6)


def test_that_facies_left_out_share_the_rest_as_in_the_rule():
    shares = FREE.given(proportions={4: 0.1}).proportions.ravel()
    np.testing.assert_allclose(shares, [0.1, 0.45, 0.3, 0.15], rtol=1e-5)  # of 4, 2, 7, 5


def test_that_a_share_of_none_is_never_drawn():
    found = frequencies(FREE.given(proportions={5: 0.0, 2: np.linspace(0, 1, 6)}), GRID, 500)
    assert found[3].max() == 0
    assert (found[1, 0].max(), found[1, -1].min()) == (0, 1)


def test_that_it_is_read_from_its_file_and_another_grid_is_refused():
    again = prior_from_record(BOUND.to_record())
    assert again.fingerprint() == BOUND.fingerprint() != FREE.fingerprint()
    z = jax.random.normal(jax.random.key(1), (BOUND.latent_size(GRID),))
    np.testing.assert_array_equal(generate(again, z, GRID), generate(BOUND, z, GRID))
    assert "5 0.04 to 0.4" in BOUND.describe()["proportions"]
    with pytest.raises(InputError, match=r"local proportions are for \(6, 8\) cells, the grid has \(6, 9\)"):
        BOUND.latent_size(Grid((6, 9)))


def test_that_tiles_have_their_own_proportions():
    z = np.asarray(jax.random.normal(jax.random.key(1), (BOUND.latent_size(GRID),)))
    field = np.full((*GRID.shape, 2), np.nan, np.float32)
    for place, values in BOUND.tiles(z, GRID, tile=4):
        field[place] = values
    np.testing.assert_allclose(field, generate(BOUND, z, GRID), atol=1e-4)


def test_that_conditions_reach_the_fields_and_a_hierarchical_prior_passes_them_on():
    azimuth = np.linspace(0, 90, 48).reshape(6, 8)
    layered = HierarchicalPrior(FREE, SpectralPrior(Covariance("gaussian", 4.0)))
    assert set(layered.conditions) == {"proportions", "ranges", "azimuth"}
    inner = layered.given(proportions=SHARES, azimuth=azimuth).facies_prior
    assert inner.fingerprint() == FREE.given(azimuth=azimuth).given(proportions=SHARES).fingerprint()
    np.testing.assert_array_equal(inner.fields[1].azimuth, azimuth)
    np.testing.assert_array_equal(inner.fields[1].ranges[1], np.full((6, 8), 2.0))
    local = FIELDS[1].given(ranges=(np.full((6, 8), 7.0), 3.0))
    lengths = np.array([7.0, 3.0])[:, None, None] * np.ones((6, 8))
    assert local.fingerprint() == SPDEPrior(1.0, lengths, azimuth=np.full((6, 8), 90.0)).fingerprint()


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"proportions": {9: 0.5}}, "There is no facies 9"),
        ({"proportions": {4: 1.5}}, "of facies 4 go from 1.5 to 1.5; give shares from 0 to 1"),
        ({"proportions": {4: np.full((6, 8), np.nan)}}, "of facies 4 go from nan to nan"),
        ({"proportions": {4: 0.7, 2: 0.6}}, "sum to 1.3 in a cell"),
        ({"proportions": {4: 0.7, 2: 0.1, 5: 0.0, 7: 0.0}}, "sum to 0.8 in a cell"),
        ({"proportions": {4: np.full((6, 8), 0.1), 2: np.full((5, 8), 0.1)}}, "give all on one grid"),
        ({"proportions": np.ones((2, 6, 8))}, r"have shape \(2, 6, 8\); give an array"),
        ({"depth": 1.0}, "Given the condition 'depth', but this prior takes none"),
        ({"azimuth": np.zeros((6, 8)), "ranges": np.ones((5, 8))}, "give all on one grid"),
    ],
)
def test_that_conditions_that_cannot_be_used_are_refused(condition, message):
    with pytest.raises(InputError, match=message):
        FREE.given(**condition)


def test_that_a_rule_whose_thresholds_would_change_their_order_is_refused():
    rule = TruncationRule(Cut(0, Cut(1, 1, 2), Cut(1, 3, 4)), dict.fromkeys((1, 2, 3, 4), 0.25))
    with pytest.raises(InputError, match="cuts score 1 both below and above a cut of score 0"):
        PlurigaussianPrior(FIELDS, rule).given(proportions={1: 0.1})


def test_that_conditioning_keeps_25_wells_under_a_trend():
    """The wells are those of a draw, so that they can be met; in the run the trend is still there between them."""
    grid, trend = Grid((16, 16)), np.linspace(0.05, 0.95, 16) * np.ones((16, 1))
    free = PlurigaussianPrior([SpectralPrior(Covariance("gaussian", 7.0), waves=32)], SAND)
    prior = free.given(proportions={1: trend})
    rng = np.random.default_rng(0)
    z = jnp.asarray(rng.standard_normal(prior.latent_size(grid)), jnp.float32)
    facies = np.asarray(prior.facies(generate(prior, z, grid)))
    cells = np.stack(np.unravel_index(rng.choice(grid.size, 25, replace=False), grid.shape), axis=1)
    wells = HardData(grid, grid.centres(cells), facies[tuple(cells.T)], prior.facies_model)
    run = sample(Posterior(prior, grid, [wells]), TemperedSMC(particles=16), seed=0)
    drawn = run.realizations
    assert np.all(drawn[:, *cells.T] == facies[tuple(cells.T)])
    sand = drawn.mean(axis=(0, 1))
    assert sand[:4].mean() < 0.3 < 0.7 < sand[-4:].mean()
