"""Priors under a condition: bound beforehand, a leaf of the bound prior, and refused where none is taken."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.priors import Covariance, HierarchicalPrior, SpectralPrior
from tests.priors.toys import TrendPrior
from tests.problems import random_generator_prior

GRID = Grid((9, 11))
Z = jax.random.normal(jax.random.key(0), (GRID.size,))
TREND = np.add.outer(np.arange(9.0), 10 * np.arange(11.0)).astype(np.float32)


def test_that_a_condition_changes_the_field_and_the_prior_without_it_stays():
    free = TrendPrior()
    bound = free.given(mean=2.0, trend=TREND)
    np.testing.assert_allclose(bound.generate(Z, GRID), 2 + TREND + Z.reshape(GRID.shape), rtol=1e-6)
    with pytest.raises(InputError, match="needs a mean and a trend"):
        free.generate(Z, GRID)
    assert free.given(mean=1.0, trend=TREND).fingerprint() != bound.fingerprint()


def test_that_a_program_serves_all_conditions_and_maps_over_them():
    traces = []

    @jax.jit
    def generate(prior, z):
        traces.append(prior)
        return prior.generate(z, GRID)

    priors = [TrendPrior().given(mean=mean, trend=TREND) for mean in (1.0, 5.0)]
    fields = [generate(prior, Z) for prior in priors]
    assert len(traces) == 1
    np.testing.assert_allclose(fields[1] - fields[0], 4, rtol=1e-5)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *priors)
    mapped = jax.vmap(lambda prior: prior.generate(Z, GRID))(stacked)
    np.testing.assert_array_equal(mapped, jnp.stack(fields))


@pytest.mark.parametrize("tile", [4, 5])
def test_that_tiles_take_their_own_part_of_a_covariate(tile):
    prior = TrendPrior().given(mean=2.0, trend=TREND)
    field = np.full(GRID.shape, np.nan, np.float32)
    for place, values in prior.tiles(np.asarray(Z), GRID, tile=tile):
        field[place] = values
    np.testing.assert_array_equal(field, prior.generate(Z, GRID))


def test_that_conditions_are_named_and_others_are_refused():
    assert set(TrendPrior().conditions) == {"mean", "trend"}
    with pytest.raises(InputError, match="'trend' is missing or unknown"):
        TrendPrior().given(mean=2.0)
    plain = random_generator_prior()
    assert plain.conditions == {}
    with pytest.raises(InputError, match="Given the condition 'wells', but this prior takes none; leave it out"):
        plain.given(wells=1)


def test_that_a_hierarchical_prior_takes_the_condition_of_its_facies():
    prior = HierarchicalPrior(random_generator_prior(), SpectralPrior(Covariance("gaussian", 6.0), waves=16))
    assert prior.conditions == {}
    with pytest.raises(InputError, match="takes none"):
        prior.given(wells=1)
