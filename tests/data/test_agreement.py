"""Data that contradict each other are refused by name, before anything is sampled."""

import numpy as np
import pytest

from latentinv import BlockMeans, Grid, HardData, InputError, Posterior
from latentinv.data import check_agreement
from latentinv.priors import FaciesModel
from tests.problems import random_generator_prior

GRID, FACIES = Grid((4, 4)), FaciesModel((0, 1), (0.0,))


def _wells(codes, error=0.0, name="wells"):
    """Wells in the first cells of the lowest rows."""
    places = np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5], [1.5, 1.5]])[: len(codes)]
    return HardData(GRID, places, codes, FACIES, error_probability=error, name=name)


def _block(mean, sd, facies=1, upper=(2.0, 2.0)):
    return BlockMeans(GRID, [[0.0, 0.0]], [list(upper)], [mean], sd, FACIES, facies=facies, name="blocks")


def test_that_a_block_mean_that_its_wells_exclude_is_refused_with_both_names_and_the_distance():
    with pytest.raises(InputError) as error:
        check_agreement([_wells([0, 0, 0]), _block(0.9, 0.05)])
    assert str(error.value) == (
        "Block 1 (x 0–2 m, y 0–2 m) of 'blocks' is 0.9 ± 0.05, but the certain wells of 'wells' in it allow at most "
        "0.25, 13 sd away; correct one of them, raise the sd or give the wells an error probability."
    )


@pytest.mark.parametrize(("codes", "mean", "facies"), [([1, 1], 0.1, 1), ([0, 0], 0.1, 0), ([1, 0, 1, 1], 0.1, 1)])
def test_that_wells_bound_a_share_from_below_too(codes, mean, facies):
    with pytest.raises(InputError, match="allow at least"):
        check_agreement([_wells(codes), _block(mean, 0.02, facies)])


def test_that_wells_of_several_data_count_together():
    one, other = _wells([0]), HardData(GRID, [[1.5, 1.5]], [0], FACIES, name="other")
    check_agreement([one, _block(0.8, 0.05)])
    with pytest.raises(InputError, match=r"'wells', 'other' in it allow at most 0\.5, 8 sd away"):
        check_agreement([one, other, _block(0.9, 0.05)])


def test_that_a_posterior_refuses_them():
    prior, grid = random_generator_prior(), Grid((12, 12))
    model = prior.facies_model
    wells = HardData(grid, [[0.5, 0.5]], [0], model)
    block = BlockMeans(grid, [[0.0, 0.0]], [[1.0, 1.0]], [1.0], 0.1, model)
    with pytest.raises(InputError, match="10 sd away"):
        Posterior(prior, grid, [wells, block])


@pytest.mark.parametrize(
    ("wells", "block"),
    [
        (_wells([0, 0, 0]), _block(0.5, 0.05)),  # five sd: left to the sampler, which names it
        (_wells([0, 0, 0], error=0.1), _block(0.9, 0.05)),
        (_wells([0, 0, 0]), _block(0.9, 0.05, upper=(4.0, 4.0))),
        (_wells([0, 1, 0]), _block(0.25, 0.001)),
    ],
)
def test_that_what_may_be_is_left_to_be_sampled(wells, block):
    check_agreement([wells, block])
