"""What users type, turned into grids and settings, or refused in one sentence."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentinv.errors import InputError

if TYPE_CHECKING:
    from latentinv.grid import Grid

DRAWS_SETTINGS = ("draws", "samples", "members", "particles", "starts")
"""Names under which algorithms state how many realizations they give; the first that an algorithm has is used."""
PICTURES = (".png", ".pdf", ".svg")
"""Picture formats of `latentinv.plotting`, repeated here so that others are refused before it is imported."""
WHOLE_CELLS = 2**30
"""Most cells, over all fields, that are held in memory at once."""
MOST = 2**31 - 1
"""The largest count that JAX takes."""

Conditions = Annotated[
    list[str] | None,
    typer.Option(
        "--given",
        metavar="NAME=VALUE",
        help="What the prior takes, as a map's file or numbers: proportions.sand=sand.asc, azimuth=map.tif. "
        "Repeatable.",
    ),
]


def parse_shape(text: str, *, what: str = "grid", such: str = "125x60") -> tuple[int, ...]:
    """Read ``ROWSxCOLUMNS`` or ``LAYERSxROWSxCOLUMNS``.

    Parameters
    ----------
    text
        As typed.
    what, such
        What it is, and an example, for messages.

    Raises
    ------
    InputError
        If it is not two or three positive whole numbers with an x between them.
    """
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) not in (2, 3) or not all(_plain(part).strip().isdecimal() and int(part) > 0 for part in parts):
        raise InputError(
            f"The {what} '{text}' cannot be read; write ROWSxCOLUMNS such as {such}, or LAYERSxROWSxCOLUMNS, each at "
            "least 1."
        )
    return tuple(int(part) for part in parts)


def parse_grid(shape: str, spacing: str, origin: str) -> "Grid":
    """Make a grid from its shape, spacing and origin as typed."""
    parts = parse_shape(shape), _numbers(spacing, "spacing"), _numbers(origin, "origin")

    from latentinv.grid import Grid

    return Grid(*parts)


def parse_box(text: str, ndim: int) -> tuple[list[float], list[float]]:
    """Read a box as its lower and its upper corner, ``x,y(,z)`` each.

    Raises
    ------
    InputError
        If it is not two corners.
    """
    try:
        values = [float(_plain(part)) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != 2 * ndim:
        raise InputError(f"The box '{text}' cannot be read; write its two corners in metres such as 10,20,40,50.")
    return values[:ndim], values[ndim:]


def parse_names(text: str | None) -> dict[str, str] | None:
    """Read ``0=clay,1=sand`` as names by code.

    Raises
    ------
    InputError
        If it is not such a list.
    """
    if text is None:
        return None
    pairs = _pairs(text)
    if not all(len(pair) == 2 and all(pair) for pair in pairs) or len({pair[0] for pair in pairs}) < len(pairs):
        raise InputError(f"The names '{text}' cannot be read; write each code once, such as 0=clay,1=sand.")
    return {code: name for code, name in pairs}


def parse_files(texts: list[str]) -> dict[str, str]:
    """Read ``depth=depth.asc`` as files of maps by name.

    Raises
    ------
    InputError
        If one is not written so, or one is given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, _, file = (part.strip() for part in text.partition("="))
        if not (name and file):
            raise InputError(f"--map '{text}' cannot be read; write a name and a file, as depth=depth.asc.")
        if name in found:
            raise InputError(f"--map names '{name}' twice; give it once.")
        found[name] = file
    return found


def parse_stands(text: str | None) -> dict[int, int | str] | None:
    """Read ``0=1,2=sand``: for codes of one field facies of a prior, by code or name.

    Raises
    ------
    InputError
        If it is not such a list.
    """
    if text is None:
        return None
    pairs = _pairs(text)
    codes = [pair[0] for pair in pairs if len(pair) == 2 and all(pair) and _is_code(pair[0])]
    if len(set(codes)) < len(pairs):
        raise InputError(
            f"The facies '{text}' cannot be read; write each code of the map once with the prior's facies that it "
            "stands for, such as 0=0,1=sand."
        )
    return {int(code): int(facies) if _is_code(facies) else facies for code, facies in pairs}


def _is_code(text: str) -> bool:
    return _plain(text).removeprefix("-").isdecimal()


