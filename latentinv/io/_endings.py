"""Which format a file has, by its ending."""

from pathlib import Path
from typing import Any

from latentinv.errors import InputError
from latentinv.registration import Registry


def format_by_ending(path: str | Path, *registries: Registry[Any], also: tuple[str, ...] = ()) -> Any:
    """Find the registered format of a file's ending.

    Parameters
    ----------
    path
        The file.
    registries
        Of formats that list their `endings`.
    also
        Endings that the caller writes by other means, for the message.

    Raises
    ------
    InputError
        If the ending is unknown.
    """
    known = {ending: form for registry in registries for form in registry.values() for ending in form.endings}
    ending = Path(path).suffix.lower()
    if ending not in known:
        raise InputError(f"{path} has an unsupported file extension; use one of {', '.join((*also, *sorted(known)))}.")
    return known[ending]
