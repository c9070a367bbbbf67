"""Measured numbers beside predictions, in words: reports, misfits, rows of tables; on the host in double precision.

The spread of a datum is stated, or inferred from residuals. A prediction that is not a number comes from a simulation
that failed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from latentinv.data.core import Report, decimals
from latentinv.data.noise import AbstractNoise


class Measured(NamedTuple):
    """Numbers measured with noise."""

    name: str
    unit: str
    labels: tuple[str, ...]
    fulfilled: str
    """What reports count, in words: ``data within two sd``."""
    data: Float[np.ndarray, "datum"]
    noise: AbstractNoise

    @property
    def spread(self) -> Float[np.ndarray, "datum"]:
        """Stated spread of each datum."""
        return self.noise.spread(len(self.data))

    def report(self, exact: Float[np.ndarray, "datum"]) -> Report:
        """Report the misfit of predictions beside the stated noise; a datum is fulfilled within two sd."""
        residual = self.data - np.asarray(exact, dtype=float)
        count = len(residual)
        near = int(np.sum(np.abs(residual) <= 2 * self._allowed(residual)))
        failed = int(np.sum(~np.isfinite(residual)))
        if failed:
            text = f"the forward model gave no number for {failed} of {count} data"
            return Report(self.name, text, near, count)
        rmse = float(np.sqrt(np.mean(residual**2)))
        text = f"rmse {self.say(rmse)}, {self.say_spread(residual)}; {near} of {count} {self.fulfilled}"
        return Report(self.name, text, near, count, rmse)

    def misfits(self, exact: Float[np.ndarray, "draw datum"]) -> list[str]:
        """List the data that the mean of the draws misses by over three sd, worst first."""
        drawn, _ = _mean_and_sd(exact)
        misfit = np.abs(drawn - self.data) / self._allowed(self.data - drawn)
        # Written so that a misfit that is not a number is named.
        return [self._misfit(i, drawn[i]) for i in np.argsort(-misfit, kind="stable") if not misfit[i] <= 3]

    def beside(self, exact: Float[np.ndarray, "draw datum"], noun: str) -> list[tuple[str, str]]:
        """Label of each datum, and the datum beside the draws' mean and standard deviation."""
        drawn, sd = _mean_and_sd(exact)
        rows = zip(self.labels, self.data, self.spread, drawn, sd, strict=True)
        unit = f" {self.unit}".rstrip()
        return [
            (label, f"data {datum:.3g} ± {spread:.2g}{unit}, {noun} {mean:.3g} ± {deviation:.2g}{unit}")
            for label, datum, spread, mean, deviation in rows
        ]

    def summary(self, reports: Sequence[Report]) -> str:
        """The draws' root mean square errors beside the stated noise."""
        errors = [report.rmse for report in reports if report.rmse is not None]
        if not errors:
            return ""
        best, worst = self.say(min(errors)), self.say(max(errors))
        return f"rmse {self.say(float(np.median(errors)))} ({best} to {worst}), {self.say_spread()}"

    def say(self, value: float) -> str:
        """Write a number to two digits, with the unit: ``0.0098 m``."""
        return f"{value:.2g} {self.unit}".rstrip()

    def say_spread(self, residual: Float[np.ndarray, "datum"] | None = None) -> str:
        """Put the noise into words, ``stated 0.01 m``, with the standard deviation inferred from residuals if it was a
        guess.

        Unequal sds are said by their root mean square, to compare an rmse with.
        """
        unequal = " on average" if np.ptp(self.spread) > 0 else ""
        inferred = None if residual is None else self.noise.inferred_spread(residual)
        further = "" if inferred is None else f", inferred {self._root_mean_square(inferred)}"
        return f"{self.noise.stated} {self._root_mean_square(self.spread)}{further}{unequal}"

    def _allowed(self, residual: Float[np.ndarray, "datum"]) -> Float[np.ndarray, "datum"]:
        inferred = self.noise.inferred_spread(residual)
        return self.spread if inferred is None else inferred

    def _root_mean_square(self, spread: Float[np.ndarray, "datum"]) -> str:
        return self.say(float(np.sqrt(np.mean(spread**2))))

    def _misfit(self, i: int, drawn: float) -> str:
        digits = decimals(self.spread[i])
        measured = f"data {self.data[i]:.{digits}f} ± {self.spread[i]:.{digits}f} {self.unit}".rstrip()
        return f"{self.name}, {self.labels[i]}: {measured}, draws {drawn:.{digits}f}"


def _mean_and_sd(
    exact: Float[np.ndarray, "draw datum"],
) -> tuple[Float[np.ndarray, "datum"], Float[np.ndarray, "datum"]]:
    """Statistics over the draws whose simulations worked; NaN where none did."""
    table = np.asarray(exact, dtype=float)
    worked = table[np.isfinite(table).all(axis=1)]
    if not len(worked):
        return np.full(table.shape[1], np.nan), np.full(table.shape[1], np.nan)
    return worked.mean(axis=0), worked.std(axis=0)
