"""Boreholes from logs in LAS files (CWLS, *Log ASCII Standard*, versions 1.2 and 2.0, wrapped or not), by lasio.

A file holds the curves of one hole. The first curve is the depth along the hole, in metres or feet; the facies are read
from the curve that the user names, as codes or as names of the prior's facies. What the header calls null has no value.
A sample stands for the part of the hole that is nearer to it than to the samples above and below, at most one usual
step of the file to each side, so nothing is logged across gaps. From there on the rules are those of intervals.
"""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from latentinv.data.core import facies_words
from latentinv.errors import InputError, StorageError
from latentinv.io import Words, missing_cells
from latentinv.priors.core import AbstractFaciesModel

from ._boreholes import Borehole, read_collars, read_survey, survey_of

METRES = {"m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0}
FEET = dict.fromkeys(("f", "ft", "feet", "foot"), 0.3048)
VERTICAL = re.compile(r"(SS|)TVD|Z|ELEV", re.IGNORECASE)
"""Names of a first curve that is no depth along the hole."""


class _Log(NamedTuple):
    """The curve of a hole."""

    file: str
    names: tuple[str, ...]
    """What the hole may be called: by the header, or by the file."""
    spans: Float[np.ndarray, "sample 2"]
    """From and to of what each sample stands for, in metres along the hole."""
    facies: Int[np.ndarray, "sample"]


def read_las(
    files: Sequence[str | Path],
    collars: str | Path,
    curve: str,
    survey: str | Path | None = None,
    *,
    facies_model: AbstractFaciesModel | None = None,
) -> tuple[Borehole, ...]:
    """Read boreholes from LAS files, one for each hole.

    Parameters
    ----------
    files
        The logs. A hole is found among the collars by the header's WELL or UWI, or by the file's name.
    collars, survey
        Tables as `read_boreholes` takes them.
    curve
        The curve of facies, by its mnemonic.
    facies_model
        Of the prior, whose names of facies the curve may have; without it there are codes.

    Raises
    ------
    StorageError
        If a file cannot be opened, or is no LAS file.
    InputError
        If there is no such curve, the depth is in another unit or not along the hole, a value is no facies, a hole has
        no collar, or lasio is not installed.
    """
    if isinstance(files, str | Path):
        files = [files]
    heads = read_collars(collars)
    stations, words = read_survey(survey, heads), facies_words(facies_model).get("facies")
    known = {name.casefold(): row for row, name in enumerate(heads.texts["hole"])}
    places, holes = heads.points(("x", "y", "z")), {}
    for path in files:
        log = _read(Path(path), curve, words)
        row = next((known[name.casefold()] for name in log.names if name.casefold() in known), None)
        if row is None:
            raise InputError(f"{log.file}: hole {' or '.join(log.names)} has no collar in {heads.file}; add it.")
        hole = heads.texts["hole"][row]
        if hole in holes:
            raise InputError(f"{log.file} is a second log of hole {hole}; give one file for each hole.")
        spans, facies = _intervals(log)
        holes[hole] = Borehole(hole, tuple(places[row]), survey_of(hole, stations), spans, facies)
    return tuple(holes.values())


def _read(path: Path, curve: str, words: Words | None) -> _Log:
    las, file = _parsed(path), path.name
    if len(las.curves) < 2 or not len(las.index):
        raise InputError(f"{file} has no curve beside its depth, or no sample; give another file.")
    names = [item.mnemonic for item in las.curves]
    chosen = [n for n, name in enumerate(names) if n and name.casefold() == curve.strip().casefold()]
    if not chosen:
        raise InputError(f"{file} has no curve '{curve}' beside its depth; it has {', '.join(names[1:])}.")
    depths, values = las.curves[0].data, las.curves[chosen[0]].data
    null = las.well["NULL"].value if "NULL" in las.well else None
    inside = np.array([not _is_missing(value, null) for value in values])
    if not inside.any():
        raise InputError(f"The curve '{curve}' of {file} has no value; give another curve.")
    scale = _metres(file, las.curves[0])
    if odd := [depth for depth in depths if not _is_number(str(depth))]:
        raise InputError(f"{file} has the depth '{odd[0]}', which is not a number; correct it.")
    depths = np.asarray(depths, float) * scale
    if not np.all(np.isfinite(depths)) or np.any(depths < 0):
        raise InputError(f"{file} has a depth that is missing or negative; correct it.")
    order = np.argsort(depths, kind="stable")
    steps = np.diff(depths[order])
    if np.any(steps == 0):
        raise InputError(f"{file} has two samples at one depth, {depths[order][:-1][steps == 0][0]:g} m; keep one.")
    if not len(steps):
        raise InputError(f"{file} has a single sample, which stands for no length of the hole; give more.")
    spans, kept = _spans(depths[order]), [n for n in order if inside[n]]
    facies = [_facies(values[n], words, f"{file}, at {depths[n]:g} m, curve {names[chosen[0]]}") for n in kept]
    return _Log(file, _names(las, path), spans[inside[order]], np.array(facies))


def _parsed(path: Path) -> Any:
    """The file as lasio reads it, from its text, so that no name is taken for an address."""
    try:
        import lasio
    except ImportError:
        raise InputError("LAS files are read by lasio, which is not installed: pip install lasio.") from None
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise StorageError(f"There is no file {path}; check the path.") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror}); check the path and its rights.") from error
    text = content.decode("utf-8-sig" if _is_utf8(content) else "latin-1")
    begin = re.search(r"^~A.*$", text, re.IGNORECASE | re.MULTILINE)
    if begin is None:
        raise StorageError(f"{path.name} has no section ~A of data, as LAS files have; give another file.")
    try:
        head = lasio.read(io.StringIO(text), ignore_data=True)
        lines = _lines(head, text[begin.end() :], path.name)
        whole = "\n".join([text[: begin.end()], *lines, ""])
        return lasio.read(io.StringIO(whole), null_policy="none", engine="normal")
    except (InputError, StorageError):
        raise
    except Exception as error:  # lasio raises errors of many kinds on damaged files
        detail = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise StorageError(f"{path.name} cannot be read as LAS ({detail}); it may be damaged.") from error


