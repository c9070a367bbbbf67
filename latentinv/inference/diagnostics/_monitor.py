"""Convergence of chains while they run, from sums of constant size.

Draws are gathered in batches of equal length, of which a chain has at most `BATCHES`; when these are full, neighbours
are joined and batches get twice as long. From each batch's sums follow split R-hat (Gelman et al. 2013, chapter 11) and
the effective sample size by batch means, N s² / (L · variance of the means of batches of length L) (Flegal and Jones
2010, doi:10.1214/09-AOS735), less where chains lie apart. These are estimates for the progress display; `diagnose`
uses ranks, at the end. What is watched is cheap: facies shares or the mean, and predicted data. Memory: `BATCHES`
sums per chain and quantity.
"""

import numpy as np
from jaxtyping import Float

from latentinv.inference.core import predicted_name, realization_name
from latentinv.posterior import Posterior

from ._functionals import whole_field

BATCHES = 32
"""A power of two, so that joined batches are whole."""
LEAST_BATCHES = 8
"""Fewest batches of a chain for which there are estimates."""


class Monitor:
    """Watches the draws of chains.

    Parameters
    ----------
    posterior
        Whose draws.
    chains
        Number of chains.
    """

    def __init__(self, posterior: Posterior, chains: int) -> None:
        self._posterior, self._chains = posterior, chains
        self._origin: np.ndarray | None = None
        self._sums: list[np.ndarray] = []
        """Sums of each complete batch, ``[sum and sum of squares, chain, quantity]``."""
        self._length, self._pending, self._pending_count = 1, np.zeros(0), 0

    def add(self, tables: dict[str, np.ndarray]) -> None:
        """Add further draws, by the names of their tables."""
        posterior = self._posterior
        columns = whole_field(posterior.prior, tables[realization_name(posterior)])
        for observation in posterior.observations:
            columns |= observation.quantities(tables[predicted_name(observation.name)])
        values = np.stack([np.asarray(column, float) for column in columns.values()], axis=-1)
        for draw in values.reshape(-1, self._chains, len(columns)):
            if self._origin is None:  # sums of squares are taken from here, so that they lose no digits
                self._origin, self._pending = draw.mean(axis=0), np.zeros((2, *draw.shape))
            self._add(draw - self._origin)

    def words(self) -> str:
        """The worst R-hat and effective sample size in words, once they can be estimated."""
        if len(self._sums) < LEAST_BATCHES:
            return ""
        rhat, size = self.estimates()
        known = np.isfinite(size)
        if not known.any():
            return ""
        return f", R-hat {np.max(rhat[known]):.2f}, effective sample size {np.min(size[known]):.0f}"

    def estimates(self) -> tuple[Float[np.ndarray, "quantity"], Float[np.ndarray, "quantity"]]:
        """R-hat and effective sample size of each quantity over complete batches; NaN for constants."""
        sums = np.stack(self._sums[: len(self._sums) // 2 * 2]).reshape(2, -1, *self._sums[0].shape)
        count = sums.shape[1] * self._length
        mean, square = (sums.sum(axis=1) / count).swapaxes(0, 1)  # [half, chain, quantity] each
        within = np.mean((square - mean**2) * count / (count - 1), axis=(0, 1))
        between = np.var(mean.reshape(-1, mean.shape[-1]), axis=0, ddof=1)
        total = within * (count - 1) / count + between
        of_batches = np.mean(np.var(sums[:, :, 0] / self._length, axis=1, ddof=1), axis=(0, 1))
        # The means of half chains are few; they count where they differ by far more than batches explain.
        long_run = np.maximum(self._length * of_batches, 0.5 * count * between)
        draws = 2 * count * self._chains
        with np.errstate(divide="ignore", invalid="ignore"):
            rhat = np.where(total > 0, np.sqrt(total / within), np.nan)
            return rhat, np.where(total > 0, np.minimum(draws * total / long_run, draws), np.nan)

    def _add(self, draw: Float[np.ndarray, "chain quantity"]) -> None:
        self._pending += np.stack([draw, draw**2])
        self._pending_count += 1
        if self._pending_count < self._length:
            return
        self._sums.append(self._pending)
        self._pending, self._pending_count = np.zeros_like(self._pending), 0
        if len(self._sums) == BATCHES:
            self._sums = [one + other for one, other in zip(self._sums[::2], self._sums[1::2], strict=True)]
            self._length *= 2
