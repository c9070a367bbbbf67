"""Autoencoders: fields are encoded to codes and decoded again, and what codes are like is learned on the way.

A *variational* autoencoder (Kingma and Welling 2014, arXiv:1312.6114) draws each code from a Gaussian that its encoder
gives, and its loss is minus the log-likelihood of the patch, and the Kullback–Leibler divergence of these Gaussians
from N(0, 1), with a weight (Higgins et al. 2017, openreview.net/forum?id=Sy2fzU9gl). A *plain* one gives codes a small
noise of fixed size instead, of which the divergence is their square (Ghosh et al. 2020, arXiv:1903.12436). Where noise
becomes codes by a flow, that is learned by likelihood in the same steps, from codes through which no gradient goes
back, and follows them as they settle. Patches are encoded with nothing known around them, as the fields of users are.
"""

from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.keys import from_seed, numbered
from latentinv.networks import (
    FAST,
    AutoencoderArchitecture,
    decoder_layers,
    encode,
    initial_autoencoder,
    misfit,
    synthesize,
    uncouple,
)
from latentinv.priors.learned import AutoencoderPrior, Calibration

from ._descent import DescentState, begin, descended, rising_adam
from ._method import METHODS, AbstractMethod, Task

NOISE = 0.1
"""Standard deviation of the noise of codes that are not variational."""
WARM = 200
"""Steps over which the learning rate rises."""


class AutoencoderLosses(NamedTuple):
    """What is made small, in nats."""

    reconstruction: Float[Array, ""]
    """Minus the log-likelihood of a cell."""
    divergence: Float[Array, ""]
    """Of a code from N(0, 1)."""
    codes: Float[Array, ""]
    """Minus the log-density of the codes at a place, by the flow; 0 where there is none."""


@final
@METHODS.register("autoencoder")
class Autoencoding(AbstractMethod):
    """An encoder and a decoder, and a flow of codes."""

    def __init__(self, task: Task) -> None:
        self.task = task
        settings = task.recipe.autoencoder
        self.architecture = AutoencoderArchitecture(
            task.image.facies.ndim,
            task.channels,
            task.recipe.networks.latent_channels or 1,
            settings.widths,
            settings.of_codes,
            settings.coupling_width,
        )
        self._optimizer = rising_adam(settings.learning_rate, WARM)
        self._key = from_seed(task.recipe.training.seed, "autoencoder training")
        self._step = compiled(self._advance, of_networks=True, donate_argnums=0)

    def initial_state(self) -> DescentState:
        """Random weights."""
        key = from_seed(self.task.recipe.training.seed, "autoencoder weights")
        return begin(initial_autoencoder(key, self.architecture), self._optimizer)

    def step(
        self, state: DescentState, patches: Float[Array, "batch *patch channel"], rate: float
    ) -> tuple[DescentState, AutoencoderLosses]:
        """A step of all networks."""
        return self._step(state, patches, rate)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> AutoencoderPrior:
        """The networks with these weights."""
        return AutoencoderPrior(self.architecture, parameters, calibration, provenance=provenance)

    def _advance(
        self, state: DescentState, patches: Array, rate: Array | float
    ) -> tuple[DescentState, AutoencoderLosses]:
        training, key = self.task.recipe.training, numbered(self._key, state.step)
        gradient, losses = jax.grad(self._loss, has_aux=True)(state.weights, patches, key)
        return descended(state, gradient, self._optimizer, rate, training.average), losses

    def _loss(self, weights: Any, patches: Array, key: Array) -> tuple[Array, AutoencoderLosses]:
        settings, net = self.task.recipe.autoencoder, self.architecture
        mean, log_variance = encode(net, weights, patches, precision=FAST)
        divergence = 0.5 * mean**2
        deviation = jnp.float32(NOISE)
        if settings.variational:
            deviation = jnp.exp(0.5 * log_variance)
            divergence = divergence + 0.5 * (jnp.exp(log_variance) - 1 - log_variance)
        codes = mean + deviation * jax.random.normal(key, mean.shape)
        shape = patches.shape[1:-1]
        numbers = synthesize(net.decoder, decoder_layers(net, weights), [codes], shape, FAST)
        each = misfit(numbers, patches)
        density = -self._log_density(weights, jax.lax.stop_gradient(codes))
        losses = AutoencoderLosses(each.mean(), divergence.mean(), density)
        of_a_cell = divergence.size / each.size
        return losses.reconstruction + settings.divergence * of_a_cell * losses.divergence + density, losses

    def _log_density(self, weights: Any, codes: Array) -> Array:
        """Of codes at a place, by the flow, where that sees no padding."""
        edge = self.architecture.couplings
        if not edge:
            return jnp.zeros(())
        found = uncouple(self.architecture.flow, weights, codes, FAST).log_density
        return found[(slice(None), *(slice(edge, -edge),) * self.architecture.ndim)].mean()
