"""The state of tempered sequential Monte Carlo after each level."""

from typing import Literal, NamedTuple

from jaxtyping import Array, Bool, Float, Int

from latentinv.inference.moves import Population

Stage = Literal["soft", "bridge", "exact"]
"""The distribution that a level's moves leave invariant."""
TEMPERING, FINAL, STUCK = 0, 1, 2


class SMCState(NamedTuple):
    """What the next level needs."""

    population: Population
    inverse_temperature: Float[Array, ""]
    log_evidence: Float[Array, ""]
    step_size: Float[Array, ""]
    stage: Int[Array, ""]
    level: Int[Array, ""]
    final_rounds: Int[Array, ""]
    """Levels done on the final target."""
    jump_size: Float[Array, ""]
    """Effective sample size at the jump to the exact likelihood, or at the last part of it."""
    least_size: Float[Array, ""]
    """Least effective sample size of all levels."""
    bridge: Float[Array, ""]
    """Completed part b of the jump."""
    in_parts: Bool[Array, ""]
    """Whether the jump was made in parts."""


class SMCInfo(NamedTuple):
    """Numbers to report of a level."""

    stage: Int[Array, ""]
    inverse_temperature: Float[Array, ""]
    bridge: Float[Array, ""]
    """Completed part of the jump to the exact likelihood."""
    effective_sample_size: Float[Array, ""]
    acceptance: Float[Array, ""]
    step_size: Float[Array, ""]
    honoured: Float[Array, ""]
    """Share of hard data honoured; nan without hard data."""
    exact_particles: Float[Array, ""]
    """Share of particles that the exact likelihood does not exclude."""
    non_finite: Float[Array, ""]
    gradients: Float[Array, ""]
    """Gradients per particle spent in the level; curvature probes count as one each."""
    forward_runs: Float[Array, ""]
    """Fields generated without a gradient, for local moves."""
