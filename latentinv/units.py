"""Units of measurements: how many of one are in another, for the quantities that forward models predict."""

from collections.abc import Mapping

from .errors import InputError

UNITS: Mapping[str, Mapping[str, float]] = {
    "length": {"m": 1, "km": 1e3, "cm": 1e-2, "mm": 1e-3, "ft": 0.3048, "in": 0.0254, "yd": 0.9144, "mi": 1609.344},
    "time": {
        "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "min": 60, "h": 3600, "d": 86400,
    },
    "acceleration": {"m/s2": 1, "m/s²": 1, "Gal": 1e-2, "mGal": 1e-5, "uGal": 1e-8, "µGal": 1e-8, "μGal": 1e-8},
    "speed": {"m/s": 1, "cm/s": 1e-2, "m/d": 1 / 86400, "ft/d": 0.3048 / 86400, "m/h": 1 / 3600, "m/ns": 1e9},
    "flow": {
        "m3/s": 1, "m³/s": 1, "l/s": 1e-3, "L/s": 1e-3, "m3/h": 1 / 3600, "m³/h": 1 / 3600, "m3/d": 1 / 86400,
        "m³/d": 1 / 86400, "ft3/s": 0.3048**3, "ft3/d": 0.3048**3 / 86400,
    },
    "pressure": {"Pa": 1, "hPa": 1e2, "kPa": 1e3, "MPa": 1e6, "bar": 1e5, "mbar": 1e2, "psi": 6894.757293168},
}  # fmt: skip
"""By quantity: the size of each unit in the first of them."""
NAMES: Mapping[str, str] = {
    "metre": "m", "metres": "m", "meter": "m", "meters": "m", "feet": "ft", "foot": "ft", "sec": "s", "seconds": "s",
    "hours": "h", "days": "d", "day": "d", "milligal": "mGal", "mgal": "mGal", "milligals": "mGal",
}  # fmt: skip
"""Words for units."""


def unit_factor(given: str, expected: str, where: str) -> float:
    """How many of the expected unit are in one of the given; 1 if either is not stated.

    Parameters
    ----------
    given, expected
        Units; empty if not stated.
    where
        What is measured in the given unit, for messages.

    Raises
    ------
    InputError
        If one cannot be converted into the other.
    """
    one, other = (NAMES.get(unit.strip().lower(), unit.strip()) for unit in (given, expected))
    if not one or not other or one == other:
        return 1.0
    for sizes in UNITS.values():
        if one in sizes and other in sizes:
            return sizes[one] / sizes[other]
    raise InputError(
        f"{where} were given in '{given}', but the forward model predicts '{expected}', and it is not known how to "
        f"convert one into the other; convert the data, and give unit='{expected}'."
    )


def say_seconds(seconds: float) -> str:
    """Put a duration into words: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