def _lines(head: Any, data: str, file: str) -> list[str]:
    """The data with a line for each depth; lasio takes a line with too few values for a wrapped one."""
    count, version = len(head.curves), head.version["VERS"].value
    if version not in (1.2, 2.0):
        raise InputError(f"{file} is of LAS version {version}; expected 1.2 or 2.0, as which programs can save it.")
    lines = [line for line in data.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if str(head.version["WRAP"].value).strip().upper() == "YES":
        words = " ".join(lines).split()
        lines = [" ".join(words[n : n + count]) for n in range(0, len(words), max(1, count))]
    for number, line in enumerate(lines, 1):
        if '"' not in line and len(line.split()) != count:
            raise StorageError(
                f"{file} has {len(line.split())} values for depth {number} of its data and {count} curves; the file "
                "may be truncated."
            )
    return lines


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _metres(file: str, depth: Any) -> float:
    """Metres in a unit of depth."""
    if VERTICAL.match(depth.mnemonic):
        raise InputError(f"{file} counts by {depth.mnemonic}, no depth along the hole; give a log by measured depth.")
    unit = str(depth.unit).strip().lower().strip(".")
    factor = {**METRES, **FEET}.get(unit)
    if factor is None:
        given = f"'{depth.unit}'" if unit else "no unit"
        raise InputError(f"{file} has depths in {given}; expected M or FT behind {depth.mnemonic} in its header.")
    return factor


def _is_missing(value: Any, null: Any) -> bool:
    """Whether a sample has no value: the header's null, a usual code if the header has none, or nothing."""
    if isinstance(value, str):
        word = value.strip()
        return not word or word == str(null) or (_is_number(word) and _is_missing(float(word), null))
    codes = None if null is None or not _is_number(str(null)) else [float(null)]
    return bool(missing_cells(np.array([float(value)]), codes)[0])


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _facies(value: Any, words: Words | None, where: str) -> int:
    word = str(value).strip()
    if words is not None and word.casefold() in words.numbers:
        return words.numbers[word.casefold()]
    if not _is_number(word):
        what = "which is no facies code" if words is None else f"but {words.advice}"
        raise InputError(f"{where} holds '{word}', {what}.")
    if float(word) != round(float(word)):
        raise InputError(
            f"{where} holds {float(word):g}; expected facies codes, whole numbers, which must not be interpolated."
        )
    return int(float(word))


def _names(las: Any, path: Path) -> tuple[str, ...]:
    stated = [str(las.well[key].value).strip() for key in ("WELL", "UWI") if key in las.well]
    return tuple(dict.fromkeys([*(name for name in stated if name), path.stem]))


def _spans(depths: Float[np.ndarray, "sample"]) -> Float[np.ndarray, "sample 2"]:
    """From and to of what each sample stands for, those without a value among them."""
    step, middles = float(np.median(np.diff(depths))), (depths[1:] + depths[:-1]) / 2
    starts = np.maximum(np.concatenate([depths[:1], middles]), depths - step)
    ends = np.minimum(np.concatenate([middles, depths[-1:]]), depths + step)
    return np.stack([starts, ends], axis=1)


def _intervals(log: _Log) -> tuple[Float[np.ndarray, "interval 2"], Int[np.ndarray, "interval"]]:
    """Intervals of one facies each."""
    starts, ends = log.spans.T
    begins = np.concatenate([[True], (np.diff(log.facies) != 0) | (starts[1:] > ends[:-1])])
    first = np.flatnonzero(begins)
    last = np.append(first[1:] - 1, len(starts) - 1)
    spans, facies = np.stack([starts[first], ends[last]], axis=1), log.facies[first]
    whole = spans[:, 1] > spans[:, 0]
    return spans[whole], facies[whole]
