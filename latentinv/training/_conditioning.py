"""What a generator that learns conditioning is shown of each patch, and what it pays for not honouring it.

Some cells of each patch of the image, chosen at random, are known (C, with the mask M), and the generator's loss is
increased by λ ‖C − M ⊙ G(z, C)‖², the squared norm of the differences in these cells, on average over the batch
(Ruffino et al. 2020, doi:10.1016/j.neucom.2019.11.116). The discriminator sees what is known too, beside the patch or
the field. So that the prior can be used with more data, with less, and without any, the share of known cells differs
from patch to patch: it is uniform between 0 and twice the recipe's, but that some patches have none at all.

If the recipe says so, the share or the width of a facies in each patch (`_measures.py`) is known too, as the standard
normal score of its rank among patches, which is what the prior draws where it is not told. The discriminator alone
judges whether it is honoured.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from latentinv.errors import InputError
from latentinv.priors.gaussian import Anamorphosis
from latentinv.priors.learned import FaciesMeasure, FaciesMeasures, correlations
from latentinv.training.images import sample_patches
from latentinv.training.modules import crisp

from ._measures import measure_facies
from ._method import Task

WITHOUT = 0.25
"""Share of the patches of which no cell is known."""
PATCHES = 4096
"""From which the distribution of what is measured of facies is taken."""

PARTS = 64
"""In which patches are measured, so that few copies are held."""


class Known(NamedTuple):
    """What is known of the fields of a batch."""

    cells: Float[Array, "batch *patch known"]
    """The levels of the facies in some cells, with 1 as a further channel; 0 in all other cells."""
    numbers: Float[Array, "batch number"]
    """Scores of what is measured of facies; there may be none."""

    def beside(self, fields: Float[Array, "batch *patch channel"]) -> Float[Array, "batch *patch more"]:
        """Fields with what is known of them as further channels."""
        numbers = self.numbers.reshape(len(fields), *(1,) * (fields.ndim - 2), -1)
        everywhere = jnp.broadcast_to(numbers, (*fields.shape[:-1], numbers.shape[-1]))
        return jnp.concatenate([fields, self.cells, everywhere], axis=-1)


class Conditioning(NamedTuple):
    """How a recipe conditions."""

    pixels: float
    weight: float
    facies: int
    """How many there are."""
    measures: FaciesMeasures

    @classmethod
    def of(cls, task: Task) -> "Conditioning":
        """That of a recipe for its image.

        Raises
        ------
        InputError
            If the image lacks a facies of which something is to be known, or that is the same everywhere.
        """
        settings = task.recipe.conditioning
        return cls(settings.pixels, settings.weight, len(task.image.categories), _measures(task))

    def known(self, key: Array, real: Float[Array, "batch *patch channel"]) -> Known:
        """What is shown of patches, chosen at random."""
        seen, levels = self._mask(key, real.shape[:-1])[..., None], crisp(real, self.facies)
        cells = jnp.where(seen, jnp.concatenate([levels, jnp.ones_like(real[..., :1])], axis=-1), 0)
        return Known(cells, self._scores(levels))

    def penalty(self, fields: Float[Array, "batch *patch channel"], known: Known) -> Float[Array, ""]:
        """λ ‖C − M ⊙ G(z, C)‖², on average over the batch."""
        levels, mask = known.cells[..., :-1], known.cells[..., -1:]
        return self.weight * jnp.sum((levels - mask * fields) ** 2) / len(fields)

    def _mask(self, key: Array, shape: tuple[int, ...]) -> Bool[Array, "batch *patch"]:
        key_share, key_none, key_cells = jax.random.split(key, 3)
        each = (shape[0], *(1,) * (len(shape) - 1))
        share = 2 * self.pixels * jax.random.uniform(key_share, each)
        some = jax.random.uniform(key_none, each) >= WITHOUT
        return (jax.random.uniform(key_cells, shape) < share) & some

    def _scores(self, levels: Float[Array, "batch *patch channel"]) -> Float[Array, "batch number"]:
        each = [one.scores(measure_facies(one.name, self._where(levels, one.position))) for one in self.measures.each]
        return jnp.stack(each, axis=1) if each else jnp.zeros((len(levels), 0), levels.dtype)

    def _where(self, levels: Float[Array, "batch *patch channel"], position: int) -> Bool[Array, "batch *patch"]:
        """Where a facies is."""
        if levels.shape[-1] > 1:
            return levels[..., position] > 0
        return jnp.rint((levels[..., 0] + 1) * (self.facies - 1) / 2) == position


def _measures(task: Task) -> FaciesMeasures:
    """Distributions of what is measured of facies over patches, and how they are correlated."""
    wanted, image = task.recipe.conditioning.measures, task.image
    if not wanted:
        return FaciesMeasures()
    patches = sample_patches(np.random.default_rng(0), image, task.recipe.training.patch, PATCHES)
    each, scores = [], []
    for name, code in wanted.items():
        if code not in image.categories:
            listed = ", ".join(map(str, image.categories))
            raise InputError(f"The recipe has {name} = {code} in [conditioning], but the image the facies {listed}.")
        position = image.categories.index(code)
        parts = np.array_split(patches, PARTS)
        found = np.concatenate([np.asarray(measure_facies(name, jnp.asarray(part == position))) for part in parts])
        if np.ptp(found) == 0:
            raise InputError(
                f"The recipe has {name} = {code} in [conditioning], but every patch of the image has the same, "
                f"{found[0]:g}; leave it out, or give larger patches."
            )
        each.append(FaciesMeasure(name, position, Anamorphosis.from_sample(found)))
        scores.append(np.asarray(each[-1].scores(jnp.asarray(found))))
    return FaciesMeasures(each, correlations(np.stack(scores, axis=1)))
