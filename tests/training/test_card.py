"""The card of a prior: what each latent map is good for, and what is written."""

import numpy as np
import pytest

from latentinv import Grid
from latentinv.networks import FoldedLayer
from latentinv.priors import GeneratorPrior
from latentinv.training import TrainingImage, assess, card
from latentinv.training._card import _resolution, map_shares
from tests.problems import random_generator_prior

PROVENANCE = {"recipe": "[training]\nsteps = 3\n", "steps": 3, "kept": {"step": 2.0}}


def three_maps(categories=(3, 1, 7)):
    return random_generator_prior(categories=categories, ordered=False, noise=(2, 1), provenance=PROVENANCE)


def test_that_a_map_that_nothing_is_made_of_has_no_share_and_the_others_have():
    prior = three_maps()
    every = map_shares(prior, Grid((24, 24)), 4)
    assert len(every) == 3
    assert min(every) > 0.05
    layers = [FoldedLayer(one.kernel, one.bias, mixing=one.mixing) for one in prior.layers]
    layers[2] = layers[2]._replace(mixing=0 * layers[2].mixing)
    deaf = GeneratorPrior(prior.architecture, layers, prior.calibration, provenance={})
    assert map_shares(deaf, Grid((24, 24)), 4)[2] == 0


def test_that_stretched_maps_are_told_by_each_axis():
    assert [_resolution(spacing) for spacing in ((4, 4), (1, 4), (2, 2, 2))] == ["1/4", "1/1 × 1/4", "1/2"]


def test_that_the_card_names_image_maps_statistics_and_recipe():
    facies = np.array([3, 1, 7])[np.random.default_rng(0).integers(0, 3, (60, 70))]
    image = TrainingImage.from_array(np.where(facies == 3, 2, facies), "islands")
    prior = three_maps((1, 2, 7))
    found = assess(prior, image, (32, 32), 25)
    text = card("mine", prior, image, found)
    assert (found.fields, found.shape) == (25, (32, 32))
    for words in (
        "# mine",
        "| training image | islands, 60 × 70 cells, facies 1: 0.3",
        f"| sha256 of its array | `{image.sha256}` |",
        f"redrawn | 1/4: {100 * found.shares[0]:.2g} %, 1/4:",
        "3 steps; the state of step 2 was kept",
        "25 fields of 32 × 32 cells beside 50 patches",
        f"| contacts | edges | {found.realism['contacts'].told} |",
        "    steps = 3",
    ):
        assert words in text, words
    assert found.nearest == pytest.approx(1.0, abs=0.5)
