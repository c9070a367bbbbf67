"""A folder with a tiny prior and data, and the program run as from a shell."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid
from latentinv.cli import main
from tests.problems import random_generator_prior

SHAPE = (24, 30)
PROVENANCE = {"image": "no image", "steps": 0}


class Outcome(NamedTuple):
    """What a call of the program left."""

    code: int
    out: str
    err: str


@pytest.fixture
def latentinv(capsys):
    """Run the program with some arguments."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ending:
            main([str(argument) for argument in arguments])
        return Outcome(ending.value.code or 0, *capsys.readouterr())

    return call


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a new folder with prior.h5, wells.csv and blocks.csv, which a draw of the prior all meets."""
    monkeypatch.chdir(tmp_path)
    prior, grid, rng = random_generator_prior(provenance=PROVENANCE), Grid(SHAPE), np.random.default_rng(3)
    prior.save("prior.h5")
    z = jnp.asarray(rng.standard_normal(prior.latent_size(grid)), jnp.float32)
    facies = np.asarray(prior.facies(prior.generate(z, grid)))
    cells = np.stack(np.unravel_index(rng.choice(grid.size, 6, replace=False), SHAPE), axis=1)
    rows = [f"{x},{y},{facies[tuple(cell)]}" for (x, y), cell in zip(grid.centres(cells), cells, strict=True)]
    (tmp_path / "wells.csv").write_text("\n".join(["x,y,facies", *rows]))
    share = np.sum(facies * grid.box_weights(np.array([2, 2]), np.array([12, 12])))
    (tmp_path / "blocks.csv").write_text(f"x_min,y_min,x_max,y_max,mean,sd\n2,2,12,12,{share:.3f},0.05\n")
    return tmp_path
