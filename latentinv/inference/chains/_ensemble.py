"""How all chains of an algorithm move together, and what they share.

Most algorithms state the move of one chain, and their chains share a step size alone (`_side_by_side`). An ensemble may
share more, such as places where chains have been, or give each chain replicas, such as those on a ladder of
temperatures; then tables have one more axis, and `ChainEnsemble.target` says where in them the chains themselves are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.inference.core import Info
from latentinv.inference.moves import Outcome, Position

from ._state import ChainsState, Tally

HARDLY = 0.01
"""Acceptance below which chains count as not moving."""
DIVERGING = 0.01
"""Share of diverging transitions above which there is a warning."""


def _words(info: Info) -> str:
    return f"acceptance {float(jnp.mean(info['acceptance'])):.2f}"


def _results(state: ChainsState) -> dict[str, Any]:
    return {"step_size": float(np.mean(state.last_step))}


def chain_warnings(state: ChainsState, moving: Float[np.ndarray, "chain"]) -> list[str]:
    """Warnings on the draws of chains, from the last state and how often each chain moves."""
    adopted, warnings, chains = int(state.adopted), [], len(moving)
    still = int(np.sum(moving < HARDLY))
    if still:
        warnings.append(
            f"{still} of {chains} chains hardly moved (acceptance below {100 * HARDLY:g} %), so the draws say little "
            "about the posterior; lengthen the warm-up, or use 'smc'."
        )
    if adopted:
        warnings.append(
            f"{adopted} of {chains} chains found no field that meets all data and started from another chain's, so "
            "their agreement proves less; raise the chains or the warm-up."
        )
    share = float(np.sum(state.counted.divergences) / max(1, np.sum(state.counted.transitions)))
    if share > DIVERGING:
        warnings.append(
            f"{100 * share:.0f} % of the transitions diverged, so parts of the posterior may be missing; take smaller "
            "steps (a higher acceptance_target where there is one) or a move without gradients, such as 'pcn'."
        )
    return warnings


class ChainEnsemble(NamedTuple):
    """How all chains move together, and what they share; pure functions of one likelihood."""

    first: Callable[[Array], tuple[Array, Any]]
    """From a key to the latents to start from, and what is shared, a tree of arrays."""
    begin: Callable[[Array], Position]
    """From latents to positions, at the start."""
    move: Callable[[Array, Position, Any, Array], tuple[Position, Outcome, Any]]
    """A transition, from a key, the positions, what is shared and its number, from 0; it may learn if that is below the
    settings' `warmup`."""
    first_step: float = 1.0
    """Step size that is reported at the start."""
    target: Any = ...
    """Index of the chains in tables of replicas."""
    info: Callable[[Info, Tally, Any, Any], Info] = lambda info, spent, before, after: info
    """The info of a step, from that of any ensemble, what was counted in it and what was shared before and after."""
    words: Callable[[Info], str] = _words
    """The same in words, once chains move."""
    results: Callable[[ChainsState], dict[str, Any]] = _results
    """Results of the last state, as single numbers."""
    warnings: Callable[[ChainsState, np.ndarray], list[str]] = chain_warnings
    """Warnings, from the last state and the chains' acceptance."""
    on_host: bool = False
    """Whether it moves on the host, between programs of its own, since a simulator outside JAX evaluates proposals."""
    candidates: int = 0
    """Fields generated to choose each chain's start."""
