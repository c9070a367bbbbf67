"""Memory and time, estimated before a run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, HardData, InputError, ParallelTempering, Posterior, TemperedSMC
from latentinv.inference.run import check_memory, memory_needed, seconds_needed
from latentinv.inference.run._beforehand import MemoryNeed, _most_alive
from tests.problems import generator_posterior


def large(cells=192):
    """Wells on a grid whose fields need far more than the latents."""
    base = generator_posterior(wells=3)
    grid = Grid((cells, cells))
    wells = HardData(grid, np.array([[5.5, 5.5]]), np.array([0]), base.prior.facies_model)
    return Posterior(base.prior, grid, [wells])


def test_that_the_most_alive_at_once_is_counted():
    def chain(x):  # each step needs its argument and its result, of 400 bytes each
        for _ in range(5):
            x = jnp.sin(x)
        return x

    def kept(x):  # all five results live until the end
        parts = [jnp.sin(n * x) for n in range(1, 6)]
        return sum(parts)

    x = jnp.zeros(100)
    assert _most_alive(jax.make_jaxpr(chain)(x).jaxpr) == 2 * 400
    assert _most_alive(jax.make_jaxpr(lambda x: jnp.stack([jnp.sin(n * x) for n in range(5)]))(x).jaxpr) >= 5 * 400
    assert _most_alive(jax.make_jaxpr(kept)(x).jaxpr) >= 2 * 400


def test_that_a_field_is_counted_about_as_xla_counts_it():
    posterior = large()

    def slope(posterior, z):
        return jax.grad(lambda z: posterior.tempered_log_likelihood(posterior.predict_soft(z), 1.0))(z)

    z = jnp.zeros((4, posterior.latent_size))
    program = jax.jit(jax.vmap(slope, (None, 0))).lower(posterior, z).compile()
    counted = program.memory_analysis().temp_size_in_bytes / 4
    assert counted / 2 < memory_needed(posterior, TemperedSMC()).per_field < 4 * counted


def test_that_memory_grows_with_cells_and_with_what_is_worked_on_together():
    small, big = (memory_needed(large(cells), TemperedSMC(batch_size=8)) for cells in (64, 128))
    assert big.per_field == pytest.approx(4 * small.per_field, rel=0.3)
    assert memory_needed(large(64), TemperedSMC(batch_size=16)).together == 16
    assert memory_needed(large(64), ParallelTempering(chains=3, rungs=5)).together == 15


def test_that_draws_of_the_prior_for_the_first_level_are_counted():
    few, many = (memory_needed(large(64), TemperedSMC(particles=16, first_draws=n)).kept for n in (16, 1016))
    of_one = 4 * large(64).latent_size + 64**2  # latents, and a facies of one byte in each cell
    assert 2 * 1000 * of_one <= many - few < 2.2 * 1000 * of_one


@pytest.mark.parametrize(
    ("need", "words"),
    [
        (MemoryNeed(10**9, 10**9, 8), r"about 9\.0 GB of memory, and 4\.0 GB are free; working on 3 fields at a time"),
        (MemoryNeed(10**9, 7 * 10**9, 8), r"even one field at a time does not fit; a grid of 50 % of the cells would"),
    ],
)
def test_that_what_does_not_fit_is_refused_with_what_would(need, words):
    with pytest.raises(InputError, match=words):
        check_memory(need, 4 * 10**9)
    check_memory(need, None)
    check_memory(need, 10**12)


def test_that_a_short_run_is_timed_by_running_it():
    seconds = seconds_needed(generator_posterior(wells=3), TemperedSMC(particles=8, batch_size=8, moves=1, leapfrogs=2))
    assert seconds is not None
    assert seconds > 0
