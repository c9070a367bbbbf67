"""Devices and hosts: rows of a table spread over all of them, by one mechanism.

Particles, chains, fields and tiles are rows that do not depend on each other. `spread` gives each device an equal share
of them, after copies of the last row where they do not divide, and every device all results. So whatever follows
(resampling, tuning, the record) is the same program on the same numbers as on one device, and only what is costly is
shared out. What one device adds to a result is rounding: a compiler may sum a batch of another size in another order.

With one device nothing is spread. So it is within `jax.default_device`, by which a user keeps a run on one device of
several, and where data come from simulators outside JAX.

Several processes, one for each host or device, run the same program on the same numbers, after `start_distributed`.
`jax.devices()` are then those of all of them. One process writes files and speaks to the user (`is_writer`). The
machines must be of one kind, since every process takes the same decisions from its own copy of the results.

Cost: rows and results cross the network once for each evaluation, some megabytes; rows and results of all devices are
held by every device.
"""

import contextlib
import functools
import os
import re
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from latentinv.errors import InputError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
AXIS = "row"
"""Name of the mesh's axis."""
QUICK = {"xla_backend_optimization_level": 1}
"""Options of compilations on a CPU."""
OF_NETWORKS = {"xla_cpu_use_fusion_emitters": False}
"""More of them for programs that are networks alone; stencils, as of groundwater flow, would take half longer."""


def device_count() -> int:
    """Devices over which rows are spread: all, or one within `jax.default_device`."""
    return 1 if getattr(jax.config, "jax_default_device", None) is not None else jax.device_count()


def share_of(rows: int) -> int:
    """Most rows that one device gets of a number of them."""
    return -(-rows // device_count())


def spread(function: Callable[[Any], Any], rows: Any) -> Any:
    """Apply a function of a table of rows to each device's share, and give all devices all results.

    Parameters
    ----------
    function
        From a tree of arrays with a common leading axis to another with the same; no row may depend on others. What
        else it uses is copied to every device.
    rows
        A tree of arrays with a common leading axis.
    """

    def alone(share: Any) -> Any:
        with one_device():  # rows of rows stay where they are
            return function(share)

    devices, count = device_count(), len(jax.tree.leaves(rows)[0])
    if devices == 1 or count == 0:
        return function(rows)
    mesh, place = _mesh(), jnp.minimum(jnp.arange(share_of(count) * devices), count - 1)
    whole, parts = NamedSharding(mesh, PartitionSpec()), PartitionSpec(AXIS)
    # Without both constraints the compiler might leave a part of the state on each host, where no other sees it.
    filled = jax.lax.with_sharding_constraint(jax.tree.map(lambda x: x[place], rows), whole)
    each = jax.shard_map(alone, mesh=mesh, in_specs=parts, out_specs=parts, check_vma=False)
    results = jax.lax.with_sharding_constraint(each(filled), whole)
    return _untyped(jax.tree.map(lambda y: y[:count], results))


def compiled(
    function: Callable[Arguments, Result], *, of_networks: bool = False, **settings: Any
) -> Callable[Arguments, Result]:
    """`jax.jit` for large programs, whose arguments may lie on all devices; within another program, a part of it.

    On a CPU LLVM's higher levels gain hardly anything. In networks nearly all of the work is products by libraries, so
    XLA's newer fusions gain little too, and take longer than all else of a compilation. Both are left out unless the
    user's `XLA_FLAGS` choose them.

    Parameters
    ----------
    function, **settings
        As for `jax.jit`.
    of_networks
        Whether the program is a network's, without a forward model.
    """

    @functools.wraps(function)
    def program(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        return function(*_untyped(arguments), **_untyped(named))

    @functools.cache
    def jitted() -> Callable[Arguments, Result]:
        chosen = os.environ.get("XLA_FLAGS", "")
        wanted = QUICK | OF_NETWORKS if of_networks else QUICK
        options = {name: value for name, value in wanted.items() if name not in chosen}
        found: Callable[Arguments, Result] = jax.jit(
            program, compiler_options=options if jax.default_backend() == "cpu" else None, **settings
        )
        return found

    @functools.wraps(function)
    def call(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((arguments, named))):
            return program(*arguments, **named)  # only a whole program may have options
        return jitted()(*arguments, **named)

    return call


def on_devices(tree: Any) -> Any:
    """The numbers of a tree, copied to every device, so that programs need not copy them again."""
    if device_count() == 1:
        return jax.device_put(tree)
    whole = NamedSharding(_mesh(), PartitionSpec())
    return jax.tree.map(lambda leaf: jax.device_put(np.asarray(leaf), whole), tree)


def one_device() -> contextlib.AbstractContextManager[Any]:
    """Work on one device of this process only, which other processes need not take part in."""
    return jax.default_device(jax.local_devices()[0]) if jax.device_count() > 1 else contextlib.nullcontext()


def start_distributed(coordinator: str | None = None, processes: int | None = None, process: int | None = None) -> None:
    """Make this process one of several that share the work; call it before anything else uses JAX.

    Under Slurm, Open MPI and other launchers that JAX knows no argument is needed. All processes run the same program
    with the same arguments. `jax.distributed.initialize` waits for all of them. Nothing else of JAX's configuration is
    changed, but on CPUs processes need the collectives ``gloo``, JAX's default, which are set if others are not.

    Parameters
    ----------
    coordinator
        Address ``host:port`` of process 0, which all others can reach.
    processes
        Number of processes.
    process
        Number of this one, from 0.

    Raises
    ------
    InputError
        If some arguments are given but not all, the coordinator has no port, a launcher that JAX knows is not found, or
        JAX is already in use.
    """
    given = (coordinator, processes, process)
    if any(one is None for one in given) and any(one is not None for one in given):
        raise InputError(
            "Of the coordinator, the number of processes and the number of this one some are given and some not; give "
            "all three, or none of them under Slurm or Open MPI."
        )
    if coordinator is not None and not re.fullmatch(r".+:\d+", coordinator):
        raise InputError(f"The coordinator is '{coordinator}'; expected HOST:PORT, such as node1:12400.")
    if processes is not None and process is not None and not 0 <= process < processes:
        raise InputError(f"The process is {process} of {processes}; expected a number from 0 to {processes - 1}.")
    if getattr(jax.config, "jax_cpu_collectives_implementation", "gloo") in (None, "none"):
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(coordinator, processes, process)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            "This process could not join others: "
            f"{' '.join(str(error).split())[:300]} Start it by srun or mpirun, or give the coordinator's address, the "
            "number of processes and the number of this one, before anything else uses JAX."
        ) from error


def is_writer() -> bool:
    """Whether this process writes files and speaks to the user; the only one, or process 0 of several."""
    return jax.process_index() == 0


def wait_for_others(purpose: str) -> None:
    """Wait until all processes come here; does nothing for one process."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(purpose)


def _untyped(tree: Any) -> Any:
    """The numbers of a tree without the mesh that JAX types them by.

    A part of a program for one device accepts no number from around it that is typed as one of the whole mesh. A number
    chosen by another that lies on a mesh of another name is of neither.
    """
    other = NamedSharding(_mesh("untyped"), PartitionSpec())

    def untyped(x: Any) -> Any:
        if not isinstance(x, jax.Array) or jax.typeof(x).sharding.mesh.empty:
            return x
        return jax.lax.select(jax.lax.with_sharding_constraint(jnp.bool_(True), other), x, x)

    return jax.tree.map(untyped, tree)


def _mesh(axis: str = AXIS) -> Mesh:
    return jax.make_mesh((jax.device_count(),), (axis,), axis_types=(AxisType.Auto,))
