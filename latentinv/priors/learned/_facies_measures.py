"""Numbers measured of a facies that a network sees: its proportion, and its width.

A network sees a number as its *score*, standard normal over patches of the training image. Scores of several numbers
are correlated, for patches with much of a facies tend to have thick bodies of it; they are taken for jointly normal (a
Gaussian copula). So with the correlations C = L Lᵀ of scores s, given ones first, and standard normal latents z of
those that are unknown,

    s = L (e, z),  where the first rows, L_gg e = s_g, hold for the given ones,

which draws unknown numbers from their distribution given the others (Tong 1990, doi:10.1007/978-1-4613-9655-0). This is
affine in z, and costs nothing beside the network.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError, StorageError
from latentinv.networks import EXACT
from latentinv.priors.gaussian import Anamorphosis
from latentinv.pytrees import pytree


class Description(NamedTuple):
    """What is measured, in words."""

    words: str
    """With {} for the facies."""
    example: float


MEASURES = {"proportion": Description("proportion of {}", 0.3), "width": Description("width of {} in cells", 9.5)}
"""By the names of the conditions; the order is that in which networks see them."""
SHRINKAGE = 0.01
"""Share of the identity in correlations, which keeps them regular."""


@final
@pytree("values")
class FaciesMeasure:
    """A number measured of a facies in patches of an image.

    Parameters
    ----------
    name
        One of `MEASURES`.
    position
        Of the facies, in the order of the codes.
    values
        From scores to its values in patches.
    """

    def __init__(self, name: str, position: int, values: Anamorphosis) -> None:
        self.name, self.position, self.values = name, position, values

    def words(self, model: Any) -> str:
        """What is measured, by the facies' name in a model of facies."""
        return MEASURES[self.name].words.format(model.label(model.categories[self.position]))

    def score(self, value: float) -> Float[np.ndarray, ""]:
        """The score of a value.

        Raises
        ------
        InputError
            If it is no number, or no patch of the image has it.
        """
        values = np.asarray(self.values.values)
        if type(value) is bool or not (isinstance(value, int | float) and values[0] <= value <= values[-1]):
            raise InputError(
                f"The prior was given {self.name} = {value}, but learned values from {values[0]:.3g} to "
                f"{values[-1]:.3g}; give one of these."
            )
        return np.asarray(np.interp(value, values, np.asarray(self.values.scores)), np.float32)

    def scores(self, values: Float[Array, "field"]) -> Float[Array, "field"]:
        """Scores of values as a program has them; beyond those of patches, the nearest."""
        return jnp.interp(values, jnp.asarray(self.values.values), jnp.asarray(self.values.scores))

    def to_metadata(self) -> dict[str, Any]:
        """The content for a prior's file, from which `from_metadata` restores it."""
        return {"name": self.name, "position": self.position, **self.values.to_metadata()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> "FaciesMeasure":
        """Restore it from a prior's file."""
        table = {name: values for name, values in metadata.items() if name not in ("name", "position")}
        return cls(metadata["name"], metadata["position"], Anamorphosis(**table))


@final
@pytree("each", "correlations", "given", "intercepts", "slopes")
class FaciesMeasures:
    """All numbers measured of facies that a network sees, each of which is given or has a latent.

    Parameters
    ----------
    each
        The numbers, of different names.
    correlations
        Of their scores over patches; of unit diagonal and positive definite. None for those of independent numbers.
    given
        Scores of those that are given, by name.
    """

    def __init__(
        self,
        each: Sequence[FaciesMeasure] = (),
        correlations: Float[np.ndarray, "number number"] | None = None,
        given: Mapping[str, Float[np.ndarray, ""]] | None = None,
    ) -> None:
        self.each, self.given = tuple(each), dict(given or {})
        self.correlations = np.eye(len(each)) if correlations is None else np.asarray(correlations, float)
        known = [n for n, one in enumerate(self.each) if one.name in self.given]
        order, count = [*known, *(n for n in range(len(self.each)) if n not in known)], len(known)
        root = np.linalg.cholesky(self.correlations[np.ix_(order, order)])[np.argsort(order)]
        scores = np.asarray([self.given[self.each[n].name] for n in known], float)
        innovations = np.linalg.solve(root[known, :count], scores)
        self.intercepts = np.asarray(root[:, :count] @ innovations, np.float32)
        self.slopes = np.asarray(root[:, count:], np.float32)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of them all."""
        return tuple(one.name for one in self.each)

    @property
    def unknown(self) -> tuple[FaciesMeasure, ...]:
        """Those that have a latent, in order."""
        return tuple(one for one in self.each if one.name not in self.given)

    def giving(self, values: Mapping[str, float]) -> "FaciesMeasures":
        """The same, of which these are given too; each replaces what was given before.

        Raises
        ------
        InputError
            If no patch of the image has such a value.
        """
        scores = {one.name: one.score(values[one.name]) for one in self.each if one.name in values}
        return FaciesMeasures(self.each, self.correlations, {**self.given, **scores})

    def scores(self, z: Float[Array, "unknown"]) -> Float[Array, "number"]:
        """Scores of all from the latents of those that are unknown."""
        return jnp.asarray(self.intercepts) + jnp.matmul(jnp.asarray(self.slopes), z, precision=EXACT)

    def parameters(self, z: Float[Array, "unknown"], model: Any) -> dict[str, Float[Array, ""]]:
        """Values of those that are unknown, by their words."""
        scores = dict(zip(self.names, self.scores(z), strict=True))
        return {one.words(model): one.values(scores[one.name]) for one in self.unknown}

    def describe_given(self, model: Any) -> list[str]:
        """Those that are given, in words."""
        pairs = [(one, self.given[one.name]) for one in self.each if one.name in self.given]
        return [f"{one.words(model)} {float(one.values(jnp.asarray(score))):.3g}" for one, score in pairs]

    def to_metadata(self) -> dict[str, Any]:
        """The content for a prior's file beside `given`, from which `from_metadata` restores it."""
        each = [one.to_metadata() for one in self.each]
        return {"measures": each, "correlations": np.asarray(self.correlations).tolist()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], given: Mapping[str, np.ndarray]) -> "FaciesMeasures":
        """Restore them from a prior's file, and the scores that it holds.

        Raises
        ------
        StorageError
            If the correlations are not those of the numbers.
        """
        each = [FaciesMeasure.from_metadata(one) for one in metadata["measures"]]
        try:
            return cls(each, np.reshape(metadata["correlations"], (len(each), len(each))), given)
        except ValueError as error:  # of another size, or not positive definite
            raise StorageError(
                "The prior's correlations do not suit the numbers that it sees; copy it again."
            ) from error


def correlations(scores: Float[np.ndarray, "patch number"]) -> Float[np.ndarray, "number number"]:
    """Correlations of scores over patches, a little towards none."""
    count = scores.shape[1]
    return (1 - SHRINKAGE) * np.corrcoef(scores, rowvar=False).reshape(count, count) + SHRINKAGE * np.eye(count)
