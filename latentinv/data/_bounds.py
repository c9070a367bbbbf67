"""Bounds on a datum where some facies are known for certain.

For a linear forward model and a property that is constant within facies, the prediction is a sum of contributions of
the cells. Known cells contribute what their facies does, each of the others something between the least and the most
that any facies can. Cost: O(weights × facies).
"""

import functools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy import sparse

from latentinv.data.core import CertainFacies, sentence
from latentinv.errors import InputError
from latentinv.grid import Grid

from ._measured import Measured

MOST_SD = 6.0
"""Standard deviations beyond what certain facies allow; a Gaussian error exceeds them with a probability of 1e-9."""


def check_possible(
    measured: Measured,
    weights: sparse.csr_array,
    of_facies: Float[np.ndarray, "facies *number"],
    categories: Sequence[int],
    known: CertainFacies,
    grid: Grid,
) -> None:
    """Check that each datum is possible where facies are known.

    Parameters
    ----------
    measured
        The data.
    weights, of_facies, categories, known, grid
        As `bounds` takes them.

    Raises
    ------
    InputError
        If one is more than `MOST_SD` standard deviations away from all that is possible.
    """
    data, spread = measured.data, measured.spread
    least, most = bounds(weights, of_facies, categories, known, grid)
    beyond = np.maximum(least - data, data - most) / spread
    for i in np.flatnonzero(beyond > MOST_SD)[:1]:
        bound = f"at least {least[i]:.3g}" if data[i] < least[i] else f"at most {most[i]:.3g}"
        seen = abs(weights[[i]].toarray()).reshape(*grid.shape, -1).any(axis=-1)[tuple(known.cells.T)]
        names = dict.fromkeys(f"'{name}'" for name, here in zip(known.names, seen, strict=True) if here)
        raise InputError(
            f"{sentence(measured.labels[i])} of '{measured.name}' is {data[i]:.3g} ± {measured.say(spread[i])}, but "
            f"the certain wells of {', '.join(names)} in it allow {bound}, {beyond[i]:.0f} sd away; correct one of "
            "them, raise the sd or give the wells an error probability."
        )


def bounds(
    weights: sparse.csr_array,
    of_facies: Float[np.ndarray, "facies *number"],
    categories: Sequence[int],
    known: CertainFacies,
    grid: Grid,
) -> tuple[Float[np.ndarray, "datum"], Float[np.ndarray, "datum"]]:
    """The least and the greatest possible value of each datum.

    Parameters
    ----------
    weights
        ``[datum, cell · number]`` of a linear forward model, the numbers of a cell one after the other.
    of_facies
        The property of each facies, one number or several.
    categories
        The codes of the facies.
    known
        Facies that are known.
    grid
        The cells.
    """
    numbers = weights.shape[1] // grid.size
    per_facies = np.asarray(of_facies, float).reshape(len(categories), -1)[:, :numbers]
    identity = sparse.eye_array(grid.size)
    added = [sparse.csr_array(weights @ sparse.kron(identity, one[:, None])) for one in per_facies]
    cells = np.ravel_multi_index(tuple(known.cells.T), grid.shape)
    free = np.ones(grid.size)
    free[cells] = 0
    fixed = np.zeros(weights.shape[0])
    for code, of_code in zip(categories, added, strict=True):
        here = np.zeros(grid.size)
        here[cells[known.codes == code]] = 1
        fixed += of_code @ here
    least, most = (functools.reduce(choose, added) for choose in (_least, _most))
    return fixed + least @ free, fixed + most @ free


def _least(one: sparse.csr_array, other: sparse.csr_array) -> sparse.csr_array:
    return one.minimum(other)


def _most(one: sparse.csr_array, other: sparse.csr_array) -> sparse.csr_array:
    return one.maximum(other)
