"""What an algorithm is, so that one driver runs them all.

An algorithm is a frozen dataclass of its settings. `build` binds it to a posterior and gives a `Kernel`: pure functions
of a key and a state. The state holds all that the next step needs, as a tree of arrays; a driver that stores it can go
on in another process. Step n gets the key ``fold_in(key, n)``, so neither checkpoints nor progress bars change a draw.
Steps are coarse (a tempering level, ten optimiser iterations): they cost from tenths of a second to seconds, so calling
them one by one from the host is free, and the compiled program is the same however a run is cut into pieces.

Populations (particles, optima) give their draws when they are finished. Markov chains complete draws at every step; the
driver takes these as they come, so that memory stays flat however long a run is.
"""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from latentinv.posterior import Posterior


class Progress(NamedTuple):
    """What a person wants to know after a step."""

    done: float
    """Share of the work done, 0 to 1, as well as it can be guessed."""
    words: str
    """One line: level, acceptance, share of wells honoured."""


class Kernel(NamedTuple):
    """An algorithm bound to a posterior."""

    init: Callable[[jax.Array], Any]
    """From a key to the first state."""
    step: Callable[[jax.Array, Any], tuple[Any, Any]]
    """From a key and a state to the next state and its info, a record of scalars and small arrays."""
    finished: Callable[[Any], bool]
    """Whether a state is the last."""
    progress: Callable[[Any, Any], Progress]
    """Words for people from a state and its info."""
    draws: Callable[[Any], jax.Array]
    """The draws ``[draw, latent]`` that a state completes: of a population those of the last state; of chains, asked
    after each step, those of the step that led to it, ``[draw * chain, latent]``, the chains' draws of one moment side
    by side."""
    current: Callable[[Any], jax.Array]
    """The latents ``[row, latent]`` that a state works on, finished or not: particles, or chains on the target."""
    samples_target: bool
    """Whether the draws follow the posterior's target; optima of the soft model do not."""
    results: Callable[[Any], dict[str, Any]]
    """Single numbers to keep: log-evidence, gradients spent …"""
    chains: int | None = None
    """Number of Markov chains; None for a population."""


class AbstractAlgorithm(abc.ABC):
    """Settings of an algorithm."""

    name: str
    needs_gradient: bool = True
    """Whether it cannot explore a posterior that has no gradients."""

    @abc.abstractmethod
    def build(self, posterior: Posterior) -> Kernel:
        """Bind the algorithm to a posterior."""


def honoured_share(exact: tuple[Any, ...], posterior: Posterior) -> float:
    """Share of exact data (hard data) honoured over all draws; nan where there are none."""
    shares = [
        np.asarray(predictions).ravel()
        for predictions, observation in zip(exact, posterior.observations, strict=True)
        if observation.kind == "hard_data"
    ]
    return float(np.concatenate(shares).mean()) if shares else float("nan")
