"""Adversarial training from scale to scale, of a generator learned from a single image: SinGAN (Shaham, Dekel and
Michaeli 2019, doi:10.1109/ICCV.2019.00467).

From the coarsest scale on, each has its share of the steps, in which its generator is trained against a discriminator
of that scale alone; those before stay as they are, averaged over their steps, which is how the prior has them. The
discriminator sees windows of patches of the image, or on fine scales of parts of them, averaged over blocks of cells.
Beside its loss, the generator's has the squared error with which one map of noise on the coarsest scale, fixed once,
and no noise on the finer ones give the image itself, of which a step sees a part. Before a scale begins, what this
image lacks there sets the standard deviation of its noise. Its networks begin as those of the scale before, where they
are as large, but for the generator's last layer, which begins at 0.

Otherwise than published, patches take the place of the whole image, so that coarse cells lie anywhere in it; there are
no batch statistics; one scale follows the other by 2; and losses and penalties are those that a recipe can name.
"""

import functools
from typing import Any, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.keys import from_seed
from latentinv.networks import NOISE, SinganArchitecture, Weights, coarser, initial_singan, of_scale
from latentinv.priors.learned import Calibration, SinganPrior

from ._method import METHODS, AbstractMethod, Task
from ._own_image import OwnImage
from ._singan_step import SinganLosses, SinganState, Step, make_step, mean_where
from ._step import optimizers


@final
@METHODS.register("singan")
class SinganMethod(AbstractMethod):
    """Generators of each scale, from the coarsest on, against discriminators of each scale."""

    def __init__(self, task: Task) -> None:
        settings = task.recipe.singan
        self.task = task
        self.architecture = SinganArchitecture(task.image.facies.ndim, task.channels, settings.widths, settings.layers)
        self.image = OwnImage.of(task, self.architecture)
        self._compiled: dict[int, Step] = {}

    def initial_state(self) -> SinganState:
        """Random weights."""
        net, seed = self.architecture, self.task.recipe.training.seed
        generator = initial_singan(from_seed(seed, "singan weights"), net)
        discriminator = initial_singan(from_seed(seed, "singan discriminators"), net, outputs=1)
        # Copies, since a step can donate each array only once.
        average, best = (
            {**jax.tree.map(jnp.array, generator), NOISE: jnp.zeros(net.scales).at[0].set(1.0)} for _ in range(2)
        )
        of_g, of_d = optimizers(self.task.recipe)
        return SinganState(
            generator,
            discriminator,
            tuple(of_g.init(of_scale(generator, scale)) for scale in range(net.scales)),
            tuple(of_d.init(of_scale(discriminator, scale)) for scale in range(net.scales)),
            average,
            best,
            jnp.float32(jnp.inf),
            jnp.int32(0),
        )

    def stage(self, step: int, steps: int) -> range:
        """The steps of the scale that is trained at a step."""
        edges = self.task.recipe.singan.edges(steps)
        scale = scale_at(edges, step)
        return range(edges[scale], edges[scale + 1])

    def step(
        self, state: SinganState, patches: Float[Array, "batch *patch channel"], rate: float
    ) -> tuple[SinganState, SinganLosses]:
        """A step of both networks of a scale; which one, the number of the step says."""
        recipe, number = self.task.recipe, int(state.step)
        edges = recipe.singan.edges(recipe.training.steps)
        scale = scale_at(edges, number)
        if scale and number == edges[scale]:
            state = begun(self.architecture, scale, state, self.image, recipe.singan.noise)
        return self.step_of(scale)(state, self.image, patches, jnp.float32(rate))

    def step_of(self, scale: int) -> Step:
        """The compiled step of a scale, which takes over the memory of the state."""
        if scale not in self._compiled:
            self._compiled[scale] = compiled(
                make_step(self.task.recipe, self.architecture, scale), of_networks=True, donate_argnums=0
            )
        return self._compiled[scale]

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> SinganPrior:
        """The generators of all scales; those that are not trained yet leave maps as interpolation has them."""
        return SinganPrior(self.architecture, parameters, calibration, provenance=provenance)


def scale_at(edges: tuple[int, ...], step: int) -> int:
    """The scale that is trained at a step; the last after the end."""
    return max(scale for scale, first in enumerate(edges[:-1]) if first <= step)


def begun(net: SinganArchitecture, scale: int, state: SinganState, image: OwnImage, share: float) -> SinganState:
    """The state when a scale begins that is not the coarsest.

    Parameters
    ----------
    net, scale, state
        The networks, which of them, and their state when the scale before has ended.
    image
        By which the standard deviation of the noise is set.
    share
        That deviation, over the root mean square of what the image's reconstruction lacks on the scale.
    """
    deviation = share * lacking(net, scale, state.average, image)
    generator = {**state.generator, **_taken_over(scale, state.generator, state.average, net.layers - 1)}
    discriminator = state.discriminator
    discriminator = {**discriminator, **_taken_over(scale, discriminator, discriminator, net.layers)}
    average = {
        **state.average,
        **jax.tree.map(jnp.array, of_scale(generator, scale)),
        NOISE: state.average[NOISE].at[scale].set(deviation),
    }
    return state._replace(generator=generator, discriminator=discriminator, average=average)


@functools.partial(compiled, of_networks=True, static_argnums=(0, 1))
def lacking(net: SinganArchitecture, scale: int, weights: Weights, image: OwnImage) -> Float[Array, ""]:
    """Root mean square of what the image's reconstruction by the coarser scales lacks on a scale."""
    whole = image.part(net, scale, image.shape)
    base = coarser(net, weights, whole.noise[:-1], whole.levels.shape[1:-1])
    assert base is not None
    inner = (slice(None), *(slice(net.layers, n - net.layers) for n in base.shape[1:-1]))
    return jnp.sqrt(mean_where(whole.known, (whole.levels - base[inner]) ** 2))


def _taken_over(scale: int, weights: Weights, before: Weights, layers: int) -> dict[str, Array]:
    """Weights of the first layers of the scale before that fit a scale, as copies."""
    names = [f".{layer}.{part}" for layer in range(layers) for part in ("kernel", "bias")]
    pairs = {f"{scale}{name}": before[f"{scale - 1}{name}"] for name in names}
    return {name: jnp.array(old) for name, old in pairs.items() if old.shape == weights[name].shape}
