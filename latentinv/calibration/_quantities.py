"""The quantities in which truths and draws are compared: numbers of interest, of latents, fields and data.

Each member of a pool gets its log-likelihood under the replicate's data, which reveals an ignored or doubly counted
datum as no number of the field alone does (Modrák et al. 2023, doi:10.1214/23-BA1404); the norm of its latents; the
shares of facies; the means of the four quarters of the grid; the field at four pixels; and predictions of up to three
data of each observation. All replicates use one program, with the posterior as its argument.

Where a prior is made to honour certain wells, the latents of a truth do not give its field any more, since they are
latents of the prior as it was. So fields are compared, each by the prior that it was drawn from; what belongs to
latents (their norm, the weights that stand for the likelihood of these wells) is not.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Real

from latentinv.data import AbstractObservation
from latentinv.posterior import Posterior, Predictions, map_batched
from latentinv.pytrees import replace

PIXELS = ((0.2, 0.35), (0.4, 0.8), (0.65, 0.15), (0.85, 0.6))
"""Rows and columns of the pixels, in shares of the grid; all different, and away from its symmetries."""
PREDICTED = 3
"""Most data of an observation whose predictions are compared."""
BATCH = 16


class Members(NamedTuple):
    """Fields and predictions of the members of a pool."""

    table: Float[np.ndarray, "member quantity"]
    images: Real[np.ndarray, "member *grid"]
    """Positions of facies among the categories, or values of a continuous property."""


class Quantities:
    """The numbers of members of a posterior's pools.

    Parameters
    ----------
    posterior
        Whose; the same serve for the same posterior of other data.
    """

    def __init__(self, posterior: Posterior) -> None:
        self._posterior = _of_fields(posterior)
        self._pixels = [_place(posterior.grid.shape, share) for share in PIXELS]
        self._data = [_spread(observation.count) for observation in self._posterior.observations]
        self._measure = jax.jit(self._members, static_argnames="drawn")
        fit = ("log-likelihood",) if self._posterior.observations else ()
        norm = ("norm of the latents",) if posterior.honoured is None else ()
        self.names = (*fit, *norm, *self._field_names(), *self._data_names())

    def of(
        self, posterior: Posterior, latents: Float[np.ndarray, "member latent"], drawn: Bool[np.ndarray, "member"]
    ) -> Members:
        """Measure members under the data of a posterior, those `drawn` from it and others, which are of its prior."""
        if posterior.honoured is None:
            table, images = self._measure(posterior, jnp.asarray(latents), drawn=True)
            return Members(np.asarray(table, float), np.asarray(images))
        order = np.argsort(np.concatenate([np.flatnonzero(drawn), np.flatnonzero(~drawn)]))
        both = [self._measure(posterior, jnp.asarray(latents[drawn == one]), drawn=one) for one in (True, False)]
        table, images = (np.concatenate(parts)[order] for parts in zip(*both, strict=True))
        return Members(table.astype(float), images)

    def _members(
        self, posterior: Posterior, latents: Float[Array, "member latent"], *, drawn: bool
    ) -> tuple[Array, Array]:
        return map_batched(functools.partial(self._member, posterior, drawn), latents, BATCH)

    def _member(self, posterior: Posterior, drawn: bool, z: Float[Array, "latent"]) -> tuple[Array, Array]:
        facies, of_fields = posterior.prior.facies_model, _of_fields(posterior)
        field = posterior.field(z) if drawn else posterior.prior.generate(z, posterior.grid)
        predictions = of_fields.predict_field(field)
        image = field if facies is None else facies.index(field).astype(jnp.int8)
        # One number per cell, and not what a prior keeps of a well that it honours.
        shown = field if facies is None or (facies.components is None and posterior.honoured is None) else image
        shares = [image.mean()] if facies is None else [jnp.mean(image == n) for n in range(1, len(facies.categories))]
        numbers = [
            *([sum(of_fields.log_likelihood_parts(predictions))] if of_fields.observations else []),
            *([jnp.linalg.norm(z)] if posterior.honoured is None else []),
            *shares,
            *(quarter.mean() for quarter in _quarters(image)),
            *(shown[pixel] for pixel in self._pixels),
            *self._predicted(predictions),
        ]
        return jnp.stack([jnp.asarray(number, jnp.float32) for number in numbers]), image

    def _predicted(self, predictions: Predictions) -> list[Array]:
        """Predictions under the target; for wells the margin inside their facies, which is more informative."""
        observations = self._posterior.observations
        exact = [self._posterior.target == "thresholded" and not o.hard for o in observations]
        chosen = [e if read else s for s, e, read in zip(predictions.soft, predictions.exact, exact, strict=True)]
        return [numbers[n] for numbers, places in zip(chosen, self._data, strict=True) for n in places]

    def _field_names(self) -> list[str]:
        facies = self._posterior.prior.facies_model
        shares = ["mean of the field"] if facies is None else [f"share of {label}" for label in facies.labels[1:]]
        quarters = [
            f"mean of the {rows}{columns} quarter" for rows in ("south", "north") for columns in ("western", "eastern")
        ]
        pixels = [f"field at row {pixel[-2]}, column {pixel[-1]}" for pixel in self._pixels]
        return [*shares, *quarters, *pixels]

    def _data_names(self) -> list[str]:
        pairs = zip(self._posterior.observations, self._data, strict=True)
        return [_datum_name(o, n) for o, places in pairs for n in places]


def _of_fields(posterior: Posterior) -> Posterior:
    """The posterior with the data whose likelihood is a function of the field: all but those that its prior honours."""
    return replace(posterior, observations=tuple(o for o in posterior.observations if not o.by_prior), honoured=None)


def _datum_name(observation: AbstractObservation, number: int) -> str:
    return f"{observation.name}: prediction of datum {number + 1}"


def _place(shape: tuple[int, ...], share: tuple[float, float]) -> tuple[int, ...]:
    """The cell at these shares of rows and columns, of three axes in the middle layer."""
    middle = tuple(n // 2 for n in shape[:-2])
    return (*middle, *(int(part * n) for part, n in zip(share, shape[-2:], strict=True)))


def _spread(count: int) -> list[int]:
    """Positions of a few of `count` data, spread out."""
    return sorted({int(n) for n in np.linspace(0, count - 1, min(count, PREDICTED)).round()})


def _quarters(image: Array) -> list[Array]:
    """The four quarters of rows and columns, from the south-western one; an axis of one cell is not cut."""
    rows, columns = (max(1, n // 2) for n in image.shape[-2:])
    halves = [
        (slice(0, rows), slice(min(rows, image.shape[-2] - 1), None)),
        (slice(0, columns), slice(min(columns, image.shape[-1] - 1), None)),
    ]
    return [image[..., a, b] for a in halves[0] for b in halves[1]]
