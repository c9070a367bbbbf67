"""The state of Markov chains after each step, and counts of their transitions."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from latentinv.errors import NonFiniteError
from latentinv.inference.core import Draws
from latentinv.inference.moves import Outcome, Position
from latentinv.pytrees import Count

START, WARMUP, DRAWS, STUCK = 0, 1, 2, 3
"""Stages of a run; stuck chains found no start."""


class Tally(NamedTuple):
    """Counts for each chain; on ladders, for each rung of each."""

    transitions: Int[Array, "*chain"]
    acceptance: Float[Array, "*chain"]
    """Sum of acceptance probabilities."""
    non_finite: Int[Array, "*chain"]
    divergences: Int[Array, "*chain"]
    gradients: Int[Array, "*chain"]
    forward_runs: Int[Array, "*chain"]


class ChainsState(NamedTuple):
    """What the next step needs."""

    key: Array
    """Data of the key of all transitions."""
    positions: Position
    """One per chain; on ladders, one per replica."""
    anchors: Float[Array, "chain latent"]
    """Draws of the prior that the chains started from."""
    recent: Draws
    """Draws of the last step, ``[draw, chain, …]``."""
    shared: Any
    """State shared by the chains: their step size, or what their ensemble adapts."""
    last_step: Float[Array, "*chain"]
    """Step size of the last transition, which moves may adapt by themselves."""
    stage: Count
    round: Count
    """Rounds of the search for a start."""
    transitions: Count
    """Transitions done."""
    drawn: Count
    """Draws of each chain."""
    adopted: Count
    """Chains that took the place of another."""
    warm: Tally
    """Counts of start and warm-up, once these are done."""
    counted: Tally
    """Counts since then: in the end, of the transitions that gave draws."""


def empty_tally(*chains: int) -> Tally:
    """Counts of zero, for chains side by side or on ladders."""
    none = jnp.zeros(chains, jnp.int32)
    return Tally(none, jnp.zeros(chains), none, none, none, none)


def add_outcome(tally: Tally, outcome: Outcome) -> Tally:
    """Count one transition of every chain."""
    return Tally(
        tally.transitions + 1,
        tally.acceptance + outcome.acceptance,
        tally.non_finite + ~outcome.finite,
        tally.divergences + outcome.diverging,
        tally.gradients + outcome.gradients.astype(jnp.int32),
        tally.forward_runs + outcome.forward_runs.astype(jnp.int32),
    )


def all_counted(state: ChainsState) -> Tally:
    """Counts of all stages together."""
    return jax.tree.map(jnp.add, state.warm, state.counted)


def check_finite(non_finite: Int[Array, "chain"], transitions: Int[Array, "chain"]) -> None:
    """Raise `NonFiniteError` if most proposals of a chain became NaN or infinite."""
    lost, proposed = np.asarray(non_finite), np.asarray(transitions)
    for chain in np.flatnonzero(lost > 0.5 * proposed):
        raise NonFiniteError(
            f"{lost[chain]} of {proposed[chain]} proposals of chain {chain + 1} became NaN or infinite; check the "
            "data's sd and the prior. What was saved before is intact."
        )
