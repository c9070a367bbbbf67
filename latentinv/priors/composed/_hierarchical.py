"""Facies from one prior and, within them, scores of Gaussian priors: the two stages of reservoir modelling in one
prior.

Geology is drawn first, then the property within each facies (Deutsch 2002, *Geostatistical Reservoir Modeling*, Oxford
University Press). The facies are read from the first numbers of a cell; after them come standard normal scores, one for
all facies or one for each, with the correlations of their own priors. `FaciesProperty` makes them a log-normal
property: median of the facies · exp(standard deviation of the facies · score). Scores have latents of their own, after
those of the facies, so data on the property inform both; the cost is that of all fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from typing import Any, final

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import PRIORS, AbstractFaciesModel, AbstractPrior, LatentMap
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from . import _parts


@final
@dataclass(frozen=True)
class HierarchicalFaciesModel(AbstractFaciesModel):
    """Facies read by another model from the first numbers of a cell, followed by scores.

    Parameters
    ----------
    facies_model
        How the first numbers are read.
    score_count
        Scores behind them: one for all facies, or one for each in the order of the categories.
    """

    facies_model: AbstractFaciesModel
    score_count: int = field()

    @property
    def categories(self) -> tuple[int, ...]:  # type: ignore[override]
        """The facies codes of the other model."""
        return self.facies_model.categories

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names of the other model."""
        return self.facies_model.names

    def named(self, names: Mapping[int, str] | Sequence[str]) -> "HierarchicalFaciesModel":
        """The same facies with names."""
        return replace_fields(self, facies_model=self.facies_model.named(names))

    @property
    def middles(self) -> tuple[float, ...] | None:
        """The middles of the other model."""
        return self.facies_model.middles

    @property
    def components(self) -> int:
        """Numbers of a field in each cell."""
        return (self.facies_model.components or 1) + self.score_count

    def leading(self, field: Float[Array, "*grid number"]) -> Float[Array, "*field"]:
        """The numbers from which the facies are read."""
        field = jnp.asarray(field)
        return field[..., 0] if self.facies_model.components is None else field[..., : -self.score_count]

    def scores(self, field: Float[Array, "*grid number"]) -> Float[Array, "*grid #facies"]:
        """Scores of each cell."""
        return jnp.asarray(field)[..., -self.score_count :]

    def index(self, field: Float[Array, "*grid number"]) -> Int[Array, "*grid"]:
        """Index of the facies in `categories` in each cell."""
        return self.facies_model.index(self.leading(field))

    def margin(self, field: Float[Array, "*grid number"], index: Int[Array, "*grid"]) -> Float[Array, "*grid"]:
        """Distance of a cell's values inside those of a facies."""
        return self.facies_model.margin(self.leading(field), index)

    def log_probability(
        self, field: Float[Array, "*grid number"], slope: float | Float[Array, ""]
    ) -> Float[Array, "*grid facies"]:
        """Log-probability of each facies."""
        return self.facies_model.log_probability(self.leading(field), slope)

    def describe(self) -> str:
        """Describe the other model and the scores."""
        return f"{self.facies_model.describe()} and {self.score_count} scores within them"


@final
@PRIORS.register("hierarchical")
@pytree("facies_prior", "scores")
class HierarchicalPrior(AbstractPrior):
    """Facies, and scores of a property that varies within them.

    Parameters
    ----------
    facies
        A prior of facies.
    scores
        A Gaussian prior for all facies, or a sequence of one for each facies in the order of its categories; of mean 0
        and standard deviation 1, without anamorphosis or facies.

    Raises
    ------
    InputError
        If the first prior has no facies or is hierarchical itself, there are neither one nor as many score priors as
        facies, or one cannot be used.
    """

    family = "hierarchical"

    def __init__(self, facies: AbstractPrior, scores: AbstractPrior | Sequence[AbstractPrior]) -> None:
        if not isinstance(facies, AbstractPrior):
            raise InputError(f"The prior of facies is a {type(facies).__name__}; load or make a prior of facies first.")
        model = facies.facies_model
        if model is None or model.score_count:
            what = "has no facies" if model is None else "has scores within its facies already"
            raise InputError(f"The prior {what}; give a prior of facies alone.")
        self.facies_prior = facies
        self.scores = tuple(scores) if isinstance(scores, Sequence) else (scores,)
        if len(self.scores) not in (1, len(model.categories)):
            raise InputError(
                f"Given {len(self.scores)} priors of scores for {len(model.categories)} facies; give one for all, or "
                "one for each."
            )
        _parts.check_scores(self.scores, "The prior of scores", facies.ndim)
        self.ndim = facies.ndim
        self.facies_model = HierarchicalFaciesModel(model, len(self.scores))

    def latent_size(self, grid: Grid) -> int:
        """The latents of the facies and of all scores."""
        return _parts.latent_size(self._all, grid)

    def on(self, grid: Grid) -> "HierarchicalPrior":
        """The same prior with the numbers of facies and scores on one grid."""
        scores = tuple(score.on(grid) for score in self.scores)
        other: HierarchicalPrior = replace(self, facies_prior=self.facies_prior.on(grid), scores=scores)
        return other

    def given(self, **condition: Any) -> "HierarchicalPrior":
        """The same prior with its facies under a condition."""
        other: HierarchicalPrior = replace(self, facies_prior=self.facies_prior.given(**condition))
        return other

    def cropped(self, start: tuple[int, ...], shape: tuple[int, ...]) -> "HierarchicalPrior":
        """The same prior for a part of its grid."""
        other: HierarchicalPrior = replace(self, facies_prior=self.facies_prior.cropped(start, shape))
        return other

    def _with_facies_model(self, model: Any) -> "HierarchicalPrior":
        own = self.facies_prior.named(model.names)
        other: HierarchicalPrior = replace(self, facies_prior=own, facies_model=model)
        return other

    @property
    def conditions(self) -> Mapping[str, str]:
        """The conditions that the prior of facies takes."""
        return self.facies_prior.conditions

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """The maps of the facies and of all scores."""
        return _parts.latent_maps(self._all, grid)

    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid number"]:
        """Turn a latent vector into the numbers from which facies are read, and the scores, cell by cell.

        Raises
        ------
        InputError
            If the length of `z` is not `latent_size(grid)`, or the grid does not suit a part.
        """
        return _parts.generate(self._all, z, grid)

    def parameters(self, z: Float[Array, "latent"], grid: Grid) -> dict[str, Float[Array, ""]]:
        """The unknown numbers of the facies and of all scores, counted from 0."""
        return _parts.parameters(self._all, ["facies", *(f"score {n}" for n in range(len(self.scores)))], z, grid)

    @property
    def has_gradient(self) -> bool:  # type: ignore[override]
        """Whether the prior of facies has one."""
        return self.facies_prior.has_gradient

    def discriminate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*scores"]:
        """Score the facies of a latent vector with their prior's discriminator."""
        return self.facies_prior.discriminate(z[: self.facies_prior.latent_size(grid)], grid)

    def describe(self) -> dict[str, Any]:
        """The description of the prior of facies, and the covariance of each score."""
        scores = {f"score {number}": score.describe()["covariance"] for number, score in enumerate(self.scores)}
        return {**self.facies_prior.describe(), **scores}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        return _parts.to_record(self.family, self._all, {})

    @classmethod
    def from_record(cls, record: PriorRecord) -> "HierarchicalPrior":
        """Make the prior from the content of its file."""
        facies, *scores = _parts.from_record(record)
        return cls(facies, scores)

    @property
    def _all(self) -> tuple[AbstractPrior, ...]:
        return self.facies_prior, *self.scores
