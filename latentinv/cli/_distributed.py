"""Options of commands that several processes, on one or several machines, can share."""

from typing import Annotated

import typer

from latentinv.errors import InputError

Distributed = Annotated[
    bool,
    typer.Option(
        "--distributed",
        help="Share the work with other processes that run the same command; needs no more under Slurm or Open MPI.",
    ),
]
Coordinator = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="With --distributed: address of process 0, for other launchers."),
]
Processes = Annotated[int | None, typer.Option(min=1, help="With --distributed: number of processes.")]
Process = Annotated[int | None, typer.Option(min=0, help="With --distributed: number of this process, from 0.")]


def join_others(distributed: bool, coordinator: str | None, processes: int | None, process: int | None) -> bool:
    """Join other processes if that was asked for; whether this one writes files and speaks to the user.

    Raises
    ------
    InputError
        If the others are not found, or options for them are given without ``--distributed``.
    """
    if not distributed:
        if (coordinator, processes, process) != (None, None, None):
            raise InputError("Given options of a distributed run without --distributed; add it, or leave them out.")
        return True
    from latentinv.devices import is_writer, start_distributed

    start_distributed(coordinator, processes, process)
    return is_writer()
