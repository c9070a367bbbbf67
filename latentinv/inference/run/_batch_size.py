"""How many fields an algorithm works on at once, where the user does not say.

On a CPU it is what keeps its cores busy, the algorithm's `usual_batch`. On a GPU or TPU it is as many as memory allows:
half of the device's memory, less what the run keeps (state, draws, posterior), divided by what one field's gradient
needs (`memory_needed`). The memory counted is that of the device, not what is free, so that a run gets the same number
on the same machine; the number is written into its file, so that a resumed run has it too.
"""

import dataclasses
from typing import Any

import jax

from latentinv.inference.core import AbstractAlgorithm
from latentinv.posterior import Posterior

from ._beforehand import memory_needed

SHARE = 0.5
"""Of a device's memory; the rest is for what the estimate does not count, such as a compiler's scratch space."""


def fitted(algorithm: AbstractAlgorithm, posterior: Posterior) -> AbstractAlgorithm:
    """The algorithm with the batch size that suits the device, if it has one that is not set.

    Cost: on a GPU or TPU a trace of the programs, a second or so.
    """
    settings: Any = algorithm
    if getattr(algorithm, "batch_size", None) != 0:
        return algorithm
    stats = jax.local_devices()[0].memory_stats() if jax.default_backend() != "cpu" else None
    capacity = (stats or {}).get("bytes_limit")
    size = algorithm.usual_batch if capacity is None else fields_within(int(capacity), algorithm, posterior)
    fitting: AbstractAlgorithm = dataclasses.replace(settings, batch_size=size)
    return fitting


def fields_within(capacity: int, algorithm: AbstractAlgorithm, posterior: Posterior) -> int:
    """Fields that a device of a capacity in bytes works on at once, at least one."""
    need = memory_needed(posterior, algorithm)
    return max(1, int(SHARE * capacity - need.kept) // max(need.per_field, 1))
