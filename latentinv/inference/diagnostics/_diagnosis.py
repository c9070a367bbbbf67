"""How far draws can be trusted, as a record that prints as a table."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

SHOWN = 10
"""Rows of the table."""


class Quantity(NamedTuple):
    """One quantity of interest, over all draws."""

    name: str
    mean: float
    sd: float
    rhat: float
    """NaN where it is undefined: for a constant, one population or too few draws."""
    bulk_size: float
    """Effective sample size of its bulk; NaN likewise."""
    tail_size: float
    """Effective sample size of its tails; NaN likewise."""

    @property
    def constant(self) -> bool:
        """Whether it is the same in all draws, as where certain data fix it."""
        return self.sd == 0


class Ladder(NamedTuple):
    """Temperatures between prior and target."""

    inverse_temperatures: Float[np.ndarray, "rung"]
    acceptance: Float[np.ndarray, "rung"]
    """Mean acceptance of the moves at each."""
    exchanges: Float[np.ndarray, "pair"] | None
    """Share of exchanges accepted between neighbours; None where nothing is exchanged."""


class Diagnosis(NamedTuple):
    """How far the draws can be trusted. Printed, it is a table of the worst quantities, with the warnings."""

    quantities: tuple[Quantity, ...]
    draws: int
    distinct: int
    """Number of different realizations among the draws."""
    chains: int | None
    """Number of chains or runs that were compared; None for one population."""
    seconds: float
    """Wall time, compilation included."""
    gradients: int | None
    """Gradients of the likelihood in all; None if the algorithm does not count them."""
    forward_runs: int | None
    """Fields generated without a gradient, in all; None likewise."""
    acceptance: Float[np.ndarray, "chain"] | None
    """Mean acceptance of each chain's transitions after warm-up."""
    divergences: int | None
    ladder: Ladder | None
    warnings: tuple[str, ...]
    """Warnings, one sentence each."""

    def worst(self, what: str = "rhat") -> Quantity | None:
        """The quantity with the largest `rhat`, or the least `bulk_size` or `tail_size`; None if none is defined."""
        known = [quantity for quantity in self.quantities if not np.isnan(getattr(quantity, what))]
        return (max if what == "rhat" else min)(known, key=lambda q: getattr(q, what), default=None)

    def per_gradient(self) -> float | None:
        """Effective sample size of the worst quantity per gradient; None if either is unknown."""
        return self._per(self.gradients)

    def per_forward_run(self) -> float | None:
        """The same per run of the forward model, with a gradient or without."""
        spent = None if self.gradients is None and self.forward_runs is None else self._runs()
        return self._per(spent)

    def per_second(self) -> float | None:
        """The same per second."""
        return self._per(self.seconds)

    def words(self) -> dict[str, str]:
        """Rows of the table, as names and words."""
        found = {
            "R-hat": self._rhat_words(),
            "effective sample size": self._size_words(),
            "effective draws": self._efficiency_words(),
        }
        found |= {"acceptance": _range(self.acceptance), "ladder": _ladder_words(self.ladder)}
        return {name: text for name, text in found.items() if text}

    def __str__(self) -> str:
        order = sorted(self.quantities, key=lambda q: (q.constant, -_number(q.rhat, 0.0), _number(q.bulk_size, np.inf)))
        width = max([8, *(len(quantity.name) for quantity in order[:SHOWN])])
        lines = [f"{'quantity':{width}}  {'mean':>10} {'sd':>9} {'R-hat':>8} {'bulk':>7} {'tail':>7}"]
        lines += [_row(quantity, width) for quantity in order[:SHOWN]]
        still = sum(quantity.constant for quantity in order[SHOWN:])
        rest = f"… and {len(order) - SHOWN} more" + (f", {still} of them constant" if still else "")
        lines += [rest] if len(order) > SHOWN else []
        lines += [f"{name}: {text}" for name, text in self.words().items()]
        return "\n".join([*lines, *(f"Warning: {sentence}" for sentence in self.warnings)])

    def _per(self, cost: float | None) -> float | None:
        least = self.worst("bulk_size")
        return least.bulk_size / cost if cost and least is not None else None

    def _runs(self) -> int:
        return (self.gradients or 0) + (self.forward_runs or 0)

    def _rhat_words(self) -> str:
        worst = self.worst()
        if self.chains is None:
            return (
                "undefined for one population; compare runs of several seeds: latentinv compare, or diagnose([run, …])"
                if self.draws
                else ""
            )
        if worst is None:
            return ""
        known = [quantity.rhat for quantity in self.quantities if not np.isnan(quantity.rhat)]
        still = sum(quantity.constant for quantity in self.quantities)
        rest = f", {still} constant" if still else ""
        return (
            f"{worst.rhat:.3f} at worst ({worst.name}); median of {len(known)} quantities {np.median(known):.3f}{rest}"
        )

    def _size_words(self) -> str:
        bulk, tail = self.worst("bulk_size"), self.worst("tail_size")
        if bulk is None or tail is None:
            return ""
        return (
            f"{bulk.bulk_size:.0f} of {self.draws} draws at worst ({bulk.name}); {tail.tail_size:.0f} in the tails "
            f"({tail.name})"
        )

    def _efficiency_words(self) -> str:
        rates = {"per gradient": self.per_gradient(), "per forward run": self.per_forward_run()}
        rates |= {"per second": self.per_second()}
        said = [f"{rate:.2g} {name}" for name, rate in rates.items() if rate is not None]
        return ", ".join(said)


def _row(quantity: Quantity, width: int) -> str:
    start = f"{quantity.name:{width}}  {quantity.mean:>10.4g}"
    if quantity.constant:
        return f"{start}  constant"
    return (
        f"{start} {quantity.sd:>9.3g} {_said(quantity.rhat, '.3f'):>8} {_said(quantity.bulk_size, '.0f'):>7} "
        f"{_said(quantity.tail_size, '.0f'):>7}"
    )


def _said(value: float, form: str) -> str:
    return "–" if np.isnan(value) else format(value, form)


def _number(value: float, instead: float) -> float:
    return instead if np.isnan(value) else value


def _range(values: np.ndarray | None) -> str:
    return "" if values is None or not len(values) else f"{np.min(values):.2f} to {np.max(values):.2f} by chain"


def _ladder_words(ladder: Ladder | None) -> str:
    if ladder is None:
        return ""
    t, acceptance = ladder.inverse_temperatures, ladder.acceptance
    words = f"{len(t)} rungs to inverse temperature {np.max(t):.3g}, acceptance {np.min(acceptance):.2f} to "
    words += f"{np.max(acceptance):.2f}"
    if ladder.exchanges is None:
        return words
    return f"{words}, exchanges {np.nanmin(ladder.exchanges):.2f} to {np.nanmax(ladder.exchanges):.2f}"
