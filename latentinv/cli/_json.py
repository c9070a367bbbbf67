"""Results for other programs: one JSON object on stdout."""

import json
import math
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words and tables.")]


def print_json(record: Any) -> None:
    """Print a record as JSON; a number that is not finite becomes null."""
    print(json.dumps(_plain(record), indent=1, allow_nan=False, ensure_ascii=False))


def _plain(value: Any) -> Any:
    """A value in JSON's types."""
    if hasattr(value, "tolist"):  # an array, or a number of NumPy's
        return _plain(value.tolist())
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
