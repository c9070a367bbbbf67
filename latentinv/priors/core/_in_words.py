"""Descriptions of priors (`AbstractPrior.describe`) as texts."""

from typing import Any


def in_words(value: Any) -> str:
    """A readable description of a prior: numbers to four digits, tables as names with their contents."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(in_words, value))}]"
    if isinstance(value, dict):
        parts = {name.replace("_", " "): part for name, part in value.items() if part is not None}
        return ", ".join(f"{name} {in_words(part)}" for name, part in parts.items())
    return str(value)
