"""What an algorithm is, so that one driver runs them all.

An algorithm is a frozen dataclass of its settings. `build` gives its `AbstractKernel`: pure functions of a posterior, a
key and a state, with the programs that they are compiled to. A kernel holds settings alone, so one serves all
posteriors, and posteriors of one structure share its programs. The state holds all that the next step needs, as a tree
of arrays; a driver that stores it can go on in another process. Step n gets a key of its own from the run's seed, so
neither checkpoints nor progress bars change a draw. Steps are coarse (a tempering level, ten optimiser iterations):
they cost from tenths of a second to seconds, so calling them one by one from the host is free, and the compiled program
is the same however a run is cut into pieces.

Populations (particles, optima) give their draws when they are finished. Markov chains complete draws at every step; the
driver takes these as they come, so that memory stays flat however long a run is. Draws are handed over as the algorithm
had them, with the facies and predictions by which they were accepted; nothing is generated again.
"""

import abc
import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

import numpy as np
from jaxtyping import Array, Float

from latentinv.devices import share_of
from latentinv.errors import InputError
from latentinv.posterior import Posterior, Predictions
from latentinv.pytrees import Scalar
from latentinv.registration import Registry

from ._info import Info


class Progress(NamedTuple):
    """Progress to report after a step."""

    done: float
    """Estimated share of the work done, 0 to 1."""
    words: str
    """One line: level, acceptance, share of wells honoured."""
    to_compile: float = 0.0
    """What compiling the programs of later stages will take, as a share of what compilation took so far."""


class Draws(NamedTuple):
    """Draws with their facies and predictions."""

    z: Float[Array, "draw latent"]
    predictions: Predictions


class AbstractKernel(abc.ABC):
    """The functions of an algorithm; pure, and the same for all posteriors."""

    chains: int | None = None
    """Number of Markov chains; None for a population."""

    @abc.abstractmethod
    def init(self, posterior: Posterior, key: Array) -> Any:
        """The first state."""

    @abc.abstractmethod
    def step(self, posterior: Posterior, key: Array, state: Any) -> tuple[Any, Info]:
        """The next state and what it reports."""

    @abc.abstractmethod
    def finished(self, state: Any) -> bool:
        """Whether a state is the last."""

    @abc.abstractmethod
    def progress(self, posterior: Posterior, state: Any, info: Info) -> Progress:
        """Progress from a state and its info."""

    @abc.abstractmethod
    def draws(self, posterior: Posterior, state: Any) -> Draws:
        """The draws that a state completes.

        Of a population they are those of the last state; of chains, asked after each step, those of the step that led
        to it, the chains' draws of one transition side by side.
        """

    @abc.abstractmethod
    def current(self, state: Any) -> Float[Array, "row latent"]:
        """The latents of a state, finished or not: particles, or chains on the target."""

    @abc.abstractmethod
    def results(self, posterior: Posterior, state: Any) -> dict[str, Any]:
        """Results of the last state, as single numbers, such as the log-evidence and the gradients spent."""

    def samples_target(self, posterior: Posterior) -> bool:
        """Whether the draws follow the posterior's target; those of approximations and best fits do not."""
        del posterior
        return True


class AbstractAlgorithm(abc.ABC):
    """Settings of an algorithm."""

    name: str
    """Its registered name, written into run files."""
    needs_gradient: bool = True
    """Whether it requires gradients of the posterior."""
    best_fits: bool = False
    """Whether it finds best fits only, whose spread is no uncertainty."""
    usual_batch: ClassVar[int] = 1
    """Its ``batch_size`` on CPUs where the user gives none."""

    @property
    def together(self) -> int:
        """Most fields that it works on at once on each device."""
        if hasattr(self, "batch_size"):
            return int(self.batch_size) or self.usual_batch
        return share_of(getattr(self, "chains", 1))

    @abc.abstractmethod
    def build(self) -> AbstractKernel:
        """Make the algorithm's functions, whose programs are compiled at first use."""

    def bytes_at_first(self, state_bytes: int) -> int:
        """Bytes that the first step needs beside a state of so many."""
        del state_bytes
        return 0

    def check(self, posterior: Posterior) -> None:
        """Raise `InputError` if the algorithm cannot explore a posterior."""
        del posterior


ALGORITHMS: Registry[type[AbstractAlgorithm]] = Registry("algorithm", rooms=("latentinv.inference",))
"""The algorithms by name; registered algorithms can be chosen, stored and resumed, and are tested."""

Settings = TypeVar("Settings", bound=AbstractAlgorithm)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def algorithm(name: str) -> Callable[[type[Settings]], type[Settings]]:
    """Make a class of settings an algorithm: a frozen dataclass of keywords, registered under its name."""

    def register(cls: type[Settings]) -> type[Settings]:
        cls.name = name
        made: type[Settings] = ALGORITHMS.register(name)(dataclasses.dataclass(frozen=True, kw_only=True)(cls))
        return made

    return register


@functools.lru_cache(maxsize=32)
def kernel_of(algorithm: AbstractAlgorithm) -> AbstractKernel:
    """The functions of an algorithm, with the programs compiled so far."""
    return algorithm.build()


def check_algorithm(algorithm: AbstractAlgorithm, posterior: Posterior) -> None:
    """Check that an algorithm can explore a posterior.

    Raises
    ------
    InputError
        If it needs gradients that the prior or a forward model does not have, or refuses the posterior for a reason of
        its own.
    """
    able = ", ".join(f"'{name}'" for name, other in ALGORITHMS.items() if not other.needs_gradient)
    if algorithm.needs_gradient:
        if posterior.observations and not posterior.prior.has_gradient:
            raise InputError(
                f"The algorithm '{algorithm.name}' needs gradients, but the prior has none, as its fields jump between "
                f"scenarios; choose one of {able}."
            )
        for observation in posterior.observations:
            if not observation.has_gradient:
                raise InputError(
                    f"The algorithm '{algorithm.name}' needs gradients, but the forward model of '{observation.name}' "
                    f"has none; give a simulator an adjoint, or choose one of {able}."
                )
    algorithm.check(posterior)


def honoured_share(exact: tuple[Any, ...], posterior: Posterior) -> float:
    """Share of hard data honoured over all draws; nan where there are none."""
    shares = [
        np.asarray(predictions).ravel() > 0.5
        for predictions, observation in zip(exact, posterior.observations, strict=True)
        if observation.hard
    ]
    return float(np.concatenate(shares).mean()) if shares else float("nan")


def honoured_words(share: float | Scalar) -> str:
    """The share of hard data honoured, to append to other words; empty if there are none."""
    return f", wells honoured {100 * float(share):.1f} %" if np.isfinite(float(share)) else ""
