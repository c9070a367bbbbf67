"""A prior family: a few waves along x and y, whose amplitudes are the latents."""

from typing import final

import jax.numpy as jnp
import numpy as np

from latentinv.priors import PRIORS, AbstractPrior
from latentinv.pytrees import pytree
from latentinv.storage import PriorRecord


@final
@PRIORS.register("toy_waves")
@pytree("lengths")
class Waves(AbstractPrior):
    """Sums of cosines of these wavelengths, in cells."""

    family, ndim, facies_model = "toy_waves", 2, None

    def __init__(self, lengths):
        self.lengths = np.asarray(lengths, np.float32)

    def latent_size(self, grid):
        return 2 * self.lengths.size

    def generate(self, z, grid):
        rows, columns = (jnp.cos(2 * jnp.pi * jnp.arange(n)[:, None] / self.lengths) for n in grid.shape)
        along_y, along_x = jnp.split(z, 2)
        return (rows @ along_y)[:, None] + (columns @ along_x)[None, :]

    def to_record(self):
        return PriorRecord(self.family, {}, {"lengths": np.asarray(self.lengths)})

    @classmethod
    def from_record(cls, record):
        return cls(record.arrays["lengths"])
