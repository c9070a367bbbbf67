"""Plurigaussian facies: several Gaussian fields, each with its own covariance, read as facies by a rule of cuts.

Each field gives a score to every cell; `TruncationRule` turns the scores into facies with stated proportions and
contacts (Armstrong et al. 2011, doi:10.1007/978-3-642-19607-2). The fields are independent Gaussian priors of any
method, so their ranges and directions may differ, and the latents are those of all fields, one after the other. With
one field it is the truncated Gaussian model. The generated field holds the scores along its last axis, so that it has
gradients; the cost is that of the fields. `given(proportions=…)` makes the proportions vary over the grid
(`_local.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import (
    PRIORS,
    PROPORTIONS,
    PROPORTIONS_IN_WORDS,
    AbstractPrior,
    LatentMap,
    check_cells,
    cropped_map,
    local_proportions,
)
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from . import _local, _parts
from ._truncation import Cut, TruncationRule

LOCAL = "local proportions"
"""Name of their array in files."""


@final
@PRIORS.register("plurigaussian")
@pytree("fields", "proportions", "thresholds")
class PlurigaussianPrior(AbstractPrior):
    """Facies from Gaussian fields by a rule.

    Parameters
    ----------
    fields
        A Gaussian prior for each score of the rule, of mean 0 and standard deviation 1, without anamorphosis or facies.
    rule
        How the scores are read as facies.

    Raises
    ------
    InputError
        If there are not as many fields as scores, or a field cannot be used.
    """

    family = "plurigaussian"

    def __init__(self, fields: Sequence[AbstractPrior], rule: TruncationRule) -> None:
        if len(fields) != rule.components:
            raise InputError(
                f"The rule cuts {rule.components} scores, but {len(fields)} fields were given; give one for each score."
            )
        _parts.check_scores(fields, "Field")
        self.fields, self.rule, self.facies_model, self.ndim = tuple(fields), rule, rule, fields[0].ndim
        self.proportions: Float[np.ndarray, "facies *#grid"] | None = None
        """Local proportions; None where the rule's hold everywhere."""
        self.thresholds: Any = None
        """The local thresholds of each score, the least first."""

    @property
    def conditions(self) -> Mapping[str, str]:
        """Local proportions, and what the fields take, such as local ranges and directions."""
        of_fields = {name: words for one in self.fields for name, words in one.conditions.items() if name != "mean"}
        return {PROPORTIONS: PROPORTIONS_IN_WORDS, **of_fields}

    def given(self, **condition: Any) -> "PlurigaussianPrior":
        """The same prior with local proportions, and with fields under a condition.

        Parameters
        ----------
        proportions
            Shares of facies by code or name, such as ``{"sand": map}``; the facies left out share the rest as they
            share it in the rule. Each is a number, a curve along the first axis (layers or rows, from the least
            coordinate), in three dimensions a map ``[row, column]`` for all layers, or an array over the grid.
        condition
            Whatever else is given to every field that takes it, such as the azimuth of SPDE fields.

        Raises
        ------
        InputError
            If proportions are no shares, or no field takes a condition.
        """
        proportions = condition.pop(PROPORTIONS, None)
        if unknown := condition.keys() - self.conditions.keys():
            super().given(**dict.fromkeys(unknown))
        takers = [{k: v for k, v in condition.items() if k in one.conditions} for one in self.fields]
        fields = tuple(one.given(**taken) if taken else one for one, taken in zip(self.fields, takers, strict=True))
        other: PlurigaussianPrior = replace(self, fields=fields)
        if proportions is None:
            return other
        return other._under(
            local_proportions(self.rule, dict(self.rule.proportions), proportions, self.ndim).astype(np.float32)
        )

    def _under(self, shares: Float[np.ndarray, "facies *#grid"]) -> "PlurigaussianPrior":
        """The same prior under local proportions that are checked already."""
        found = _local.local_thresholds(self.rule, shares.astype(float))
        thresholds = tuple(tuple(one.astype(np.float32) for one in own) for own in found)
        bound: PlurigaussianPrior = replace(self, proportions=shares, thresholds=thresholds)
        return bound

    def cropped(self, start: tuple[int, ...], shape: tuple[int, ...]) -> "PlurigaussianPrior":
        """The same prior for a part of its grid."""
        fields = tuple(field.cropped(start, shape) for field in self.fields)
        other: PlurigaussianPrior = replace(self, fields=fields)
        if self.proportions is None:
            return other
        thresholds = tuple(tuple(cropped_map(one, start, shape) for one in own) for own in self.thresholds)
        shares = cropped_map(self.proportions, start, shape)
        part: PlurigaussianPrior = replace(other, proportions=shares, thresholds=thresholds)
        return part

    def latent_size(self, grid: Grid) -> int:
        """The latents of all fields; `InputError` if the local proportions are for another grid."""
        if self.proportions is not None:
            check_cells(self.proportions.shape[1:], grid, "local proportions")
        return _parts.latent_size(self.fields, grid)

    def on(self, grid: Grid) -> "PlurigaussianPrior":
        """The same prior with the numbers of all fields on one grid."""
        other: PlurigaussianPrior = replace(self, fields=tuple(field.on(grid) for field in self.fields))
        return other

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """The maps of all fields."""
        return _parts.latent_maps(self.fields, grid)

    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid score"]:
        """Turn a latent vector into the scores of every cell.

        Raises
        ------
        InputError
            If the length of `z` is not `latent_size(grid)`, or the grid does not suit a field.
        """
        scores = _parts.generate(self.fields, z, grid)
        if self.proportions is None:
            return scores
        check_cells(self.proportions.shape[1:], grid, "local proportions")
        pairs = zip(self.thresholds, _local.usual_thresholds(self.rule), strict=True)
        moved = [_local.carried(scores[..., n], *both) for n, both in enumerate(pairs)]
        return jnp.stack(moved, axis=-1)

    def parameters(self, z: Float[Array, "latent"], grid: Grid) -> dict[str, Float[Array, ""]]:
        """The unknown numbers of all fields, counted from 0."""
        return _parts.parameters(self.fields, [f"field {n}" for n in range(len(self.fields))], z, grid)

    def _with_facies_model(self, model: Any) -> "PlurigaussianPrior":
        other: PlurigaussianPrior = replace(self, rule=model, facies_model=model)
        return other

    def describe(self) -> dict[str, Any]:
        """Facies with their proportions, the cuts, and the covariance of each field."""
        fields = {f"field {number}": field.describe()["covariance"] for number, field in enumerate(self.fields)}
        local = {} if self.proportions is None else {"proportions": self._range_of_proportions()}
        return {"facies": self.rule.listed(), "rule": self.rule.describe(), **local, **fields}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        proportions = [list(pair) for pair in dict(self.rule.proportions).items()]
        cuts = {"cut": self.rule.cut.to_list(), "proportions": proportions}
        record = _parts.to_record(self.family, self.fields, cuts)
        if self.proportions is not None:
            record.arrays[LOCAL] = np.asarray(self.proportions)
        return record

    @classmethod
    def from_record(cls, record: PriorRecord) -> "PlurigaussianPrior":
        """Make the prior from the content of its file."""
        proportions = tuple((code, share) for code, share in record.metadata["proportions"])
        rule = TruncationRule(Cut.from_list(record.metadata["cut"]), proportions)
        prior = cls(_parts.from_record(record), rule)
        return prior._under(np.asarray(record.arrays[LOCAL])) if LOCAL in record.arrays else prior

    def _range_of_proportions(self) -> str:
        shares = np.asarray(self.proportions).reshape(len(self.rule.categories), -1)
        ends = zip(self.rule.labels, shares.min(axis=1), shares.max(axis=1), strict=True)
        return "local, " + ", ".join(f"{label} {low:.3g} to {high:.3g}" for label, low, high in ends)
