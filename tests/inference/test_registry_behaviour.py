"""What every algorithm of the registry keeps to, whatever it samples: pieces, batches, memory and failing fields."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import NUTS, BlockMeans, Grid, NonFiniteError, Posterior, sample
from latentinv.inference import ALGORITHMS, make_algorithm
from latentinv.inference.core import kernel_of
from latentinv.inference.run import _driver
from latentinv.inference.run._batch_size import fitted
from latentinv.inference.run._recorder import RunRecorder
from latentinv.pytrees import pytree
from tests.inference.run.test_driver import SMALL
from tests.inference.test_registry_posteriors import PROMISES
from tests.problems import FEW, LinearPrior, slowly_all

PIECES = {"draws_per_step": 5, "iterations_per_step": 7}
"""Settings that say how much work is done between two reports, and other values than those of `SMALL`."""
RECOVERING = ("laplace",)
"""Algorithms whose starts leave a failing field in their first iterations, drawn to the prior's centre."""
MANY = {"starts": 12, "samples": 12, "particles": 12, "warmup": 20, "draws_per_step": 10}
"""Enough starts that some fail, and enough transitions in a step that not most of them fail by chance."""


@pytree("matrix", "edge")
class _Holed(LinearPrior):
    """A prior whose generator fails for some latents, and gives no number."""

    def __init__(self, edge):
        super().__init__(np.eye(4))
        self.edge = np.float32(edge)

    def generate(self, z, grid):
        return jnp.where(z[0] > self.edge, jnp.nan, super().generate(z, grid))


def _posterior(edge=np.inf):
    grid = Grid((2, 2))
    blocks = BlockMeans(grid, np.zeros((1, 2)), np.ones((1, 2)), np.array([0.1]), 0.5, None)
    return Posterior(_Holed(edge), grid, [blocks])


def _fields(name):
    return ALGORITHMS[name].__dataclass_fields__


def _state_bytes(kernel, posterior):
    state = jax.eval_shape(kernel.init, posterior, jax.random.key(0))
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))


@pytest.mark.parametrize("name", slowly_all(quickly=FEW))
def test_that_neither_pieces_nor_checkpoints_change_a_draw_and_that_memory_stays_flat(name, monkeypatch, tmp_path):
    posterior = _posterior()
    algorithm = fitted(make_algorithm(name, SMALL[name]), posterior)
    kernel, pending, sizes = kernel_of(algorithm), [], set()
    add_row, step = RunRecorder.add_row, kernel.step

    def watched_row(recorder, row):
        add_row(recorder, row)
        pending.append((recorder.pending_bytes, len(recorder._rows)))

    def watched_step(posterior, key, state):
        after = step(posterior, key, state)
        sizes.add(sum(leaf.nbytes for leaf in jax.tree.leaves(after[0])))
        return after

    with monkeypatch.context() as patch:
        patch.setattr(RunRecorder, "add_row", watched_row)
        patch.setattr(_driver, "CHECKPOINT_SHARE", np.inf)  # a checkpoint after each step
        patch.setattr(kernel, "step", watched_step)
        stored = sample(posterior, algorithm, seed=5, output=tmp_path / "run.h5")
    # What waits for the file is one step's, and the state never grows, nor with the number of draws.
    assert len(pending) == stored.steps > 1
    assert {rows for _, rows in pending} == {1}
    assert sizes == {_state_bytes(kernel, posterior)}
    if kernel.chains is not None:
        assert max(size for size, _ in pending) * 2 <= sum(size for size, _ in pending)
        assert _state_bytes(make_algorithm(name, SMALL[name] | {"draws": 12_000}).build(), posterior) in sizes
    pieces = {setting: value for setting, value in PIECES.items() if setting in _fields(name)}
    other = sample(posterior, make_algorithm(name, SMALL[name] | pieces), seed=5)
    assert len(other.latents) > 0
    np.testing.assert_array_equal(other.latents, stored.latents)


@pytest.mark.parametrize("name", slowly_all(quickly=FEW))
def test_that_fields_that_are_no_numbers_are_counted_and_never_drawn(name):
    # One in six draws of the prior fails, which no algorithm may hide: it counts them, or leaves them at once.
    many = SMALL[name] | {setting: value for setting, value in MANY.items() if setting in _fields(name)}
    algorithm, posterior = make_algorithm(name, many), _posterior(1.0)
    run = sample(posterior, algorithm, seed=1)
    # The no-U-turn sampler's trees end where the energy is no number, which it counts as a divergence.
    counted = run.trace["non_finite"].sum() + (run.trace["divergences"].sum() if name == NUTS.name else 0)
    assert (counted > 0) != (name in RECOVERING)
    assert np.isfinite(run.latents).all()
    if PROMISES[name].samples_target:
        assert np.isfinite(run.realizations).all()
        assert np.all(run.latents[:, 0] <= 1.0)


@pytest.mark.parametrize("name", slowly_all(quickly=("pcn",)))
def test_that_a_prior_that_gives_no_numbers_at_all_stops_every_algorithm(name):
    with pytest.raises(NonFiniteError, match="became NaN or infinite"):
        sample(_posterior(-np.inf), make_algorithm(name, SMALL[name]), seed=1)


@pytest.mark.assure
@pytest.mark.parametrize("name", [name for name in ALGORITHMS if "batch_size" in _fields(name)])
def test_that_the_batch_size_changes_draws_by_rounding_alone(name):
    # A field of a batch of three may round otherwise than one of a batch of two; a few steps cannot make much of it.
    few = SMALL[name] | {setting: 4 for setting in ("iterations", "max_iterations") if setting in SMALL[name]}
    one, two = (
        sample(_posterior(), make_algorithm(name, few | {"batch_size": batch_size}), seed=5).latents
        for batch_size in (2, 3)
    )
    np.testing.assert_allclose(two, one, atol=1e-3)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_that_a_state_tells_the_latents_it_works_on(name):
    posterior = _posterior()
    kernel = make_algorithm(name, SMALL[name]).build()
    current = jax.eval_shape(kernel.current, jax.eval_shape(kernel.init, posterior, jax.random.key(0)))
    assert current.shape[1:] == (posterior.latent_size,)
    if kernel.chains is not None:  # of a ladder the chains on the target, not all its replicas
        assert len(current) == kernel.chains
