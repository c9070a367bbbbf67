"""What a run will need, estimated before it begins: memory from its shapes, time from its first steps.

Memory is the state, its copies and the draws, which are known, and what the fields of a batch need at once. That is the
most that is alive at a time while one field's data are predicted, counted in the traced program, times `GRADIENT`: of
the programs of `meanders` on 48 × 64 to 256 × 256 cells XLA's own count was 1.13 to 1.33 of it.
"""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from latentinv.errors import InputError
from latentinv.inference.core import AbstractAlgorithm, kernel_of
from latentinv.keys import from_seed, named, numbered
from latentinv.posterior import Posterior
from latentinv.working_time import TimeLeft, WorkingTime

GRADIENT = 1.5
STEPS = 4
"""Steps that are taken to measure the pace."""
COPIES = 3
"""Copies of a state: the last, the next, and the one on its way to the file."""
PROGRAMS = 600 * 2**20
"""Bytes for Python, JAX and compiled programs."""
CGROUP = Path("/sys/fs/cgroup")


class MemoryNeed(NamedTuple):
    """Estimated memory of a run, in bytes."""

    kept: int
    """Programs, states and draws."""
    per_field: int
    """For each field of a batch."""
    together: int
    """Fields of a batch."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.kept + self.together * self.per_field


def memory_needed(posterior: Posterior, algorithm: AbstractAlgorithm) -> MemoryNeed:
    """Estimate the memory that a run will need at most.

    Cost: the programs are traced, not compiled.
    """
    key = from_seed(0, "beforehand")
    state = jax.eval_shape(kernel_of(algorithm).init, posterior, key)
    state_bytes = sum(_bytes(leaf) for leaf in jax.tree.leaves(state))
    latents = jax.ShapeDtypeStruct((posterior.latent_size,), jnp.float32)
    traced = jax.make_jaxpr(lambda posterior, z: posterior.predict(z))(posterior, latents)
    draws = getattr(algorithm, "draws", 0) * getattr(algorithm, "chains", 1)
    kept = draws * (4 * posterior.latent_size + 4 * posterior.grid.size)
    weights = sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(posterior))
    per_field = int(GRADIENT * _most_alive(traced.jaxpr))
    kept += algorithm.bytes_at_first(state_bytes)
    return MemoryNeed(PROGRAMS + COPIES * state_bytes + kept + 2 * weights, per_field, algorithm.together)


def check_memory(need: MemoryNeed, available: int | None) -> None:
    """Refuse a run that does not fit, and say what would.

    Parameters
    ----------
    need
        The estimate.
    available
        Bytes that are free; None if that is not known.

    Raises
    ------
    InputError
        If it needs more.
    """
    if available is None or need.total <= available:
        return
    fits = (available - need.kept) // max(need.per_field, 1)
    words = f"This run needs about {say_bytes(need.total)} of memory, and {say_bytes(available)} are free; "
    if fits >= 1:
        raise InputError(f"{words}working on {fits} fields at a time instead of {need.together} would fit.")
    smaller = available / (need.kept + need.per_field)
    raise InputError(
        f"{words}even one field at a time does not fit; a grid of {100 * smaller:.0f} % of the cells would."
    )


def available_memory() -> int | None:
    """Free bytes where programs run: of the device, or of this machine, within the limits of its control group."""
    device = jax.devices()[0]
    if device.platform != "cpu":
        stats = device.memory_stats() or {}
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0) if "bytes_limit" in stats else None
    known = [one for one in (_machine_memory(), _group_memory()) if one is not None]
    return min(known, default=None)


def seconds_needed(posterior: Posterior, algorithm: AbstractAlgorithm, *, limit: float = 60.0) -> float | None:
    """Estimate the time of a run by taking its first steps, which are not kept.

    Parameters
    ----------
    posterior, algorithm
        The run's.
    limit
        Seconds after which no further step is begun.

    Returns
    -------
    Seconds, compilation included; None if no pace shows by then.
    """
    kernel, on_device = kernel_of(algorithm), jax.device_put(posterior)
    key_start, key_steps = named(from_seed(0, "beforehand"), "start", "steps")
    clock, begun = WorkingTime(), time.monotonic()
    time_left, left = TimeLeft(clock, begun=0.0), None
    try:
        state, step = jax.block_until_ready(kernel.init(on_device, key_start)), 0
        while not kernel.finished(state) and time.monotonic() - begun < limit:
            state, info = jax.block_until_ready(kernel.step(on_device, numbered(key_steps, step), state))
            step += 1
            progress = kernel.progress(posterior, state, info)
            left = time_left.seconds(progress.done, to_compile=progress.to_compile)
            if step >= STEPS and left is not None:
                break
    finally:
        clock.stop()
    spent = time.monotonic() - begun
    if kernel.finished(state):
        return spent
    return None if left is None else spent + left


def say_bytes(count: float) -> str:
    """Put a size into words: ``640 MB``, ``2.1 GB``."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, math.ceil(count / 1e6))} MB"


def _bytes(value: Any) -> int:
    shape, dtype = getattr(value, "shape", ()), getattr(value, "dtype", np.dtype(np.float32))
    return math.prod(shape) * getattr(dtype, "itemsize", 4)


def _most_alive(program: Any) -> int:
    """Most bytes of intermediate results alive at once in a traced program."""
    last = {id(variable): at for at, step in enumerate(program.eqns) for variable in step.invars}
    last |= {id(variable): len(program.eqns) for variable in program.outvars}
    alive: dict[int, int] = {}
    most = 0
    for at, step in enumerate(program.eqns):
        alive |= {id(variable): _bytes(variable.aval) for variable in step.outvars}
        inner = max((_most_alive(one) for one in _programs_within(step)), default=0)
        most = max(most, sum(alive.values()) + inner)
        alive = {name: size for name, size in alive.items() if last.get(name, -1) > at}
    return most


def _programs_within(step: Any) -> Iterator[Any]:
    """The programs that a step calls, such as a loop's body."""
    for value in step.params.values():
        for one in value if isinstance(value, tuple | list) else (value,):
            inner = getattr(one, "jaxpr", one)
            if hasattr(inner, "eqns"):
                yield inner


def _machine_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return None


def _group_memory() -> int | None:
    try:
        limit, used = ((CGROUP / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
        return int(limit) - int(used)
    except (OSError, ValueError):  # no such group, or no limit: "max"
        return None
