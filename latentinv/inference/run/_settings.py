"""Algorithms made from their names and settings, as commands and files state them."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from latentinv.errors import InputError
from latentinv.inference.core import ALGORITHMS, AbstractAlgorithm, check_flags


def make_algorithm(name: str, options: dict[str, Any]) -> AbstractAlgorithm:
    """Make an algorithm from its name and settings.

    Raises
    ------
    InputError
        If there is no such algorithm or setting, or the setting cannot have this value.
    """
    default_settings(name, options)
    algorithm = ALGORITHMS[name](**options)
    check_flags(algorithm)
    return algorithm


def default_settings(name: str, named: Iterable[str] = ()) -> dict[str, Any]:
    """Settings that an algorithm has, with their defaults; its own first, then those that it shares with others.

    Parameters
    ----------
    name
        The algorithm's.
    named
        Settings that it is expected to have.

    Raises
    ------
    InputError
        If there is no such algorithm, or it has no such setting.
    """
    if not isinstance(name, str) or name not in ALGORITHMS:
        raise InputError(f"There is no algorithm called '{name}'; choose one of {', '.join(ALGORITHMS)}.")
    fields = dataclasses.fields(ALGORITHMS[name])  # type: ignore[arg-type]
    stated = {field.name: field.default for field in fields}
    kinds = [vars(kind).get("__annotations__", {}) for kind in ALGORITHMS[name].__mro__]
    defaults = {setting: stated[setting] for kind in kinds for setting in kind if setting in stated}
    for setting in named:
        if setting not in defaults:
            known = ", ".join(f"{key} ({str(default).lower()})" for key, default in defaults.items())
            raise InputError(f"The algorithm '{name}' has no setting '{setting}'; it has, with defaults, {known}.")
    return defaults
