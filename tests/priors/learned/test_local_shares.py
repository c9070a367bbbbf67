"""Local proportions of sequential simulations: shares that are asked for, tiles, files, wells, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, HardData, InputError, Posterior, load_prior
from latentinv.networks import initial_sequential
from latentinv.priors.learned._local_shares import MOVES, Answers, answers
from latentinv.pytrees import replace
from tests.problems import random_sequential_prior

GRID = Grid((24, 40))


def _prior(categories=(0, 1), **settings):
    return random_sequential_prior(categories=categories, windows=(1, 1, 1), **settings)


def _independent(categories):
    """A simulation whose networks tell the same odds everywhere, whatever is known."""
    prior = _prior(categories)
    weights = initial_sequential(jax.random.key(0), prior.architecture)
    return replace(prior, weights=weights, temperatures=(1.0,) * len(prior.temperatures))


def _fields(prior, count=200, grid=GRID, seed=0):
    z = jax.random.normal(jax.random.key(seed), (count, prior.latent_size(grid)))
    return np.asarray(jax.lax.map(jax.jit(lambda one: prior.realization(prior.generate(one, grid))), z))


def test_that_cells_that_know_nothing_of_each_other_need_a_weight_of_one():
    prior = _independent((0, 1, 2))
    found = answers(prior.architecture, prior.weights, prior.temperatures)
    # 8 fields of 96 × 96 cells: a standard error of 0.0017.
    np.testing.assert_allclose(found.usual, 1 / 3, atol=0.01)
    np.testing.assert_allclose(found.changes, np.tile(MOVES, (3, 1)), atol=0.05)
    shares = np.array([[0.1, 0.3, 0.6], [1 / 3, 1 / 3, 1 / 3]])
    moves = found.moves(shares)
    np.testing.assert_allclose(moves - moves[:, :1], np.log(shares / shares[:, :1]), atol=0.1)


def test_that_odds_are_moved_by_as_much_as_trials_tell():
    """Two facies whose shares answer half as much to small moves, and twice as much to large ones."""
    up = np.interp(MOVES, [-2.4, -0.3, 0.0, 0.3, 2.4], [-4.8, -0.15, 0.0, 0.15, 4.8])
    found = Answers(np.array([0.7, 0.3]), np.stack([up, up]))
    odds = np.log(0.3 / 0.7) + np.array([-4.8, 0.0, 0.15, 4.8, 9.6])
    share = 1 / (1 + np.exp(-odds))
    moves = found.moves(np.stack([1 - share, share], axis=-1))
    np.testing.assert_allclose(moves[:, 1] - moves[:, 0], [-2.4, 0.0, 0.3, 2.4, 4.8], atol=2e-3)


@pytest.mark.parametrize("categories", [(0, 1), (3, 5, 9)])
def test_that_shares_follow_a_trend(categories):
    shares = np.linspace(0.1, 0.8, GRID.shape[1])
    prior = _independent(categories).given(proportions={categories[-1]: np.tile(shares, (GRID.shape[0], 1))})
    found = np.mean(_fields(prior) == categories[-1], axis=(0, 1))
    # Of 4 800 independent cells in each column; five standard errors, and what τ misses by.
    np.testing.assert_array_less(np.abs(found - shares), 5 * np.sqrt(0.25 / 4800) + 0.02)


def test_that_odds_are_moved_in_the_cells_of_the_map_and_nowhere_else():
    prior = _prior((0, 1), blocks=2)
    given = prior.given(proportions={1: np.where(np.arange(40) < 20, 0.9, 0.1)[None] * np.ones((24, 1))})
    assert np.mean(_fields(given)[..., :12] == 1) > np.mean(_fields(given)[..., 28:] == 1) + 0.3
    same = prior.given(proportions={1: float(answers(prior.architecture, prior.weights, prior.temperatures).usual[1])})
    z = jax.random.normal(jax.random.key(1), (prior.latent_size(GRID),))
    np.testing.assert_allclose(same.generate(z, GRID), prior.generate(z, GRID), atol=1e-3)


def test_that_tiles_equal_the_field_and_a_file_keeps_the_map(tmp_path):
    prior = _prior((0, 1), blocks=2).given(proportions={1: np.linspace(0.1, 0.8, 40)[None] * np.ones((24, 1))})
    z = jax.random.normal(jax.random.key(2), (prior.latent_size(GRID),))
    whole = np.asarray(prior.generate(z, GRID))
    for place, tile in prior.tiles(np.asarray(z), GRID, 8):
        np.testing.assert_allclose(tile, whole[place], atol=1e-4)
    prior.save(tmp_path / "trend.h5")
    again = load_prior(tmp_path / "trend.h5")
    np.testing.assert_array_equal(again.generate(z, GRID), whole)
    assert again.describe()["given"] == "local proportions"


def test_that_wells_are_honoured_under_local_proportions():
    prior = _prior((0, 1), blocks=1).given(proportions={1: 0.7})
    cells = np.array([[3, 4], [12, 30], [20, 11]])
    wells = HardData(GRID, GRID.centres(cells), np.array([0, 1, 0]), prior.facies_model)
    posterior = Posterior(prior, GRID, [wells])
    for seed in range(5):
        z = jax.random.normal(jax.random.key(seed), (posterior.latent_size,))
        predictions = posterior.predict(z)
        assert np.isfinite(posterior.exact_log_likelihood(predictions))
        np.testing.assert_array_equal(np.asarray(predictions.realization)[tuple(cells.T)], [0, 1, 0])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({1: 1.2}, "give shares from 0 to 1"),
        ({7: 0.5}, "7"),
        ({0: 0.7, 1: 0.7}, "sum to 1.4"),
    ],
)
def test_that_what_are_no_shares_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        _independent((0, 1)).given(proportions=given)


def test_that_a_map_of_another_grid_is_refused():
    prior = _independent((0, 1)).given(proportions={1: np.full((24, 39), 0.5)})
    with pytest.raises(InputError, match="local proportions are for"):
        prior.generate(jnp.zeros(prior.latent_size(GRID)), GRID)
