"""Maximum a-posteriori fields from many starts: Adam, then L-BFGS, on the soft posterior density (`_optimisers`).

Where data see much of the field and sharply, most starts end in poor optima of the stated model: facies that are read
by a steep slope have gradients only along their borders, and each datum pulls to its own side. So Adam may begin with
an easier problem and go over to the stated one gradually (continuation; Allgower and Georg 1990,
doi:10.1007/978-3-642-61257-2): at first only `first_inverse_temperature` of the log-likelihood counts, as if the noise
were larger, and facies are read by `first_sharpness` times the stated slope, both growing geometrically to 1 within
`continuation` of Adam's iterations. The log-likelihood may be whole sooner, after `likelihood_continuation`. At
`exchanges` iterations, evenly spread over the first four fifths of all, the worst quarter of the starts is replaced by
neighbours of the best quarter; optima of such runs are not independent of each other.

A latent vector of n numbers drawn from the prior has a norm r near √n, but its log-density −½r² is highest at r = 0,
so that optima with few data are smoother than any draw. With `norm_shell` the prior counts as that of the norm,

    (n − 1) log r − ½r²,

the chi distribution, whose peak is where draws are.
"""

import functools
import math
from typing import NamedTuple, final

import optax
from jax import numpy as jnp
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.inference.core import (
    AbstractIterations,
    AbstractKernel,
    algorithm,
    check_counts,
    check_positive,
    check_shares,
)
from latentinv.io.images import read_image
from latentinv.posterior import Posterior, Predictions, log_prior
from latentinv.pytrees import Scalar

from ._optimisers import Objective, OptimiserKernel, draws_of_prior, log_norm_shell

EXCHANGING = 0.8
"""Share of all iterations in which starts are exchanged; in the rest they converge."""


class Stage(NamedTuple):
    """A stage between an easy problem and the stated one."""

    inverse_temperature: float | Scalar
    sharpness: float | Scalar


@final
@algorithm("map")
class MultistartMAP(AbstractIterations):
    """Best fits: maxima of the soft posterior density from many starts; no draws of the posterior.

    Parameters
    ----------
    starts
        Draws of the prior to start from; as many optima come out.
    adam_iterations, lbfgs_iterations
        Iterations of the two phases.
    learning_rate
        Adam's, in units of the latents' standard deviation.
    norm_shell
        Whether the prior keeps latents at the norm of its draws, instead of drawing them to 0.
    first_inverse_temperature, first_sharpness
        Where Adam begins: share of the log-likelihood that counts, and share of the slope facies are read by.
    continuation
        Share of Adam's iterations after which the stated model is reached.
    likelihood_continuation
        Share of Adam's iterations after which the whole log-likelihood counts; `continuation` unless given.
    last_learning_rate
        At Adam's last iteration, reached geometrically; as at the first unless given.
    exchanges
        How often poor starts are replaced by neighbours of better ones.
    start_map
        Image file of a field on the grid, such as an interpreted map. The first start is its encoding, for which the
        prior must have an encoder; the others are neighbours of it. A run that is resumed needs the file again. Left
        empty, starts are draws of the prior.
    start_spread
        How far from its encoding they are: 0 is the encoding itself, 1 a draw of the prior.
    """

    best_fits = True
    usual_batch = 1

    starts: int = 16
    adam_iterations: int = 200
    lbfgs_iterations: int = 100
    learning_rate: float = 0.05
    norm_shell: bool = False
    first_inverse_temperature: float = 1.0
    first_sharpness: float = 1.0
    continuation: float = 0.7
    likelihood_continuation: float | None = None
    last_learning_rate: float | None = None
    exchanges: int = 0
    start_map: str = ""
    start_spread: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "starts")
        check_counts(self, "adam_iterations", "lbfgs_iterations", least=0)
        check_counts(self, "exchanges", least=0)
        check_positive(self, "learning_rate", "first_inverse_temperature", "first_sharpness")
        check_shares(self, "continuation")
        check_shares(self, "start_spread", or_zero=True)
        if not isinstance(self.start_map, str):
            raise InputError(f"The setting start_map is {self.start_map!r}; expected the name of an image file.")
        if self.likelihood_continuation is not None:
            check_shares(self, "likelihood_continuation")
        if self.last_learning_rate is not None:
            check_positive(self, "last_learning_rate")

    def check(self, posterior: Posterior) -> None:
        """Raise `InputError` if there is a map to start from that the prior cannot encode."""
        if self.start_map:
            posterior.prior.encode(read_image(self.start_map), posterior.grid, steps=0)

    def build(self) -> AbstractKernel:
        """Make the optimiser."""

        def log_density(z: Array) -> Array:
            return log_prior(z) + log_norm_shell(z) if self.norm_shell else log_prior(z)

        def value(posterior: Posterior, z: Array, predictions: Predictions) -> Array:
            return log_density(z) + posterior.tempered_log_likelihood(predictions, 1.0)

        def loss(posterior: Posterior, z: Array, iteration: Array | None) -> Array:
            t, sharpness = Stage(1.0, 1.0) if iteration is None else _stage(self, iteration)
            soft = Predictions(posterior.predict_softly(z, sharpness), ())
            return -log_density(z) - posterior.tempered_log_likelihood(soft, t)

        objective = Objective(
            name="log_density",
            value=value,
            loss=loss,
            learning_rate=_learning_rates(self),
            lbfgs_iterations=self.lbfgs_iterations,
            exchanges_by=functools.partial(_exchanges_by, self),
            starts=functools.partial(_starts, self),
        )
        return OptimiserKernel(self, objective)


def _starts(settings: MultistartMAP, posterior: Posterior, key: Array, count: int) -> Float[Array, "start latent"]:
    """Draws of the prior, or the encoding of a map and neighbours of it."""
    drawn = draws_of_prior(posterior, key, count)
    if not settings.start_map:
        return drawn
    spread = settings.start_spread
    near = posterior.prior.encode(read_image(settings.start_map), posterior.grid)
    return (math.sqrt(1 - spread**2) * near + spread * drawn).at[0].set(near)


def _stage(settings: MultistartMAP, iteration: Array) -> Stage:
    """The stage of an iteration of Adam."""

    def left(share: float) -> Array:
        return 1 - jnp.minimum(iteration / max(share * settings.adam_iterations, 1), 1.0)

    whole = settings.continuation if settings.likelihood_continuation is None else settings.likelihood_continuation
    t, sharpness = settings.first_inverse_temperature, settings.first_sharpness
    return Stage(t ** left(whole), sharpness ** left(settings.continuation))


def _exchanges_by(settings: MultistartMAP, iteration: int) -> int:
    """How many exchanges are due by an iteration."""
    total = settings.adam_iterations + settings.lbfgs_iterations
    if not settings.exchanges or not total:
        return 0
    return min(settings.exchanges, int(iteration * settings.exchanges / (EXCHANGING * total)))


def _learning_rates(settings: MultistartMAP) -> float | optax.Schedule:
    """Adam's learning rate, of its iterations if it changes."""
    if settings.last_learning_rate is None:
        return settings.learning_rate
    decay = settings.last_learning_rate / settings.learning_rate
    return optax.exponential_decay(settings.learning_rate, max(settings.adam_iterations, 1), decay)
