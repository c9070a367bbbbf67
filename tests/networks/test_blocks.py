"""Blocks take the first facies of an order that any of their cells has."""

import numpy as np
import pytest

from latentinv.networks import mean_of_blocks, merged


@pytest.mark.parametrize(("facies", "order"), [(2, (1, 0)), (2, (0, 1)), (3, (2, 0, 1))])
@pytest.mark.parametrize("factors", [(2, 2), (1, 4), (2, 1, 2)])
def test_that_a_block_has_the_first_facies_of_the_order(facies, order, factors):
    rng = np.random.default_rng(0)
    shape = tuple(4 * factor for factor in factors)
    cells = rng.integers(-1, facies, (2, *shape))  # −1: not known
    levels = 2.0 * np.eye(facies)[cells] - 1
    levels = np.where((cells < 0)[..., None], 0.0, levels[..., 1:] if facies == 2 else levels)
    found = np.asarray(merged(levels, order, factors))
    for place in np.ndindex(2, *(4,) * len(factors)):
        block = cells[(place[0], *(slice(n * f, n * f + f) for n, f in zip(place[1:], factors, strict=True)))]
        ranks = [order.index(code) for code in block.ravel() if code >= 0]
        if ranks and (min(ranks) == 0 or np.all(block >= 0)):
            expected = 2.0 * np.eye(facies)[order[min(ranks)]] - 1
            expected = expected[1:] if facies == 2 else expected
        else:
            expected = np.zeros(levels.shape[-1])
        np.testing.assert_array_equal(found[place], expected)


def test_that_the_mean_of_blocks_is_that_of_their_cells():
    x = np.arange(2 * 4 * 6.0).reshape(2, 4, 6, 1)
    found = mean_of_blocks(x, (2, 3))
    np.testing.assert_allclose(
        found[..., 0],
        [[[x[n, 2 * i : 2 * i + 2, 3 * j : 3 * j + 3].mean() for j in range(2)] for i in range(2)] for n in range(2)],
    )
