"""A study of calibration from a study's file (`latentinv.study`), its observed values replaced by simulated ones."""

from pathlib import Path

import jax
import numpy as np

from latentinv.data.core import AbstractObservation
from latentinv.grid import Grid
from latentinv.inference.run import choose_algorithm
from latentinv.io import read_recipe_file
from latentinv.keys import from_seed, named
from latentinv.posterior import Posterior
from latentinv.priors.core import AbstractPrior
from latentinv.study import parse_study_file

from ._study import Study


def read_study(path: str | Path) -> Study:
    """Read a study's file; raises as `read_recipe_file` does."""
    return read_recipe_file(path, "study", parse_study)


def parse_study(text: str, folder: Path) -> Study:
    """Make a study from its text; files are looked for in `folder`."""
    file = parse_study_file(text, folder)
    data = _simulated(file.observations, file.prior, file.grid)
    posterior = Posterior(file.prior, file.grid, data, target=file.settings.get("target"))
    numbers = {name: value for name, value in file.settings.items() if name in ("replicates", "draws", "seed")}
    return Study(posterior, file.algorithm or choose_algorithm(posterior).algorithm, **numbers)


def _simulated(observations: list[AbstractObservation], prior: AbstractPrior, grid: Grid) -> list[AbstractObservation]:
    """The same observations with data simulated from a draw of the prior, so that they agree with each other."""
    key_field, key_data = named(from_seed(0, "data of a study"), "field", "data")
    field = prior.generate(jax.random.normal(key_field, (prior.latent_size(grid),)), grid)
    keys = jax.random.split(key_data, max(1, len(observations)))
    pairs = zip(observations, keys, strict=False)
    return [one.with_data(np.asarray(one.simulate(key, field, exact=True))) for one, key in pairs]
