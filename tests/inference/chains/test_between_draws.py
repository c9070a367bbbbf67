"""Walks between two draws of a posterior: the ends stay, the norm is that of draws, and what is between fits."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import BlockMeans, Covariance, Grid, InputError, Laplace, Posterior, SpectralPrior, load_run, sample
from latentinv.cli import main
from latentinv.inference import walk_between
from latentinv.priors import interpolate

GRID = Grid((12, 14))
LOWER = np.array([[1.0, 1.0], [8.0, 2.0], [4.0, 8.0]])
DATA = BlockMeans(GRID, LOWER, LOWER + 3, np.array([2.0, -1.5, 1.8]), np.full(3, 0.05), None)
POSTERIOR = Posterior(SpectralPrior(Covariance("gaussian", 5.0), waves=32), GRID, [DATA])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A run file of exact draws, since the posterior is Gaussian."""
    path = tmp_path_factory.mktemp("walk") / "run.h5"
    sample(POSTERIOR, Laplace(starts=1), seed=0, output=path)
    return path


@pytest.fixture(scope="module")
def run(file):
    return load_run(file)


def test_that_fields_between_two_draws_fit_the_data_where_the_great_circle_does_not(run):
    first, last = jnp.asarray(run.latents[0]), jnp.asarray(run.latents[-1])
    straight = [float(POSTERIOR.log_likelihood(z)) for z in interpolate(first, last, 7)]
    found = walk_between(POSTERIOR, first, last, 7)
    fitted = [float(POSTERIOR.log_likelihood(jnp.asarray(z))) for z in found.latents]
    least = min(straight[0], straight[-1]) - 3.0
    assert min(straight) < least <= min(fitted) + 1e-3
    assert found.fits.all()
    assert found.moved == sum(np.array(straight) < least)
    np.testing.assert_allclose(found.latents[[0, -1]], run.latents[[0, -1]], atol=1e-6)
    norms = np.linalg.norm(found.latents, axis=1)
    assert norms.min() > 0.8 * norms[[0, -1]].min()


def test_that_neighbours_on_the_way_are_alike(run):
    found = walk_between(POSTERIOR, jnp.asarray(run.latents[0]), jnp.asarray(run.latents[1]), 9)
    steps = np.linalg.norm(np.diff(found.latents, axis=0), axis=1)
    assert steps.max() < 0.5 * np.linalg.norm(found.latents[0] - found.latents[-1])


def test_that_a_walk_without_a_way_is_refused(run):
    first = jnp.asarray(run.latents[0])
    with pytest.raises(InputError, match="opposite to the other"):
        walk_between(POSTERIOR, first, -first, 3)


def test_that_the_command_walks_through_a_run(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = str(file)
    for arguments, code, words in (
        (("walk", file, "--output", "walk.png", "--steps", "4"), 0, "4 of them fit the data"),
        (("walk", file, "--output", "film.gif", "--grid", "9x9"), 1, "A run has a grid of its own"),
        (("walk", file, "--output", "film.gif", "--between", "1,900000"), 1, "names no two of the run's"),
    ):
        with pytest.raises(SystemExit) as ending:
            main(list(arguments))
        assert (ending.value.code or 0) == code
        said = capsys.readouterr()
        assert words in " ".join((said.out + said.err).split())
    assert (tmp_path / "walk.png").is_file()
