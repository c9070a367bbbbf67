"""Windows of latents: where they lie, that those of one move are accepted as one by one, and what they draw."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm, truncnorm

from latentinv import (
    BlockMeans,
    Grid,
    HardData,
    IndirectData,
    InputError,
    Posterior,
    TemperedSMC,
    WindowedCrankNicolson,
    sample,
)
from latentinv.forward import LinearForward
from latentinv.inference.moves import (
    Population,
    Position,
    WindowLattice,
    accept_windows,
    renewed,
    window_sizes,
)
from latentinv.priors import FaciesModel
from latentinv.priors.core import LatentMap
from latentinv.pytrees import pytree
from tests.bounds import assert_mean_is
from tests.problems import LinearPrior, random_generator_prior, random_sequential_prior, slowly, wells_of_a_draw

REPLICATES = 24


def _wells(prior=None, shape=(48, 44), count=25):
    prior, grid = prior or random_generator_prior(), Grid(shape)
    return Posterior(prior, grid, [wells_of_a_draw(prior, grid, count)])


def _drawing(posterior, sizes):
    """Draws windows on the host, from a seed and the number of their size."""
    program = jax.jit(WindowLattice(posterior, sizes).draw)
    return lambda seed, size=0: jax.tree.map(np.asarray, program(jax.random.key(seed), size))


@pytest.mark.parametrize("prior", [random_generator_prior(), random_sequential_prior()])
def test_that_a_window_changes_its_own_cells_and_data_only(prior):
    posterior, seen = _wells(prior), 0
    field, draw = jax.jit(posterior.field), _drawing(posterior, (1, 3))
    z = np.random.default_rng(0).standard_normal(posterior.latent_size).astype(np.float32)
    for seed, size in itertools.product(range(3), range(2)):
        windows = draw(seed, size)
        other = z + np.random.default_rng(seed).standard_normal(z.shape).astype(np.float32)
        numbers = np.unique(windows.latents[windows.latents >= 0])
        for number in numbers[:4]:
            changed = np.asarray(field(np.where(windows.latents == number, other, z))) != np.asarray(field(z))
            changed = changed.reshape(*posterior.grid.shape, -1).any(axis=-1)
            assert np.all(windows.cells[changed] == number)
            seen += changed.any() and len(numbers) > 1
        own = windows.cells[tuple(posterior.observations[0].cells.T)]
        # The weight of a datum that the prior honours may also depend on windows that reach cells near it.
        near = (own == -1) & (posterior.honoured is not None)
        assert np.all((windows.data[0] == own) | near)
    assert seen > 2


def test_that_every_place_is_as_often_in_a_window_as_any_other():
    posterior, draws = _wells(), 2000
    (one,) = posterior.prior.latent_maps(posterior.grid)
    lattice = WindowLattice(posterior, (2,))
    program = jax.jit(jax.vmap(lambda key: lattice.draw(key, 0).latents))
    numbers = program(jax.random.split(jax.random.key(0), draws))
    share = np.asarray(numbers >= 0).mean(axis=0).reshape(one.shape)[..., 0]
    # windows of two places, three more to the next (a reach of 14 cells, a place each 4): 2/6 along an axis
    expected, error = (2 / 6) ** 2, np.sqrt((2 / 6) ** 2 / draws)
    assert np.all(np.abs(share - expected) < norm.isf(1e-4 / 2 / share.size) * error)


def test_that_a_datum_between_two_windows_keeps_them_apart():
    prior, grid = random_generator_prior(), Grid((60, 70))
    corners = np.array([[5.0, 5.0], [30.0, 40.0]]), np.array([[25.0, 12.0], [42.0, 47.5]])
    blocks = BlockMeans(grid, *corners, [0.4, 0.6], 0.1, prior.facies_model)
    posterior = Posterior(prior, grid, [blocks])
    first, last = (np.asarray(ends).tolist() for ends in blocks.extents())
    assert (first, last) == ([[5, 5], [40, 30]], [[11, 24], [47, 41]])
    draw = _drawing(posterior, (1,))
    for windows in map(draw, range(20)):
        for datum, (low, high) in enumerate(zip(first, last, strict=True)):
            inside = windows.cells[low[0] : high[0] + 1, low[1] : high[1] + 1]
            assert set(np.unique(inside)) <= {-1, windows.data[0][datum]}


def test_that_a_dense_operator_and_a_sparse_one_have_the_same_boxes():
    grid, weights = Grid((5, 6)), np.zeros((3, 5, 6))
    weights[0, 1:3, 2:5] = weights[1, 4, 5] = weights[2, 0, 0] = weights[2, 3, 1] = 1.0
    sparse = LinearForward(weights, Grid((5, 6)))
    dense = LinearForward(np.where(weights == 0, 0.0, weights)[[0]], grid)
    assert type(sparse.operator) is not type(dense.operator)
    for forward, rows in ((sparse, 3), (dense, 1)):
        first, last = jax.jit(lambda forward: forward.extents())(forward)
        np.testing.assert_array_equal(first, [[1, 2], [4, 5], [0, 0]][:rows])
        np.testing.assert_array_equal(last, [[2, 4], [4, 5], [3, 1]][:rows])


def test_that_data_that_see_everything_leave_one_window():
    prior, grid = random_generator_prior(), Grid((60, 70))
    whole = BlockMeans(grid, np.zeros((1, 2)), np.array([[70.0, 60.0]]), [0.4], 0.1, prior.facies_model)
    windows = _drawing(Posterior(prior, grid, [whole]), (1,))(0)
    numbers = np.unique(windows.latents[windows.latents >= 0])
    assert len(numbers) <= 1
    assert len(np.unique(windows.cells[windows.cells >= 0])) <= 1


def test_that_windows_are_decided_as_if_each_had_a_field_of_its_own():
    posterior = _wells(count=40)
    lattice, predict = WindowLattice(posterior, (1, 2)), jax.jit(posterior.predict)
    log_target = jax.jit(lambda p: posterior.tempered_log_likelihood(p, 0.3))
    draw, renew = jax.jit(lattice.draw), jax.jit(renewed)
    decide = jax.jit(lambda key, *three: accept_windows(key, *three, lattice.most, log_target))
    decided = accepted = 0
    for seed in range(3):
        keys = jax.random.split(jax.random.key(seed), 4)
        windows = draw(keys[0], seed % 2)
        z = jax.random.normal(keys[1], (posterior.latent_size,))
        here, there = (Population(z, predict(z)) for z in (z, renew(keys[2], z, windows, jnp.float32(0.8))))
        after, decision = decide(keys[3], here, there, windows)
        draws, now = jnp.log(jax.random.uniform(keys[3], (lattice.most,))), Position(*here)
        for number in range(lattice.most):
            z = jnp.where(windows.latents == number, there.z, now.z)
            if bool(jnp.all(z == now.z)):
                continue
            alone = Position(z, predict(z))
            taken = bool(draws[number] < log_target(alone.predictions) - log_target(now.predictions))
            assert taken == bool(decision.accepted[number])
            now = alone if taken else now
        np.testing.assert_array_equal(after.z, now.z)
        np.testing.assert_array_equal(after.predictions.realization, now.predictions.realization)
        for one, other in zip(jax.tree.leaves(after.predictions), jax.tree.leaves(now.predictions), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)
        decided, accepted = decided + int(decision.decided), accepted + int(decision.accepted.sum())
    assert accepted > 8
    assert decided > 12


def test_that_sizes_go_over_all_scales():
    assert window_sizes(_wells(shape=(60, 70))) == (1, 2, 4, 8, 16, 32)  # 21 places of 4 cells, and two before
    assert window_sizes(Posterior(LinearPrior(np.eye(4)), Grid((2, 2)), [])) == (1,)


@pytree("kernel")
class _MovingAverage(LinearPrior):
    """Each cell is a weighted sum of latents at it and its neighbours, in two dimensions; latents have places."""

    family = "moving_average"

    def __init__(self, kernel, facies_model=None):
        self.kernel, self.facies_model = jnp.asarray(kernel, jnp.float32), facies_model

    def latent_size(self, grid):
        return self.latent_maps(grid)[0].size

    def latent_maps(self, grid):
        n = len(self.kernel) - 1
        return (LatentMap((*(size + n for size in grid.shape), 1), (1, 1), ((n, 0), (n, 0))),)

    def generate(self, z, grid):
        n = len(self.kernel)
        z = z.reshape([size + n - 1 for size in grid.shape])
        rows, columns = grid.shape
        parts = [self.kernel[i] * self.kernel[j] * z[i : i + rows, j : j + columns] for i in range(n) for j in range(n)]
        return sum(parts)


def _averages():
    """A field of 12 × 3 cells of which every second cell is measured: windows change 2 cells along each axis."""
    grid, prior = Grid((12, 3)), _MovingAverage([0.8, 0.6])
    cells = np.arange(0, grid.size, 2)
    forward = LinearForward(np.eye(grid.size)[cells].reshape(-1, *grid.shape), grid)
    observed = np.random.default_rng(3).standard_normal(cells.size)
    posterior = Posterior(prior, grid, [IndirectData(grid, forward, observed, 0.5)])
    size = posterior.latent_size
    matrix = np.asarray(jax.jacobian(lambda z: forward.predict(posterior.field(z)))(jnp.zeros(size)), float)
    covariance = np.linalg.inv(np.eye(size) + matrix.T @ matrix / 0.25)
    return posterior, covariance @ matrix.T @ observed / 0.25, np.diag(covariance)


@pytest.mark.parametrize(("warmup", "draws", "thinning", "effective"), [(60, 40, 3, 5), slowly(300, 150, 10, 40)])
def test_that_a_gaussian_posterior_is_reproduced_by_many_windows_at_once(warmup, draws, thinning, effective):
    posterior, mean, variance = _averages()
    assert WindowLattice(posterior, window_sizes(posterior)).most > 8
    lengths = {"warmup": warmup, "draws": REPLICATES * draws, "thinning": thinning, "draws_per_step": draws}
    run = sample(posterior, WindowedCrankNicolson(chains=REPLICATES, **lengths), seed=1)
    z = run.by_chain(run.latents)
    assert_mean_is(z.mean(axis=1), mean, np.sqrt(variance / effective))
    assert_mean_is(((z - mean) ** 2).mean(axis=1), variance, variance * np.sqrt(2 / effective))
    steps, shares = run.results["window_steps"], run.results["window_frequencies"]
    assert len(steps) == len(shares) == len(run.results["window_sizes"])
    assert sum(shares) == pytest.approx(1)
    assert steps[0] > steps[-1]  # many data allow small steps of everything, large ones of a place


@pytest.mark.parametrize("algorithm", ["chains", slowly("smc")])
def test_that_thresholded_cells_are_truncated_normals_however_many_windows_there_are(algorithm):
    grid, prior = Grid((4, 3)), _MovingAverage([1.0], FaciesModel((0, 1), (0.7,)))
    cells = np.stack(np.unravel_index(np.arange(9), grid.shape), axis=1)
    facies = np.array([1, 0, 0, 1, 0, 1, 1, 0, 0])
    posterior = Posterior(prior, grid, [HardData(grid, grid.centres(cells), facies, prior.facies_model)])
    effective = 20
    if algorithm == "chains":
        lengths = {"warmup": 60, "draws": REPLICATES * 60, "thinning": 2, "draws_per_step": 60}
        settings = WindowedCrankNicolson(chains=REPLICATES, **lengths)
        run = sample(posterior, settings, seed=2)
        z, fields = run.by_chain(run.latents), run.realizations
    else:
        settings = TemperedSMC(
            particles=256, moves=2, leapfrogs=3, local_moves=24, probes=1, batch_size=256, final_rounds=1
        )
        runs = [sample(posterior, settings, seed=seed) for seed in range(6)]
        z, fields = np.stack([run.latents for run in runs]), np.concatenate([run.realizations for run in runs])
    np.testing.assert_array_equal(fields[:, *cells.T], np.tile(facies, (len(fields), 1)))
    exact = [truncnorm(0.7, np.inf) if code else truncnorm(-np.inf, 0.7) for code in facies] + [norm()] * 3
    sd = np.array([cell.std() for cell in exact]) / np.sqrt(effective)
    assert_mean_is(z.mean(axis=1), [cell.mean() for cell in exact], sd)


def test_that_a_target_acceptance_that_is_no_share_is_refused():
    with pytest.raises(InputError, match="acceptance_target is 1"):
        WindowedCrankNicolson(acceptance_target=1.0)
