"""Stationarity of the shipped channel prior: nothing depends on place, latent phase, field size or batch.

Every bound is 5 standard errors of the mean over independent fields. The largest test looks at 64 numbers, so its
false-alarm rate is below 64 · 6e-7 = 4e-5.
"""

import functools

import jax
import numpy as np
import pytest

from latentinv import Grid, load_prior
from latentinv.realism import total_variation

ERRORS = 5.0
RATIO = 16


@pytest.fixture(scope="module")
def fields():
    """512 fields of 64 × 64 cells, four latent places along each axis."""
    return _draw(Grid((64, 64)), 512)


@functools.cache
def _generator(grid):
    prior = load_prior("channels")

    def draw(key):
        z = jax.random.normal(key, (32, prior.latent_size(grid)))
        return prior.facies(jax.vmap(lambda one: prior.generate(one, grid))(z))

    return jax.jit(draw)


def _draw(grid, count):
    keys = jax.random.split(jax.random.key(0), count // 32)
    return np.concatenate([np.asarray(_generator(grid)(key)) for key in keys]).astype(float)


def _standard_errors(values):
    """How far the mean of each column lies from the mean of all, in standard errors; rows are independent fields."""
    gaps = values - values.mean(axis=1, keepdims=True)
    return np.abs(gaps.mean(axis=0)) / (gaps.std(axis=0, ddof=1) / np.sqrt(len(values)))


def _steps(fields, axis):
    """Absolute differences along an axis between cells of one row of latent places, whatever their phase."""
    return np.abs(np.diff(fields, axis=axis, append=np.take(fields, [-1], axis=axis)))


def test_that_share_and_variation_do_not_depend_on_the_place(fields):
    count = len(fields)
    for values in (fields, _steps(fields, 1), _steps(fields, 2)):
        # The last cell along an axis has no neighbour: leave out the cells of its phase everywhere.
        blocks = values.reshape(count, 4, RATIO, 4, RATIO)[:, :, :-1, :, :-1].mean(axis=(2, 4)).reshape(count, 16)
        assert _standard_errors(blocks).max() < ERRORS


@pytest.mark.parametrize("axis", [1, 2])
def test_that_share_depends_on_the_latent_phase_by_less_than_a_twentieth(fields, axis):
    phases = np.moveaxis(fields, axis, 1).reshape(len(fields), 4, RATIO, 64).mean(axis=(1, 3))
    gaps = phases - phases.mean(axis=1, keepdims=True)
    error = gaps.std(axis=0, ddof=1) / np.sqrt(len(fields))
    assert (np.abs(gaps.mean(axis=0)) < 0.05 * fields.mean() + ERRORS * error).all()


@pytest.mark.parametrize("axis", [1, 2])
def test_that_variation_depends_on_the_latent_phase_by_less_than_a_tenth(fields, axis):
    steps = np.moveaxis(_steps(fields, axis), axis, 1)[:, : 3 * RATIO]
    phases = steps.reshape(len(fields), 3, RATIO, 64).mean(axis=(1, 3))
    gaps = phases - phases.mean(axis=1, keepdims=True)
    error = gaps.std(axis=0, ddof=1) / np.sqrt(len(fields))
    assert (np.abs(gaps.mean(axis=0)) < 0.1 * steps.mean() + ERRORS * error).all()


def test_that_share_and_variation_do_not_depend_on_the_size_of_the_field(fields):
    larger = _draw(Grid((112, 128)), 192)
    for measure in (lambda group: group.mean(axis=(1, 2)), lambda group: total_variation(group).values()):
        ours, theirs = measure(fields), measure(larger)
        error = np.sqrt(ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs))
        assert abs(ours.mean() - theirs.mean()) < ERRORS * error


def test_that_a_field_alone_is_the_field_in_its_batch(fields):
    prior, grid = load_prior("channels"), Grid((64, 64))
    key = jax.random.split(jax.random.key(0), 16)[0]
    z = jax.random.normal(key, (32, prior.latent_size(grid)))
    alone = np.asarray(prior.facies(jax.jit(prior.generate, static_argnums=1)(z[7], grid)))
    # A value on the threshold may fall either way between two batches.
    assert np.mean(alone != fields[7]) < 1e-3
