"""Checks of algorithms' settings, each with one sentence that names the setting."""

import dataclasses
import math
from typing import Any

import numpy as np

from latentinv.errors import InputError


def check_counts(settings: Any, *names: str, least: int = 1) -> None:
    """Raise `InputError` unless these settings are whole numbers of at least `least`."""
    for name in names:
        value = _plain(settings, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"The setting {name} is {value}; expected a whole number of at least {least}.")


def check_shares(settings: Any, *names: str, or_zero: bool = False) -> None:
    """Raise `InputError` unless these settings lie between 0 and 1, both excluded, or are 0 where that is allowed."""
    for name in names:
        value = _plain(settings, name)
        if not (_is_number(value) and 0 <= value < 1 and (or_zero or value > 0)):
            expected = "a share from 0 to below 1" if or_zero else "a share between 0 and 1"
            raise InputError(f"The setting {name} is {value}; expected {expected}.")


def check_positive(settings: Any, *names: str, or_zero: bool = False) -> None:
    """Raise `InputError` unless these settings are finite numbers above 0, or 0 where that is allowed."""
    for name in names:
        value = _plain(settings, name)
        if not (_is_number(value) and math.isfinite(value) and value >= 0 and (or_zero or value > 0)):
            expected = "a number of at least 0" if or_zero else "a number above 0"
            raise InputError(f"The setting {name} is {value}; expected {expected}.")


def check_flags(settings: Any) -> None:
    """Raise `InputError` unless the settings that are true or false by default are either."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(field.default, bool) and not isinstance(value, bool):
            raise InputError(f"The setting {field.name} is {value!r}; expected true or false.")


def check_choice(settings: Any, name: str, choices: tuple[str, ...]) -> None:
    """Raise `InputError` unless a setting is one of these words."""
    value = getattr(settings, name)
    if value not in choices:
        raise InputError(f"The setting {name} is '{value}'; expected one of {', '.join(choices)}.")


def _plain(settings: Any, name: str) -> Any:
    """A setting; a number of NumPy becomes one of Python's first, which can be stored."""
    value = getattr(settings, name)
    if isinstance(value, np.generic):
        object.__setattr__(settings, name, value.item())
    return getattr(settings, name)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
