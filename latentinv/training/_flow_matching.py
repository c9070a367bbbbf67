"""Flow matching: the velocity from noise to image patches, learned by regression; no adversary, nothing to balance.

A patch x₁ of the image, white noise x₀ and a time t give x_t = (1 − t) x₀ + t x₁, and the network learns x₁ − x₀ from
x_t and t (Lipman et al. 2023, arXiv:2210.02747). Times are drawn from a logit-normal distribution, which is densest
where the velocity is hardest to tell (Esser et al. 2024, arXiv:2403.03206). So that few steps are enough, part of each
batch learns to take a step of twice the length of two steps of its own average (shortcut models, Frans et al. 2025,
arXiv:2410.12557). Patches are padded with zeros for speed, and the loss leaves out a border, where that would show.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.keys import from_seed, named, numbered
from latentinv.networks import FAST, VelocityArchitecture, initial_velocity, velocity
from latentinv.priors.learned import Calibration, FlowPrior

from ._descent import DescentState, begin, descended, rising_adam
from ._method import METHODS, AbstractMethod, Task
from ._recipe import Recipe

WARM = 200
"""Steps over which the learning rate rises."""
FINEST = 4
"""Halvings of the way from noise to field at which steps are short enough to be two of the velocity itself."""


class FlowLosses(NamedTuple):
    """Mean square errors: of the velocity, and of a long step beside two short ones."""

    velocity: Float[Array, ""]
    shortcut: Float[Array, ""]


@final
@METHODS.register("flow")
class FlowMatching(AbstractMethod):
    """A velocity network by regression."""

    def __init__(self, task: Task) -> None:
        self.task = task
        settings = task.recipe.flow
        self.architecture = VelocityArchitecture(
            task.image.facies.ndim, task.channels, tuple(settings.widths), settings.middle
        )
        self._step = compiled(make_flow_step(task.recipe, self.architecture), of_networks=True, donate_argnums=0)

    def initial_state(self) -> DescentState:
        """Random weights."""
        return initial_flow(self.task.recipe, self.architecture)

    def step(
        self, state: DescentState, patches: Float[Array, "batch *patch channel"], rate: float
    ) -> tuple[DescentState, FlowLosses]:
        """A step of the network."""
        return self._step(state, patches, rate)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> FlowPrior:
        """The network, to be taken in the recipe's number of steps."""
        steps = self.task.recipe.flow.steps
        return FlowPrior(self.architecture, parameters, calibration, steps=steps, provenance=provenance)


def initial_flow(recipe: Recipe, architecture: VelocityArchitecture) -> DescentState:
    """The state before the first step: random weights."""
    weights = initial_velocity(from_seed(recipe.training.seed, "flow weights"), architecture)
    return begin(weights, rising_adam(recipe.flow.learning_rate, WARM))


def make_flow_step(
    recipe: Recipe, architecture: VelocityArchitecture
) -> Callable[[DescentState, Array, Array | float], tuple[DescentState, FlowLosses]]:
    """Build the step of a recipe: a function of the state, of patches and of a factor on the learning rate."""
    settings, training, optimizer = recipe.flow, recipe.training, rising_adam(recipe.flow.learning_rate, WARM)
    key_training = from_seed(training.seed, "flow training")
    edge = settings.border
    inner = (slice(None), *(slice(edge, n - edge) for n in training.patch))
    some = round(settings.shortcuts * training.batch)

    def towards(weights: Any, x: Array, time: Array, step: Array) -> Array:
        return velocity(architecture, weights, x, time, step, padded=True, precision=FAST)

    def shortcut_targets(average: Any, key: Array, noise: Array, image: Array) -> tuple[Array, Array, Array, Array]:
        """Where long steps begin, their time and length, and what two short ones make of it."""
        key_length, key_place = named(key, "length", "place")
        halvings = max(FINEST, settings.steps.bit_length() - 1)
        # A step of 1/2ᵏ, of which two of half the length are taken.
        parts = 2 ** jax.random.randint(key_length, (len(image),), 0, halvings + 1)
        place = jnp.floor(jax.random.uniform(key_place, (len(image),)) * parts)
        time, length = place / parts, 1.0 / parts
        half = jnp.where(parts == 2**halvings, 0.0, length / 2)  # the shortest is told as the velocity itself
        x = _between(noise, image, time)
        first = towards(average, x, time, half)
        second = towards(average, x + first * _cells(length / 2, x), time + length / 2, half)
        return x, time, length, 0.5 * (first + second)

    def step(state: DescentState, patches: Array, rate: Array | float) -> tuple[DescentState, FlowLosses]:
        key_noise, key_time, key_shortcut = named(numbered(key_training, state.step), "noise", "time", "shortcut")
        noise = jax.random.normal(key_noise, patches.shape)
        plain = len(patches) - some
        time = jax.nn.sigmoid(jax.random.normal(key_time, (plain,)))
        x, length = _between(noise[:plain], patches[:plain], time), jnp.zeros(plain)
        target = patches[:plain] - noise[:plain]
        if some:
            parts = shortcut_targets(state.average, key_shortcut, noise[plain:], patches[plain:])
            pairs = zip((x, time, length, target), jax.lax.stop_gradient(parts), strict=True)
            x, time, length, target = (jnp.concatenate(pair) for pair in pairs)

        def loss(weights: Any) -> tuple[Array, FlowLosses]:
            errors = ((towards(weights, x, time, length) - target)[inner]) ** 2
            each = errors.mean(axis=tuple(range(1, errors.ndim)))
            parts = FlowLosses(each[:plain].mean(), each[plain:].mean() if some else jnp.zeros(()))
            return each.mean(), parts

        gradient, losses = jax.grad(loss, has_aux=True)(state.weights)
        return descended(state, gradient, optimizer, rate, training.average), losses

    return step


def _between(noise: Array, image: Array, time: Float[Array, "batch"]) -> Array:
    share = _cells(time, image)
    return (1 - share) * noise + share * image


def _cells(one_each: Float[Array, "batch"], x: Array) -> Array:
    return one_each.reshape(-1, *(1,) * (x.ndim - 1))
