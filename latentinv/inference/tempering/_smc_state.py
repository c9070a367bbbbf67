"""The state of tempered sequential Monte Carlo after each level."""

from typing import Literal, NamedTuple

from latentinv.inference.moves import Population
from latentinv.posterior import Posterior
from latentinv.pytrees import Count, Flag, Scalar

Stage = Literal["soft", "bridge", "exact"]
"""The distribution that a level's moves leave invariant."""
TEMPERING, FINAL, STUCK = 0, 1, 2


class SMCState(NamedTuple):
    """What the next level needs."""

    population: Population
    inverse_temperature: Scalar
    log_evidence: Scalar
    step_size: Scalar
    stage: Count
    level: Count
    final_rounds: Count
    """Levels done on the final target."""
    jump_size: Scalar
    """Effective sample size at the jump to the exact likelihood, or at the last part of it."""
    least_size: Scalar
    """Least effective sample size of all levels."""
    bridge: Scalar
    """Completed part b of the jump."""
    in_parts: Flag
    """Whether the jump was made in parts."""


def on_host(posterior: Posterior) -> bool:
    """Whether proposals are evaluated between programs, since some data have no gradients."""
    return not posterior.has_gradient


def bridging(posterior: Posterior, state: SMCState) -> bool:
    """Whether a part of the jump to the exact likelihood is made."""
    return posterior.target == "thresholded" and 0 < float(state.bridge) < 1
