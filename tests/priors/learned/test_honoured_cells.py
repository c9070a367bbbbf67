"""Sequential priors made to honour cells: always, and weighted by what they tell, as their own fields that do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, HardData, Posterior
from latentinv.posterior import map_batched
from latentinv.priors.learned import MapRange, looking_ahead
from tests.problems import generate, random_sequential_prior

MANY = 40_000
SPOTS = np.random.default_rng(0).choice(3, (40, 40), p=(0.8, 0.15, 0.05))
KINDS = pytest.mark.parametrize(
    "kind",
    [
        {"windows": (1, 1)},
        {"windows": (1, 0), "blocks": 1},
        {"windows": (1, 0, 1), "blocks": 2, "categories": (3, 1, 7)},
        {"windows": (1, 1), "categories": (0, 1, 2)},
        {"windows": (1, 0, 0), "blocks": 2, "stretch": (1, 2)},
        {"windows": (1, 0), "blocks": 1, "lookahead": SPOTS % 2},
        {"windows": (1, 0, 1), "blocks": 2, "categories": (3, 1, 7), "lookahead": SPOTS},
        {"windows": (1, 1), "sees": True},
        {"windows": (1, 0, 1), "blocks": 2, "categories": (3, 1, 7), "sees": True},
        {"windows": (1, 0, 0), "blocks": 2, "stretch": (1, 2), "sees": True},
        {"windows": (1, 0), "blocks": 1, "sees": True, "maps": (MapRange("depth", 0.0, 9.0),)},
    ],
    ids=[
        *("two", "blocks", "three in blocks", "three", "stretched", "ahead", "three ahead"),
        *("sees", "three in blocks, sees", "stretched, sees", "sees a map"),
    ],
)


def _prior(kind):
    prior = random_sequential_prior(**kind)
    return prior.given(depth=4.0) if prior.maps else prior


def _wells(prior, grid, seed=0):
    """What a field of the prior has in some cells, neighbours among them."""
    cells = np.array([[0, 1], [1, 1], [3, 4], [2, 5], [3, 5]])
    z = jax.random.normal(jax.random.key(100 + seed), (prior.latent_size(grid),))
    codes = np.asarray(prior.facies(generate(prior, z, grid)))[tuple(cells.T)]
    return HardData(grid, grid.centres(cells), codes, prior.facies_model)


@KINDS
def test_that_every_field_honours_every_cell(kind):
    prior, grid = _prior(kind), Grid((4, 6))
    posterior = Posterior(prior, grid, [_wells(prior, grid)])
    latents = jax.random.normal(jax.random.key(0), (200, posterior.latent_size))
    exact = np.asarray(map_batched(lambda z: posterior.predict(z).exact[0], latents))
    soft = np.asarray(map_batched(lambda z: posterior.predict(z).soft[0], latents))
    assert exact.min() > 1
    inverse = exact - 1
    np.testing.assert_allclose(1 / inverse - inverse, soft, rtol=1e-3, atol=1e-3)
    assert soft.sum(axis=1).min() < -0.1


@KINDS
def test_that_weighted_fields_are_those_of_the_prior_that_honour_the_cells(kind):
    _compare(_prior(kind))


def test_that_blocks_that_are_given_are_not_weighed():
    prior = random_sequential_prior(windows=(1, 0, 1), blocks=2)
    given = prior.given(blocks=[[1.0, np.nan]], block_edges=4)
    # A well with facies 1 in the block that is given: without it, such a block would have to be drawn.
    seed = next(seed for seed in range(99) if _wells(given, Grid((4, 6)), seed).codes[0] == 1)
    _compare(given, seed)


def _compare(prior, seed=0):
    """The evidence and the shares of the other cells, by weights and by rejection; five standard errors."""
    grid = Grid((4, 6))
    posterior = Posterior(prior, grid, [_wells(prior, grid, seed)])
    latents = jax.random.normal(jax.random.key(1), (MANY, posterior.latent_size))

    @jax.jit
    def honouring(z):
        field = posterior.field(z)
        return prior.facies_model.index(field), posterior.exact_log_likelihood(posterior.predict_field(field))

    facies, logs = (np.asarray(x) for x in map_batched(honouring, latents, 500))
    own = np.asarray(map_batched(lambda z: prior.facies_model.index(prior.generate(z, grid)), latents, 500))
    wells = posterior.observations[0]
    kept = own[np.all(own[(slice(None), *wells.cells.T)] == wells.observed, axis=1)]
    weights = np.exp(logs)
    share = len(kept) / MANY
    error = np.hypot(np.std(weights), np.sqrt(share * (1 - share))) / np.sqrt(MANY)
    assert abs(weights.mean() - share) < 5 * error
    assert len(kept) > 300
    expected, found = (kept == 1).mean(axis=0), np.average(facies == 1, axis=0, weights=weights)
    effective = weights.sum() ** 2 / np.sum(weights**2)
    spread = np.sqrt(expected * (1 - expected) * (1 / len(kept) + 1 / effective)) + 1 / len(kept)
    assert np.all(np.abs(found - expected) < 5 * spread)
    # Without weights they differ, so the test can fail.
    assert np.any(np.abs((facies == 1).mean(axis=0) - expected) > 5 * spread)


def test_that_the_field_of_a_latent_vector_that_honours_the_cells_by_itself_is_kept():
    prior, grid = random_sequential_prior(windows=(1, 0, 1), blocks=2), Grid((9, 10))
    z = jax.random.normal(jax.random.key(2), (prior.latent_size(grid),))
    facies = np.asarray(prior.facies(generate(prior, z, grid)))
    cells = np.array([[0, 0], [4, 5], [8, 9], [4, 6]])
    wells = HardData(grid, grid.centres(cells), facies[tuple(cells.T)], prior.facies_model)
    posterior = Posterior(prior, grid, [wells])
    np.testing.assert_array_equal(posterior.prior.facies(posterior.field(z)), facies)


@pytest.mark.parametrize(
    "kind",
    [
        {"windows": (1, 1), "sees": True},
        {"windows": (2, 1, 1), "blocks": 2, "sees": True},
        {"windows": (0, 0, 2), "blocks": 1, "sees": True, "stretch": (1, 2)},
        {"windows": (1, 0), "blocks": 1},
    ],
    ids=["sees", "blocks, sees", "stretched, sees", "blind"],
)
def test_that_the_weight_of_a_datum_depends_on_latents_that_reach_its_extent_alone(kind):
    prior, grid = _prior(kind), Grid((70, 84))
    cells = np.array([[30, 40], [31, 42], [36, 46]])
    wells = HardData(grid, grid.centres(cells), [0, 1, 1], prior.facies_model)
    posterior = Posterior(prior, grid, [wells])
    first, last = (np.asarray(x) for x in posterior.observations[0].extents())
    rng, maps = np.random.default_rng(0), prior.latent_maps(grid)
    z = rng.standard_normal(posterior.latent_size).astype(np.float32)
    weights = np.asarray(posterior.predict_soft(z).soft[0])
    for datum in range(len(cells)):
        near = []
        for one in maps:
            along = []
            for axis, n in enumerate(one.shape[:-1]):
                before, after = one.reach[axis]
                begin = np.arange(n) * one.spacing[axis] - before
                end = (np.arange(n) + 1) * one.spacing[axis] + after
                along.append((begin <= last[datum, axis]) & (end > first[datum, axis]))
            near.append(np.broadcast_to((along[0][:, None] & along[1])[..., None], one.shape).ravel())
        near = np.concatenate(near)
        assert near.any()
        assert not near.all()
        other = np.where(near, z, rng.standard_normal(z.shape)).astype(np.float32)
        changed = np.asarray(posterior.predict_soft(other).soft[0])
        assert changed[datum] == pytest.approx(weights[datum], abs=1e-4)
        other = np.where(near, rng.standard_normal(z.shape), z).astype(np.float32)
        assert np.asarray(posterior.predict_soft(other).soft[0])[datum] != pytest.approx(weights[datum], abs=1e-4)


def test_that_wells_that_may_be_wrong_are_left_to_the_likelihood():
    prior, grid = random_sequential_prior(), Grid((6, 6))
    wells = HardData(grid, grid.centres(np.array([[1, 1], [2, 4]])), [0, 1], prior.facies_model, error_probability=0.1)
    posterior = Posterior(prior, grid, [wells])
    assert posterior.conditioned is posterior.prior
    sure = HardData(grid, grid.centres(np.array([[1, 1], [2, 4]])), [0, 1], prior.facies_model)
    assert Posterior(prior, grid, [sure], target="soft").honoured is None
    assert Posterior(prior, grid, [sure, wells_named(wells)]).honoured is not None


def wells_named(wells):
    return HardData(
        wells.grid, wells.coordinates, wells.codes, wells.facies_model, error_probability=0.1, name="doubtful"
    )


def test_that_other_data_of_the_same_cells_use_the_same_program():
    prior, grid = random_sequential_prior(), Grid((6, 6))
    wells = HardData(grid, grid.centres(np.array([[1, 1], [2, 4]])), [0, 1], prior.facies_model)
    posterior = Posterior(prior, grid, [wells])
    other = posterior.with_data([np.array([1, 0])])
    z, before = jnp.zeros(posterior.latent_size), Posterior.field._cache_size()
    one = posterior.prior.facies(posterior.field(z))
    two = other.prior.facies(other.field(z))
    assert Posterior.field._cache_size() <= before + 1
    assert (int(one[1, 1]), int(one[2, 4]), int(two[1, 1]), int(two[2, 4])) == (0, 1, 1, 0)


def test_that_the_table_of_what_lies_ahead_is_counted_in_the_image():
    prior = random_sequential_prior(windows=(1, 0, 1), blocks=2, categories=(3, 1, 7))
    net, facies = prior.architecture, SPOTS.copy()
    facies[:3, :5] = -1
    table = looking_ahead(net, facies)
    assert table.shape == (3, 3, 3)
    cells, rank = [], {code: n for n, code in enumerate(net.order)}
    for row in range(0, 40, 2):
        for column in range(0, 40, 2):
            block = facies[row : row + 2, column : column + 2].ravel()
            seen = block[block >= 0]
            if len(seen) and (len(seen) == 4 or seen.tolist().count(net.order[0])):
                first = min(seen, key=rank.get)
                cells += [(cell, first) for cell in seen]
    for cell in range(3):
        for block in range(3):
            of_block = [one for one, around in cells if around == block]
            possible = rank[block] <= rank[cell]
            share = (of_block.count(cell) + 0.01) / (len(of_block) + 0.01)
            assert table[1, cell, block] == pytest.approx(np.log(share) if possible else -1e4, rel=1e-4)
    np.testing.assert_array_equal(table[2], np.where(np.eye(3), 0, -1e4))
