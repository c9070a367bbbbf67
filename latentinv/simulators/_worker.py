"""A worker process: makes the calls that come through its pipe, one by one, until the pipe or its parent ends."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from ._simulator import Outcome, attempt, failed

READY = "ready"
GRACE = 1.0
"""Seconds that a worker has to end processes started by its simulator, before it is killed."""


def serve(connection: Connection) -> None:
    """Answer each message ``(simulator, or None for the last one; task)`` with an `Outcome`."""
    if hasattr(os, "setsid"):
        os.setsid()  # an interrupt at the terminal reaches only the parent; a kill reaches all that starts here
    signal.signal(signal.SIGTERM, _give_up)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    connection.send(READY)
    with contextlib.suppress(KeyboardInterrupt):
        _answer(connection)


def _answer(connection: Connection) -> None:
    simulator: Any = None
    while True:
        try:
            message, task = connection.recv()
        except (EOFError, OSError):
            return
        except Exception as error:  # the outcome of every call, if the simulator cannot be made here
            simulator = failed("crashed", f"it could not be made in a worker process ({type(error).__name__}: {error})")
            connection.send(simulator)
            continue
        if message is not None:
            simulator = message
        connection.send(simulator if isinstance(simulator, Outcome) else attempt(simulator, task))


def _end_with_parent() -> None:
    """Without this, a worker whose simulator hangs would not notice that its parent has gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)  # the main thread's, which it takes out of a wait
    time.sleep(GRACE)
    os._exit(1)


def _give_up(*_: object) -> None:
    raise KeyboardInterrupt  # which simulators do not catch, but use to clean up