def parse_given(texts: list[str]) -> dict[str, Any]:
    """Read ``azimuth=FILE``, ``ranges=FILE,12`` or ``proportions.sand=0.3,0.4`` as what a prior is given.

    Raises
    ------
    InputError
        If one is not written so, or one is given twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        parts = [part.strip() for part in value.split(",")]
        head, _, facies = name.partition(".")
        if not (name and all(parts)):
            raise InputError(f"--given '{text}' cannot be read; write a name and a value, as azimuth=map.asc.")
        table = found.setdefault(head, {}) if facies else found
        key = facies or head
        if not isinstance(table, dict) or key in table:
            raise InputError(f"--given names '{name}' twice; give it once.")
        values = [_number_or_text(part) for part in parts]
        table[key] = values[0] if len(values) == 1 else values
    return found


def _number_or_text(text: str) -> float | str:
    try:
        return float(_plain(text))
    except ValueError:
        return text


def check_seed(seed: int) -> None:
    """Refuse a seed that the random number generator does not accept.

    Raises
    ------
    InputError
        If it is below 0 or does not fit 32 bits.
    """
    if not 0 <= seed < 2**32:
        raise InputError(f"The seed is {seed}; expected a whole number from 0 to {2**32 - 1}.")


def check_extension(path: Path, *known: str) -> None:
    """Refuse an output file whose extension the command does not support.

    Raises
    ------
    InputError
        If the extension is not supported, or there is nothing before it.
    """
    if not path.stem.strip():
        raise InputError(f"The output '{path}' has no name before its extension; give one, such as run{known[0]}.")
    if path.suffix not in known:
        *others, last = known
        wanted = f"{', '.join(others)} or {last}" if others else last
        raise InputError(f"{path} has an unsupported file extension; use {wanted}.")


def check_amount(count: int, shape: tuple[int, ...], remedy: str) -> None:
    """Refuse more cells than may be held in memory at once.

    Raises
    ------
    InputError
        If `count` fields of this shape have more; the message says what to do.
    """
    cells = math.prod(shape)
    if count * cells > WHOLE_CELLS:
        raise InputError(f"{count} fields of {cells} cells do not fit in memory; {remedy}.")


def parse_settings(algorithm: str, texts: list[str], draws: int | None) -> dict[str, Any]:
    """Read ``key=value`` settings of an algorithm.

    Parameters
    ----------
    algorithm
        Its name.
    texts
        The settings as typed.
    draws
        Number of draws to keep, if given separately.

    Raises
    ------
    InputError
        If there is no such algorithm or setting, or the value is not of the setting's type.
    """
    from latentinv.inference.run import default_settings

    defaults = default_settings(algorithm)
    settings: dict[str, Any] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not (key and equals and value):
            raise InputError(f"The setting '{text}' cannot be read; write --set key=value.")
        if key in settings:
            raise InputError(f"The setting '{key}' is given twice; give it once.")
        default_settings(algorithm, [key])
        settings[key] = _setting(key, value, defaults[key])
    if draws is not None:
        key = draws_setting(algorithm)
        if key in settings:
            raise InputError(
                f"Both --draws and --set {key} are given, but they are the same setting; give one of them."
            )
        settings[key] = _value(key, str(draws), whole=True)
    return settings


def draws_setting(algorithm: str) -> str:
    """Name of the setting that says how many realizations an algorithm gives.

    Raises
    ------
    InputError
        If it has none.
    """
    from latentinv.inference.run import default_settings

    known = default_settings(algorithm)
    for name in DRAWS_SETTINGS:
        if name in known:
            return name
    raise InputError(f"The algorithm '{algorithm}' sets the number of draws itself; leave --draws out.")


def _setting(key: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise InputError(f"The setting {key} is '{text}'; expected true or false.")
        return text == "true"
    return text if isinstance(default, str) else _value(key, text, whole=isinstance(default, int))


def _plain(text: str) -> str:
    """The text if it is written in plain digits, signs and points; Python also reads others, such as 1_000 and １０."""
    return text if text.isascii() and "_" not in text and "\n" not in text else "not plain"


def _value(key: str, text: str, *, whole: bool) -> int | float:
    try:
        value = int(_plain(text)) if whole else float(_plain(text))
    except ValueError:
        value = math.nan
    if not abs(value) <= (MOST if whole else sys.float_info.max):
        raise InputError(
            f"The setting {key} is '{text}'; expected a {f'whole number of at most {MOST}' if whole else 'number'}."
        )
    return value


def _numbers(text: str, what: str) -> tuple[float, ...] | float:
    try:
        values = tuple(float(_plain(part)) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"The {what} '{text}' cannot be read; write metres such as 1, or x and y such as 1,2."
        ) from None
    return values[0] if len(values) == 1 else values


def _pairs(text: str) -> list[list[str]]:
    """The sides of each part of ``0=clay,1=sand``."""
    return [[side.strip() for side in part.split("=")] for part in text.split(",")]
