"""What a noise model is: the distribution of residuals between data and predictions.

A residual r is what was observed less what was predicted, in the unit of the data. *Whitened* noise is independent and
has the same distribution for every datum: standard normal, or Student's t of scale one. Input is checked in float64 on
the host; programs run in the residual's own precision.
"""

import abc
from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.registration import Registry


class AbstractNoise(abc.ABC):
    """The distribution of the residuals of one set of data; a frozen pytree whose numbers are leaves."""

    kind: str
    """The registered kind, written into run files."""
    gaussian: bool
    """Whether whitened residuals are standard normal."""
    spread_name: str = "sd"
    """What `spread` is, in the plural: ``two sd``, ``two scales``."""
    stated: str = "stated"
    """How reports introduce the spread: ``stated 0.01 m``, ``guessed 0.01 m``."""

    @abc.abstractmethod
    def spread(self, count: int) -> Float[np.ndarray, "datum"]:
        """Spread of each datum by itself, in its unit: the standard deviation, or the scale where that may not exist.

        Raises
        ------
        InputError
            If the noise was stated for another number of data.
        """

    @abc.abstractmethod
    def log_likelihood(self, residual: Float[Array, "datum"]) -> Float[Array, ""]:
        """Log-density of residuals, normalised."""

    @abc.abstractmethod
    def whiten(self, residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """Residuals whose noise is independent and of scale one; linear in them."""

    @abc.abstractmethod
    def simulate(self, key_noise: Array, count: int) -> Float[Array, "datum"]:
        """Draw the noise of `count` data."""

    @abc.abstractmethod
    def to_arrays(self) -> dict[str, np.ndarray]:
        """The stated numbers as named arrays, which are the arguments of the constructor."""

    def inferred_spread(self, residual: Float[np.ndarray, "datum"]) -> Float[np.ndarray, "datum"] | None:
        """Spread of each datum inferred from the residuals; None where it was stated."""
        del residual
        return None


NOISES = Registry[type[AbstractNoise]]("noise model", rooms=("latentinv.data.noise",))
"""The kinds of noise: run files name a kind, and its arrays are the arguments that make it again."""


def per_datum(values: float | Sequence[float] | np.ndarray, count: int, what: str) -> np.ndarray:
    """Repeat one number for all data, or check that there is one for each.

    Raises
    ------
    InputError
        If the numbers are neither one nor one for each datum.
    """
    array = np.asarray(values, dtype=float)
    if array.shape not in ((), (1,), (count,)):
        raise InputError(f"Given {array.size} values of {what} for {count} data; expected one, or one for each.")
    return np.broadcast_to(array, (count,)).copy()


def positive(values: float | Sequence[float] | np.ndarray, what: str) -> np.ndarray:
    """Numbers above 0, one or one for each datum.

    Raises
    ------
    InputError
        If one is not positive and finite, or they are no row.
    """
    array = np.array(values, dtype=float)
    if array.ndim > 1 or not array.size:
        raise InputError(f"The {what} of the noise has shape {array.shape}; give one number, or one for each datum.")
    bad = array[~(np.isfinite(array) & (array > 0))]
    if bad.size:
        raise InputError(f"The noise has a {what} of {bad[0]:g}; give a finite number above 0.")
    return array


def one_positive(number: float | np.ndarray, what: str) -> float:
    """A number above 0 that all data share.

    Raises
    ------
    InputError
        If it is not one, or not positive and finite.
    """
    array = positive(number, what)
    if array.size != 1:
        raise InputError(f"The noise has {array.size} {what.replace('number', 'numbers')}; give one for all data.")
    return float(array.item())
