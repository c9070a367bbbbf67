"""The generator in training that sees what is known of its field."""

from collections.abc import Sequence

import jax
from flax import nnx
from jaxtyping import Array, Float

from latentinv.networks import FAST, ConditionalArchitecture, encode_known

from ._generator import GeneratorNetwork


class ConditionalNetwork(nnx.Module):
    """A generator, and the matrices that make features of what it sees (`latentinv.networks.encode_known`)."""

    def __init__(self, architecture: ConditionalArchitecture, rngs: nnx.Rngs) -> None:
        self.architecture = architecture
        self.generator = GeneratorNetwork(architecture.generator, rngs)
        initialise = nnx.initializers.he_normal()
        self.encoder = nnx.List([nnx.Param(initialise(rngs.params(), shape)) for shape in architecture.encoder_shapes])

    @property
    def matrices(self) -> list[jax.Array]:
        """From what is known to features, level after level."""
        return [one[...] for one in self.encoder]

    def __call__(
        self,
        latents: Sequence[Float[Array, "batch *latent channel"]],
        shape: tuple[int, ...],
        known: Float[Array, "batch *shape known"],
        numbers: Float[Array, "batch number"],
    ) -> Float[Array, "batch *shape output"]:
        """Give the logits of fields of a given shape, of which cells and numbers are known."""
        features = encode_known(self.architecture, self.matrices, known, FAST)
        logits: Array = self.generator(self.architecture.entering(latents, features, numbers, shape), shape)
        return logits
