"""The proportion of a facies as a number that a network sees: its score, standard normal over patches of the image."""

from collections.abc import Mapping
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.priors.gaussian import Anamorphosis
from latentinv.pytrees import pytree


@final
@pytree("shares")
class Proportion:
    """A facies whose proportion is known or has a latent of its own.

    Parameters
    ----------
    position
        Of the facies, in the order of the codes.
    shares
        From scores to its shares of patches.
    """

    def __init__(self, position: int, shares: Anamorphosis) -> None:
        self.position, self.shares = position, shares

    def score(self, share: float) -> Float[np.ndarray, ""]:
        """The score of a share.

        Raises
        ------
        InputError
            If it is none, or no patch of the image has it.
        """
        values = np.asarray(self.shares.values)
        if not (isinstance(share, int | float) and values[0] <= share <= values[-1]):
            raise InputError(
                f"The prior was given proportion = {share}, but learned shares from {values[0]:.3g} to "
                f"{values[-1]:.3g}; give one of these."
            )
        return np.asarray(np.interp(share, values, np.asarray(self.shares.scores)), np.float32)

    def scores(self, shares: Float[Array, "field"]) -> Float[Array, "field"]:
        """Scores of shares as a program has them; beyond those of patches, the nearest."""
        return jnp.interp(shares, jnp.asarray(self.shares.values), jnp.asarray(self.shares.scores))

    def to_metadata(self) -> dict[str, Any]:
        """The content for a prior's file, from which `from_metadata` restores it."""
        return {"position": self.position, **self.shares.to_metadata()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> "Proportion":
        """Restore it from a prior's file."""
        table = {name: values for name, values in metadata.items() if name != "position"}
        return cls(metadata["position"], Anamorphosis(**table))
