"""Facies read from several Gaussian scores per cell by a rule of cuts: truncated Gaussian and plurigaussian facies.

A rule is a tree. A cut divides the space of scores, or a part of it, by a threshold on one score; below and above it
there is a facies or a further cut, so every facies is a box in that space, and the boxes fill it (Armstrong et al.
2011, doi:10.1007/978-3-642-19607-2). The rule states the geology: which facies may be in contact. The scores of a cell
are independent and N(0, 1), so the probability of a box is a product, and the thresholds follow from the facies' target
proportions cut by cut:

    Φ(threshold) = Φ(a) + (Φ(b) − Φ(a)) · share of the facies below among those below and above,

a and b being the bounds so far of the score that is cut. One score alone is the truncated Gaussian model (Matheron et
al. 1987, doi:10.2118/16753-MS).

The soft reading moves the scores by independent logistic noise of scale 1 / slope: the probability of a facies is that
of its box, the product over scores of σ(slope · (score − lower)) − σ(slope · (score − upper)). For one score it is the
ordered logit of `FaciesModel`.
"""

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy import special

from latentinv.errors import InputError
from latentinv.priors.core import AbstractFaciesModel, facies_names


@dataclass(frozen=True)
class Cut:
    """A threshold on one score, with what lies below it and above it.

    Parameters
    ----------
    score
        Which score is cut, from 0.
    below, above
        A facies code, or a further cut.
    """

    score: int
    below: "int | Cut"
    above: "int | Cut"

    def facies(self) -> Iterator[int]:
        """The facies codes, from below to above."""
        for part in (self.below, self.above):
            yield from part.facies() if isinstance(part, Cut) else (part,)

    def scores(self) -> Iterator[int]:
        """The scores that are cut."""
        yield self.score
        for part in (self.below, self.above):
            yield from part.scores() if isinstance(part, Cut) else ()

    def to_list(self) -> list[Any]:
        """The tree as nested lists, ``[score, below, above]``."""
        return [self.score, *(part.to_list() if isinstance(part, Cut) else part for part in (self.below, self.above))]

    @classmethod
    def from_list(cls, tree: list[Any]) -> "Cut":
        """Make the tree from nested lists."""
        return cls(tree[0], *(cls.from_list(part) if isinstance(part, list) else part for part in tree[1:]))


@final
@dataclass(frozen=True)
class TruncationRule(AbstractFaciesModel):
    """A tree of cuts with the facies' target proportions.

    Parameters
    ----------
    cut
        The first cut.
    proportions
        Share of each facies, by its code; together 1.

    Raises
    ------
    InputError
        If a facies is named twice by the cuts, the proportions are not of the same facies, one is not positive, they do
        not sum to 1, or a score is never cut.
    """

    cut: Cut
    proportions: Mapping[int, float] | tuple[tuple[int, float], ...]
    """Stored as pairs of code and share, from below to above."""
    names: tuple[str, ...] = field(default=(), compare=False)
    """What the facies are called, in the order of `categories`; empty where they have no names."""

    def __post_init__(self) -> None:
        codes, shares = tuple(self.cut.facies()), dict(self.proportions)
        if len(set(codes)) != len(codes):
            raise InputError(f"The cuts name the facies {codes}, one of them twice; give each facies one place.")
        if set(codes) != set(shares):
            raise InputError(
                f"The cuts name the facies {sorted(codes)}, the proportions {sorted(shares)}; give both the same ones."
            )
        if not all(0 < share < 1 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
            raise InputError(
                f"The proportions {list(shares.values())} are not shares above 0 that sum to 1; correct them."
            )
        cut = set(self.cut.scores())
        if cut != set(range(len(cut))):
            raise InputError(f"The scores {sorted(cut)} are cut; number them from 0 without a gap.")
        object.__setattr__(self, "proportions", tuple((code, float(shares[code])) for code in codes))
        object.__setattr__(self, "names", facies_names(self.names, codes))

    @property
    def categories(self) -> tuple[int, ...]:  # type: ignore[override]
        """The facies codes, from below to above."""
        return tuple(self.cut.facies())

    @property
    def components(self) -> int:
        """Scores in each cell."""
        return len(set(self.cut.scores()))

    @functools.cached_property
    def boxes(self) -> Float[np.ndarray, "edge facies score"]:
        """Lower and upper bounds of each facies in each score; infinite where there is none."""
        edges = np.array([[-np.inf], [np.inf]]) * np.ones(self.components)
        found = dict(_boxes(self.cut, dict(self.proportions), edges))
        return np.stack([found[code] for code in self.categories], axis=1)

    def index(self, field: Float[Array, "*grid score"]) -> Int[Array, "*grid"]:
        """Index of the facies in whose box the scores lie; a score on a threshold belongs to the facies above."""
        scores = jnp.asarray(field)[..., None, :]
        lower, upper = jnp.asarray(self.boxes, scores.dtype)
        return jnp.argmax(jnp.all((scores >= lower) & (scores < upper), axis=-1), axis=-1)

    def margin(self, field: Float[Array, "*grid score"], index: Int[Array, "*grid"]) -> Float[Array, "*grid"]:
        """Distance to the nearest face of the facies' box; outside it, minus the largest distance along a score."""
        field = jnp.asarray(field)
        lower, upper = jnp.asarray(self.boxes, field.dtype)
        return jnp.minimum(field - lower[index], upper[index] - field).min(axis=-1)

    def log_probability(
        self, field: Float[Array, "*grid score"], slope: float | Float[Array, ""]
    ) -> Float[Array, "*grid facies"]:
        """Log-probability of each facies' box under logistic noise of scale 1 / slope."""
        scores = jnp.asarray(field)[..., None, :]
        # Infinite bounds are left out of products, so that gradients stay finite.
        finite, edges = np.isfinite(self.boxes), np.nan_to_num(self.boxes, posinf=0.0, neginf=0.0)
        lower, upper = jnp.asarray(edges, scores.dtype)
        above = jnp.where(finite[0], jax.nn.log_sigmoid(slope * (scores - lower)), 0.0)
        below = jnp.where(finite[1], jax.nn.log_sigmoid(slope * (upper - scores)), 0.0)
        # As in `FaciesModel`, σ(a) − σ(b) = σ(a) σ(−b) (1 − e^(b − a)), the last factor from the thresholds alone.
        between = finite.all(axis=0)
        width = jnp.where(between, jnp.log(-jnp.expm1(-slope * jnp.where(between, upper - lower, 1.0))), 0.0)
        return jnp.sum(above + below + width, axis=-1)

    def describe(self) -> str:
        """Describe the proportions and the cuts."""
        shares = ", ".join(f"{code}: {share:g}" for code, share in dict(self.proportions).items())
        return f"facies {{{shares}}} by the cuts {self.cut.to_list()}"


def _boxes(
    part: int | Cut, shares: dict[int, float], edges: Float[np.ndarray, "edge score"]
) -> Iterator[tuple[int, Float[np.ndarray, "edge score"]]]:
    """Each facies of a part of the tree with its box, given the box of the part."""
    if not isinstance(part, Cut):
        yield part, edges
        return
    below, above = (
        math.fsum(shares[code] for code in (side.facies() if isinstance(side, Cut) else (side,)))
        for side in (part.below, part.above)
    )
    low, high = special.ndtr(edges[:, part.score])
    threshold = special.ndtri(low + (high - low) * below / (below + above))
    for side, edge in ((part.below, 1), (part.above, 0)):
        inner = edges.copy()
        inner[edge, part.score] = threshold
        yield from _boxes(side, shares, inner)
