"""Unknown numbers of a prior, such as its range, before and after the data: what a run says of them.

Before the data they are drawn from the prior, with latents of their own, which takes no fields; after the data they are
those of the draws. Numbers that are 0 or 1, such as which scenario was chosen, count as probabilities.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.keys import from_seed
from latentinv.posterior import Posterior

from ._subject import RunLike

BEFORE = 2000
"""Draws of the prior."""
AT_ONCE = 2**24
"""Latents of the prior that are drawn at once."""


class Parameter(NamedTuple):
    """An unknown number of a prior."""

    name: str
    """With its unit."""
    before: Float[np.ndarray, "draw"]
    """Draws of the prior, without data."""
    after: Float[np.ndarray, "draw"]
    """The run's draws."""

    @property
    def is_choice(self) -> bool:
        """Whether it is 1 or 0, as something is so or not."""
        return bool(np.isin(self.before, (0, 1)).all())

    def words(self) -> tuple[str, str]:
        """What is said of it after the data, and before: median and nine draws of ten, or a probability."""
        return self._words(self.after), self._words(self.before)

    def _words(self, values: Float[np.ndarray, "draw"]) -> str:
        if self.is_choice:
            return f"{100 * np.mean(values):.0f} %"
        low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
        return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def inferred(run: RunLike) -> list[Parameter]:
    """The unknown numbers of a run's prior, before and after its data; none for most priors, and without draws."""
    after = parameters(run.posterior, run.latents) if len(run.latents) else {}
    if not after:
        return []
    count = max(200, min(BEFORE, AT_ONCE // run.posterior.latent_size))
    latents = jax.random.normal(from_seed(0, "parameters before data"), (count, run.posterior.latent_size))
    before = parameters(run.posterior, np.asarray(latents))
    return [Parameter(name, before[name], values) for name, values in after.items()]


def parameters(posterior: Posterior, latents: Float[np.ndarray, "draw latent"]) -> dict[str, Float[np.ndarray, "draw"]]:
    """Unknown numbers of the prior in each draw, by name with unit."""
    names: list[str] = []  # in the order of the prior; JAX sorts the keys of what a program gives
    one = jax.ShapeDtypeStruct((posterior.latent_size,), jnp.float32)
    jax.eval_shape(lambda z: names.extend(posterior.prior.parameters(z, posterior.grid)), one)
    if not names:
        return {}
    table = _parameter_table(posterior, jnp.asarray(latents))
    return {name: np.asarray(table[name]) for name in names}


@jax.jit
def _parameter_table(posterior: Posterior, latents: Float[Array, "draw latent"]) -> dict[str, Float[Array, "draw"]]:
    return jax.vmap(lambda z: posterior.prior.parameters(z, posterior.grid))(latents)
