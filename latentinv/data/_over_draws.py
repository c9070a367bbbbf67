"""How the draws of a run agree with one observation, in one sentence."""

import statistics
from collections.abc import Sequence

from latentinv.data.core import AbstractObservation, Report


def over_draws(observation: AbstractObservation, reports: Sequence[Report], noun: str = "draws") -> str:
    """One sentence on an observation over all draws: ``49 of 49 observed cells honoured in 64 of 64 draws``."""
    if not reports:
        return f"no {noun} to compare with {observation.count} data"
    whole = sum(report.fulfilled == report.total for report in reports)
    words = f"{observation.count} of {observation.count} {observation.fulfilled} in {whole} of {len(reports)} {noun}"
    if whole < len(reports):
        fulfilled = [report.fulfilled for report in reports]
        words += f"; on average {statistics.mean(fulfilled):.1f}, at worst {min(fulfilled)}"
    return "; ".join(part for part in (words, observation.summary(reports)) if part)
