"""Fields translated into the style of a sequential prior keep their coarse map, there and back, and the wells."""

import jax
import numpy as np
import pytest

from latentinv import Grid, HardData, InputError, Posterior
from latentinv.posterior import map_batched
from latentinv.priors import coarse_map, translation_prior
from tests.problems import generate, random_generator_prior, random_sequential_prior

TWO = {"windows": (1, 1, 1), "blocks": 2}
THREE = {**TWO, "categories": (3, 1, 7)}
LONG = {"windows": (1, 0, 0), "blocks": 2, "stretch": (1, 2)}


def _codes(shape, categories, seed=0):
    """Mostly the first facies, so that blocks differ; the order of a prior's blocks begins with the last."""
    shares = [0.9, *np.full(len(categories) - 1, 0.1 / (len(categories) - 1))]
    return np.random.default_rng(seed).choice(categories, shape, p=shares)


def _draw(prior, grid, seed):
    z = jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))
    return np.asarray(prior.facies(generate(prior, z, grid)))


@pytest.mark.parametrize(
    ("kind", "edges", "shape"),
    [(TWO, 4, (16, 24)), (THREE, (2, 2), (11, 9)), (LONG, (2, 4), (9, 14)), (LONG, None, (8, 8))],
)
def test_that_a_coarse_map_has_the_first_facies_that_is_seen_in_each_block(kind, edges, shape):
    prior = random_sequential_prior(**kind)
    categories = prior.facies_model.categories
    codes = _codes(shape, categories).astype(float)
    codes[np.random.default_rng(1).random(shape) < 0.03] = np.nan
    found = coarse_map(prior, codes, edges)
    size = {None: (2, 4), 4: (4, 4)}.get(edges, edges)
    assert found.shape == tuple(-(-n // edge) for n, edge in zip(shape, size, strict=True))
    order = [categories[index] for index in prior.architecture.order]
    for place in np.ndindex(found.shape):
        block = codes[tuple(slice(n * edge, n * edge + edge) for n, edge in zip(place, size, strict=True))]
        seen = [code for code in order if code in block]
        if np.isnan(block).any() and order[0] not in seen:
            assert np.isnan(found[place])
        else:
            assert found[place] == seen[0]
    assert len(np.unique(found)) > 2  # several facies, and NaN


@pytest.mark.parametrize(("kind", "edges"), [(TWO, 4), (TWO, 2), (THREE, 4), (LONG, (2, 4))])
def test_that_translations_have_the_map_of_their_field_and_other_cells(kind, edges):
    prior, grid = random_sequential_prior(**kind), Grid((16, 24))
    codes = _codes(grid.shape, prior.facies_model.categories)
    blocks = coarse_map(prior, codes, edges)
    translations = [_draw(translation_prior(prior, codes, edges), grid, seed) for seed in range(4)]
    for one in translations:
        np.testing.assert_array_equal(coarse_map(prior, one, edges), blocks)
    assert np.any(translations[0] != translations[1])
    assert np.mean(coarse_map(prior, _draw(prior, grid, 0), edges) != blocks) > 0.1


def test_that_a_block_beyond_the_end_of_the_grid_has_what_its_cells_within_tell():
    prior, grid = random_sequential_prior(**TWO), Grid((10, 13))
    codes = _codes(grid.shape, (0, 1))
    translation = _draw(translation_prior(prior, codes, 4), grid, 0)
    blocks, kept = coarse_map(prior, codes, 4), coarse_map(prior, translation, 4)
    np.testing.assert_array_equal(kept[:2, :3], blocks[:2, :3])
    assert not np.any((blocks == 0) & (kept == 1))  # no sand where the field has none, anywhere


def test_that_there_and_back_is_the_same_map_by_priors_of_other_codes_and_networks():
    there, back = random_sequential_prior(0, **TWO), random_sequential_prior(5, **TWO, categories=(4, 8))
    grid = Grid((16, 24))
    codes = _codes(grid.shape, (4, 8))
    first = translation_prior(there, codes, 4, facies={4: 0, 8: 1})
    between = _draw(first, grid, 0)
    again = _draw(translation_prior(back, between, 4, facies={0: 4, 1: 8}), grid, 1)
    np.testing.assert_array_equal(coarse_map(back, again, 4), coarse_map(back, codes, 4))
    assert np.any(again != codes)


def _wells(prior, grid, cells, codes, **settings):
    return HardData(grid, grid.centres(np.asarray(cells)), codes, prior.facies_model, **settings)


def test_that_wells_count_where_they_contradict_the_field():
    prior, grid = random_sequential_prior(**TWO).named(("clay", "sand")), Grid((8, 12))
    codes = np.zeros(grid.shape)
    codes[5, 5] = 1
    sure = _wells(prior, grid, [[0, 9], [5, 5], [7, 0]], [1, 0, 0])
    doubtful = _wells(prior, grid, [[1, 1]], [1], error_probability=0.1, name="doubtful")
    expected = np.array([[0, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(coarse_map(prior, codes, 4, wells=[sure, doubtful]), expected)
    np.testing.assert_array_equal(coarse_map(prior, codes, 4), [[0, 0, 0], [0, 1, 0]])
    stands = {0: "clay", 1: "Sand"}
    np.testing.assert_array_equal(coarse_map(prior, codes, 4, facies=stands), [[0, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("kind", [TWO, THREE], ids=["two", "three"])
def test_that_weighted_draws_honour_the_wells_and_have_the_map(kind):
    prior, grid = random_sequential_prior(**kind), Grid((12, 16))
    codes = _codes(grid.shape, prior.facies_model.categories, seed=2)
    cells = np.stack(
        np.unravel_index(np.random.default_rng(3).choice(grid.size, 12, replace=False), grid.shape), axis=1
    )
    wells = _wells(prior, grid, cells, codes[tuple(cells.T)])
    posterior = Posterior(translation_prior(prior, codes, 4, wells=[wells]), grid, [wells])
    latents = jax.random.normal(jax.random.key(0), (64, posterior.latent_size))

    def draw(z):
        predictions = posterior.predict(z)
        return predictions.realization, posterior.exact_log_likelihood(predictions)

    draws, logs = (np.asarray(each) for each in jax.jit(lambda z: map_batched(draw, z, 16))(latents))
    possible = draws[np.isfinite(logs)]
    assert len(possible) > 16
    for one in possible:
        np.testing.assert_array_equal(one[tuple(cells.T)], codes[tuple(cells.T)])
        np.testing.assert_array_equal(coarse_map(prior, one, 4), coarse_map(prior, codes, 4))
    free = np.stack([_draw(prior, grid, seed) for seed in range(8)])
    assert np.mean(free[(slice(None), *cells.T)] == codes[tuple(cells.T)]) < 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((8, 8)), 8), "blocks of 8×8 cells, but draws those of 4×4, 2×2; give block_edges as one of these"),
        ((np.zeros((8, 8)), (4, 2)), "blocks of 4×2 cells, but draws those of 4×4, 2×2"),
        (
            (np.zeros((2, 8, 8)), 4),
            r"shape \(2, 8, 8\), and the prior 2 axes; give facies codes of a grid with as many",
        ),
        ((np.zeros((0, 8)), 4), r"shape \(0, 8\)"),
        ((np.full((8, 8), 5), 4), "has facies 5, but is read with 0, 1; say which one 5"),
        ((np.full((8, 8), 0.5), 4), "has facies 0.5, but is read with"),
    ],
)
def test_that_a_field_that_cannot_be_translated_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        translation_prior(random_sequential_prior(**TWO), *arguments)


def test_that_a_prior_without_blocks_facies_that_it_lacks_and_wells_of_another_grid_are_refused():
    codes = np.zeros((8, 8))
    for prior in (random_sequential_prior(), random_generator_prior()):
        with pytest.raises(InputError, match=f"family '{prior.family}' and draws no blocks"):
            translation_prior(prior, codes, 4)
    prior = random_sequential_prior(**TWO)
    with pytest.raises(InputError, match="no facies 9; the prior has 0, 1"):
        coarse_map(prior, codes, 4, facies={0: 9})
    with pytest.raises(InputError, match="has facies 0, but is read with 1; say which one 0 stands for, of 0, 1"):
        coarse_map(prior, codes, 4, facies={1: 1})
    with pytest.raises(InputError, match="grid of 4×4 cells, but the field has 8×8; place them on its grid"):
        coarse_map(prior, codes, 4, wells=[_wells(prior, Grid((4, 4)), [[1, 1]], [0])])
