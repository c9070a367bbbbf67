"""Plurigaussian facies: several Gaussian fields, each with its own covariance, read as facies by a rule of cuts.

Each field gives a score to every cell; `TruncationRule` turns the scores into facies with stated proportions and
contacts (Armstrong et al. 2011, doi:10.1007/978-3-642-19607-2). The fields are independent Gaussian priors of any
method, so their ranges and directions may differ, and the latents are those of all fields, one after the other. With
one field it is the truncated Gaussian model. The generated field holds the scores along its last axis, so that it has
gradients; the cost is that of the fields.
"""

from collections.abc import Sequence
from typing import Any, final

from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import PRIORS, AbstractPrior, LatentMap
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from . import _parts
from ._truncation import Cut, TruncationRule


@final
@PRIORS.register("plurigaussian")
@pytree("fields")
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

    def latent_size(self, grid: Grid) -> int:
        """The latents of all fields."""
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
        return _parts.generate(self.fields, z, grid)

    def parameters(self, z: Float[Array, "latent"], grid: Grid) -> dict[str, Float[Array, ""]]:
        """The unknown numbers of all fields, counted from 0."""
        return _parts.parameters(self.fields, [f"field {n}" for n in range(len(self.fields))], z, grid)

    def _with_facies_model(self, model: Any) -> "PlurigaussianPrior":
        other: PlurigaussianPrior = replace(self, rule=model, facies_model=model)
        return other

    def describe(self) -> dict[str, Any]:
        """Facies with their proportions, the cuts, and the covariance of each field."""
        fields = {f"field {number}": field.describe()["covariance"] for number, field in enumerate(self.fields)}
        return {"facies": self.rule.listed(), "rule": self.rule.describe(), **fields}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        proportions = [list(pair) for pair in dict(self.rule.proportions).items()]
        return _parts.to_record(self.family, self.fields, {"cut": self.rule.cut.to_list(), "proportions": proportions})

    @classmethod
    def from_record(cls, record: PriorRecord) -> "PlurigaussianPrior":
        """Make the prior from the content of its file."""
        proportions = tuple((code, share) for code, share in record.metadata["proportions"])
        return cls(_parts.from_record(record), TruncationRule(Cut.from_list(record.metadata["cut"]), proportions))
