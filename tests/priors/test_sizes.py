"""Priors whose files state sizes that no memory holds are refused in a sentence, before anything is allocated."""

import copy

import numpy as np
import pytest

from latentinv import Grid, InputError, load_prior
from latentinv.errors import StorageError
from latentinv.priors import Covariance, SPDEPrior, SpectralPrior
from latentinv.storage import write_prior
from tests.problems import (
    random_cycle_prior,
    random_flow_prior,
    random_generator_prior,
    random_sequential_prior,
    random_singan_prior,
)


@pytest.mark.parametrize(
    ("make", "place", "value", "words"),
    [
        (random_generator_prior, ("architecture", "latent_channels"), 10_000, "latent channels is 10000; no prior"),
        (
            random_generator_prior,
            ("architecture", "latent_channels"),
            999,
            "states 999 latent channels, but its weights",
        ),
        (random_generator_prior, ("architecture", "layers", 0, "width"), 10_000, "width is 10000"),
        (random_generator_prior, ("architecture", "layers", 0, "dilation"), 1e9, "dilation is 1e.09"),
        (random_generator_prior, ("architecture", "layers", 0, "window"), -3, "window is -3"),
        (random_flow_prior, ("architecture", "widths"), [10_000, 8], "widths is 10000"),
        (random_flow_prior, ("steps",), 100_000, "steps is 100000"),
        (random_sequential_prior, ("architecture", "widths"), [8] * 99, "widths are 99"),
        (random_singan_prior, ("architecture", "layers"), 10_000, "layers is 10000"),
        (random_cycle_prior, ("architecture", "dilations"), [10_000], "dilations is 10000"),
        (random_cycle_prior, ("architecture", "widths"), [4, 8], "weights do not suit the sizes"),
        (random_singan_prior, ("architecture", "widths"), [8] * 99, "widths are 99"),
    ],
)
def test_that_an_architecture_beyond_all_of_ours_is_refused(tmp_path, make, place, value, words):
    record = make().record()
    metadata = copy.deepcopy(record.metadata)
    part = metadata
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    write_prior(tmp_path / "a.h5", record._replace(metadata=metadata))
    with pytest.raises(StorageError, match=words):
        load_prior(tmp_path / "a.h5")


def test_that_too_many_doublings_are_refused(tmp_path):
    record = random_generator_prior().record()
    metadata = copy.deepcopy(record.metadata)
    layers = metadata["architecture"]["layers"]
    metadata["architecture"]["layers"] = [dict(layers[0], kind="up")] * 40
    write_prior(tmp_path / "a.h5", record._replace(metadata=metadata))
    with pytest.raises(StorageError, match="layers are 40, 40 of which double the resolution"):
        load_prior(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("prior", "grid"),
    [
        (SPDEPrior(1.0, 1e4), Grid((8, 8))),
        (SPDEPrior(1.0, (1e4, 5.0)), Grid((8, 8))),
        (SPDEPrior(1.0, 1e30), Grid((8, 8))),
        (SPDEPrior(1.0, 400.0, ndim=3), Grid((4, 8, 8))),
    ],
)
def test_that_a_range_of_very_many_cells_is_refused(prior, grid):
    for refused in (lambda: prior.latent_size(grid), lambda: prior.on(grid), lambda: prior.latent_maps(grid)):
        with pytest.raises(InputError, match=r"longest range is .* cells of this grid"):
            refused()
    assert SPDEPrior(1.0, 100.0).latent_size(Grid((8, 8))) == 308**2


def test_that_a_spectral_prior_of_very_many_waves_is_refused():
    with pytest.raises(InputError, match="expected at most 131072"):
        SpectralPrior(Covariance("gaussian", (5.0, 5.0)), waves=2**30)
    assert np.isfinite(SpectralPrior(Covariance("gaussian", (5.0, 5.0)), waves=2**12).latent_size(Grid((8, 8))))
