"""Rules for the values of a recipe: a test, and words for what passes it.

A rule stands in the metadata of the field it belongs to, so a table's keys, defaults and rules are in one list.
"""

import dataclasses
import math
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from latentinv.errors import InputError, StorageError

Read = TypeVar("Read")

MOST_TEXT, DEEPEST = 2**20, 64
"""Most characters of a text in TOML, and most parts of a dotted key."""
LONG_KEY = re.compile(rf"(?<![^\s.,=\[\]{{}}])(?:[^\s.,=\[\]{{}}]+\s*\.\s*){{{DEEPEST}}}")


class Rule(NamedTuple):
    """A test of a TOML value, and what passes it."""

    accepts: Callable[[Any], bool]
    expected: str


def whole(low: int, high: int = 2**31 - 1) -> Rule:
    """Whole numbers (truth values are none) within bounds."""
    return Rule(lambda value: type(value) is int and low <= value <= high, f"a whole number from {low} to {high}")


def number(accepts: Callable[[float], bool], expected: str) -> Rule:
    """Finite numbers that pass a test."""
    return Rule(lambda value: type(value) in (int, float) and math.isfinite(value) and accepts(value), expected)


def several(item: Rule, counts: tuple[int, ...], expected: str) -> Rule:
    """Lists of one of some lengths whose items all pass a rule."""
    return Rule(lambda value: type(value) is list and len(value) in counts and all(map(item.accepts, value)), expected)


def words(meaning: str) -> Rule:
    """Texts that are not empty."""
    return Rule(lambda value: type(value) is str and value != "", meaning)


def one_of(choices: tuple[str, ...]) -> Rule:
    """One of some texts."""
    return Rule(lambda value: type(value) is str and value in choices, f"one of {', '.join(choices)}")


TABLE = Rule(lambda value: type(value) is dict, "a table of its own")
FLAG = Rule(lambda value: type(value) is bool, "true or false")
NUMBER = number(lambda value: True, "a finite number")
LABELS = Rule(lambda value: type(value) in (dict, list) and _are_texts(value), 'texts such as {0 = "clay", 1 = "sand"}')
SEED = whole(0, 2**32 - 1)


def _are_texts(value: Any) -> bool:
    texts = list(value.values()) if type(value) is dict else value
    return bool(texts) and all(type(text) is str for text in texts)


def entry(default: Any, rule: Rule) -> Any:
    """Declare a key of a table: its value where it is left out, and its rule."""
    return dataclasses.field(default=default, metadata={"rule": rule})


def rules_of(kind: Any) -> dict[str, Rule]:
    """The rules of a table's keys, by name."""
    return {item.name: item.metadata["rule"] for item in dataclasses.fields(kind)}


def checked(name: str, values: Any, rules: dict[str, Rule], *, file: str = "recipe") -> dict[str, Any]:
    """Check a table against its rules; lists become tuples. `file` says in messages what kind of file it is.

    Raises
    ------
    InputError
        If it is no table, or a key or a value is not among what the rules accept.
    """
    if not TABLE.accepts(values):
        raise InputError(f"The {file} has {name} = {values!r}; expected a table [{name}].")
    for key, value in values.items():
        if key not in rules:
            raise InputError(f"The {file}'s [{name}] has a key '{key}'; expected one of {', '.join(rules)}.")
        if not rules[key].accepts(value):
            raise InputError(f"The {file} has {key} = {value!r} in [{name}]; expected {rules[key].expected}.")
    return {key: tuple(value) if type(value) is list else value for key, value in values.items()}


def read_recipe_file(path: str | Path, file: str, parse: Callable[[str, Path], Read]) -> Read:
    """Make of a file of TOML what `parse` makes of its text and folder; its sentences get the file's name.

    Raises
    ------
    StorageError
        If the file, or one that it names, cannot be read.
    InputError
        If it is no TOML, or a key or value cannot be used.
    """
    text = _text_of(path, file)
    try:
        return parse(text, Path(path).parent)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def tables_of(text: str, file: str) -> dict[str, Any]:
    """Give the tables of a text in TOML.

    Raises
    ------
    InputError
        If it is none.
    """
    if len(text) > MOST_TEXT or LONG_KEY.search(text):
        raise InputError(
            f"The {file} is longer than {MOST_TEXT} characters, or has a key of more than {DEEPEST} parts; nothing "
            "that could be meant is so large. Correct it."
        )
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError(f"The {file} has tables or lists too deep within each other; correct it.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The {file} is not valid TOML: {error}; correct that line.") from error


def _text_of(path: str | Path, file: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise StorageError(f"There is no {file} {path}; check its name and folder.") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise StorageError(f"The {file} {path} cannot be read ({reason}); give another file.") from error
