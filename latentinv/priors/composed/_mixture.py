"""A mixture of priors: one of several, chosen by a latent, such as the geological scenarios between which nobody can
decide.

The first latent chooses the component by its normal distribution function, Φ(z) below w₁, below w₁ + w₂ …, so that
each is chosen with its weight. The other latents are shared: each component takes as many of the first as it needs, so
that a change of scenario keeps the noise. The posterior probability of a scenario is its share of the draws. Gaussian
components of other mean, variance or covariance make a Gaussian mixture.

The field jumps where the choice changes, so the prior declares that it has no gradient, and algorithms that need one
refuse it. Cost: that of the chosen component, or of all of them for fields that are drawn side by side.
"""

from collections.abc import Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy import special

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import PRIORS, AbstractPrior
from latentinv.priors.gaussian import check_latent
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from . import _parts


@final
@PRIORS.register("mixture")
@pytree("components")
class MixturePrior(AbstractPrior):
    """One of several priors, with stated probabilities.

    Parameters
    ----------
    components
        The priors, all of the same facies, or all of a continuous property.
    weights
        Probability of each; together 1. All alike if omitted.
    names
        What the components are called in tables and reports: ``scenario 1`` … if omitted.

    Raises
    ------
    InputError
        If there are fewer than two components, they do not go together, or weights or names do not suit them.
    """

    family = "mixture"
    has_gradient = False

    def __init__(
        self,
        components: Sequence[AbstractPrior],
        weights: Sequence[float] | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> None:
        count = len(components)
        if count < 2 or not all(isinstance(one, AbstractPrior) for one in components):
            raise InputError(f"A mixture was given {count} components; give at least two priors.")
        first = components[0]
        for number, one in enumerate(components[1:], 2):
            if (one.ndim, one.facies_model) != (first.ndim, first.facies_model):
                raise InputError(
                    f"Component {number} of the mixture has {_content(one)}, the first {_content(first)}; give priors "
                    "of the same axes and the same facies, read in the same way."
                )
        shares = tuple(np.full(count, 1 / count).tolist() if weights is None else map(float, weights))
        if len(shares) != count or not all(0 < share < 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
            raise InputError(
                f"The mixture of {count} components has the weights {list(shares)}; give one above 0 for each, which "
                "sum to 1."
            )
        called = tuple(f"scenario {n}" for n in range(1, count + 1)) if names is None else tuple(names)
        if len(called) != count or len(set(called)) != count or not all(isinstance(one, str) and one for one in called):
            raise InputError(f"The mixture of {count} components has the names {called}; give each its own name.")
        self.components, self.weights, self.names = tuple(components), shares, called
        self.ndim, self.facies_model = first.ndim, first.facies_model

    def latent_size(self, grid: Grid) -> int:
        """One number for the choice, and as many as the component with most latents needs."""
        return 1 + max(one.latent_size(grid) for one in self.components)

    def on(self, grid: Grid) -> "MixturePrior":
        """The same prior with the numbers of all components on one grid."""
        other: MixturePrior = replace(self, components=tuple(one.on(grid) for one in self.components))
        return other

    def chosen(self, z: Float[Array, "latent"]) -> Int[Array, ""]:
        """Which component a latent vector chooses, from 0."""
        edges = special.ndtri(np.cumsum(self.weights)[:-1]).tolist()
        return sum((z[0] >= edge for edge in edges), jnp.zeros((), int))

    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*field"]:
        """Turn a latent vector into a field of the component that it chooses.

        Raises
        ------
        InputError
            If the length of `z` is not `latent_size(grid)`, or the grid does not suit a component.
        """
        check_latent(z, self.latent_size(grid), self.ndim, grid)
        sizes = [1 + one.latent_size(grid) for one in self.components]
        ways = [
            lambda z, one=one, size=size: one.generate(z[1:size], grid)
            for one, size in zip(self.components, sizes, strict=True)
        ]
        return jax.lax.switch(self.chosen(z), ways, z)

    def parameters(self, z: Float[Array, "latent"], grid: Grid) -> dict[str, Float[Array, ""]]:
        """For each component, 1 if it is chosen and else 0: over draws its probability."""
        del grid
        chosen = self.chosen(z)
        return {f"is {name}": (chosen == number).astype(z.dtype) for number, name in enumerate(self.names)}

    def _with_facies_model(self, model: Any) -> "MixturePrior":
        own = tuple(one.named(model.names) for one in self.components)
        other: MixturePrior = replace(self, components=own, facies_model=model)
        return other

    def describe(self) -> dict[str, Any]:
        """Weights, and the description of each component."""
        parts = zip(self.names, self.weights, self.components, strict=True)
        described = {name: {"weight": share, **one.describe()} for name, share, one in parts}
        return {"latents": "one for the choice, the others shared by all components", **described}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {"weights": list(self.weights), "names": list(self.names)}
        return _parts.to_record(self.family, self.components, metadata)

    @classmethod
    def from_record(cls, record: PriorRecord) -> "MixturePrior":
        """Make the prior from the content of its file."""
        weights, names = (record.metadata[name] for name in ("weights", "names"))
        return cls(_parts.from_record(record), weights, names=names)


def _content(prior: AbstractPrior) -> str:
    model = prior.facies_model
    return f"{prior.ndim} axes and " + ("a continuous property" if model is None else model.describe())
