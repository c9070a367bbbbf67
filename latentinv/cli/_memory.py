"""Advice when memory runs out. Only a process whose request for memory is refused can print it; one that the system
kills cannot.
"""

import contextlib
from collections.abc import Callable, Iterator

from latentinv.errors import InputError

TOO_LARGE = "This does not fit in memory; use a smaller grid or fewer draws."
TRAINING_TOO_LARGE = "This training does not fit in memory; give smaller patches or a smaller batch in the recipe."


@contextlib.contextmanager
def fitting_in_memory(advice: Callable[[], str]) -> Iterator[None]:
    """Turn running out of memory into advice, composed at that time.

    Raises
    ------
    InputError
        If memory is short.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        raise InputError(advice()) from error


def _is_out_of_memory(error: Exception) -> bool:
    # JAX's messages when memory runs out, on a GPU and on the CPU.
    words = ("RESOURCE_EXHAUSTED", "Out of memory")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)
