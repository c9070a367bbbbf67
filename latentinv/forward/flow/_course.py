"""Times at which an aquifer is observed, and its initial state."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError
from latentinv.pytrees import pytree

from ._aquifer import Aquifer


@pytree("times", "steps", "specific_storage", "initial_heads", "start", "observed")
class Course:
    """Times at which an aquifer is observed, and its initial state.

    Parameters
    ----------
    aquifer
        Whose heads.
    times, specific_storage, initial_heads, observed
        As `TransientFlow` takes them.

    Raises
    ------
    InputError
        If one of them cannot be used.
    """

    def __init__(
        self,
        aquifer: Aquifer,
        times: Any,
        specific_storage: float,
        initial_heads: Float[np.ndarray, "*grid"] | None = None,
        observed: Any = None,
    ) -> None:
        self.times = _checked_times(times)
        self.steps = np.diff(self.times, prepend=0.0)
        """Seconds from each time to the next; computed in double precision, since late times differ little."""
        if not (math.isfinite(specific_storage) and specific_storage > 0):
            raise InputError(f"The specific storage is {specific_storage}; give a number above 0, in 1/m.")
        self.specific_storage = np.float64(specific_storage)
        self.initial_heads = None if initial_heads is None else np.asarray(initial_heads, float)
        """None for the steady heads before the wells pump, computed for each conductivity."""
        if self.initial_heads is not None:
            shape = aquifer.grid.shape
            if self.initial_heads.shape != shape or not np.all(np.isfinite(self.initial_heads)):
                raise InputError(f"The initial heads must be finite metres over {shape} cells, or left out.")
        self.start = None if self.initial_heads is None else aquifer.from_reference(self.initial_heads)
        """The initial heads of free cells counted from the aquifer's reference."""
        self.observed = np.arange(len(self.times)) if observed is None else np.asarray(observed, int)
        """Positions of the observed times."""
        if not len(self.observed) or self.observed.min() < 0 or self.observed.max() >= len(self.times):
            raise InputError(f"The observed times are not all positions from 0 to {len(self.times) - 1}; correct them.")

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The stated numbers."""
        names = ("times", "specific_storage", "initial_heads", "observed")
        values = {name: getattr(self, name) for name in names}
        return {name: np.asarray(value) for name, value in values.items() if value is not None}

    @staticmethod
    def settings(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
        """The arguments by name."""
        names = ("times", "initial_heads", "observed")
        settings = {name: arrays[name] for name in names if name in arrays}
        return settings | {"specific_storage": float(arrays["specific_storage"])}


def _checked_times(times: Any) -> Float[np.ndarray, "time"]:
    times = np.asarray(times, float)
    if times.ndim != 1 or not len(times) or not np.all(np.diff(times, prepend=0.0) > 0) or np.isinf(times).any():
        raise InputError("The times are not finite, above 0 and increasing; give seconds in order.")
    return times
