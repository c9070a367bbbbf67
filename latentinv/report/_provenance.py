"""Provenance: versions, digests, the seed, and how to repeat the run and the page."""

import hashlib
import platform
import shlex
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from latentinv.html import Html, join, tag
from latentinv.storage import digest

from ._parts import Section, code, pairs, paragraph
from ._subject import Subject

LIBRARIES = ("jax", "numpy", "h5py")


def provenance(subject: Subject, output: Path, prior: str | None) -> Section:
    """Say where all of it comes from, and how to repeat it."""
    header = subject.header
    rows = [
        ["Run file", f"{subject.path.name}, {subject.path.stat().st_size:,} bytes"],
        ["Its sha256", tag("code", sha256(subject.path))],
        ["Prior, sha256 of its content", tag("code", digest(header.prior))],
        ["Seed", str(header.seed)],
        ["latentinv that began the run", header.version or "not stored"],
        ["latentinv that wrote this page", _version("latentinv")],
        ["Other versions, of this page", ", ".join([f"Python {platform.python_version()}", *map(_named, LIBRARIES)])],
    ]
    origin = header.prior.metadata.get("provenance")
    if isinstance(origin, dict) and "image_sha256" in origin:
        rows.insert(3, ["The prior's training image, sha256", tag("code", str(origin["image_sha256"]))])
    parts: list[Html] = [pairs(rows)]
    parts += [tag("h3", "To repeat the run"), *_again(subject), tag("h3", "To repeat this page")]
    words = ["latentinv", "report", str(subject.path), "--output", str(output)]
    if prior is not None:
        words += ["--prior", prior]
    parts.append(code(shlex.join(words), "command that repeats this page"))
    return Section("provenance", "Provenance", join(parts))


def sha256(path: Path) -> str:
    """Sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _again(subject: Subject) -> Sequence[Html]:
    """A program that repeats the run from its file, which holds prior, grid, data and settings."""
    name, again = repr(subject.path.name), repr(f"{subject.path.stem}-again.h5")
    missing = [o.name for o in subject.run.posterior.observations if o.missing]
    given = ", forwards={" + ", ".join(f"{one!r}: …" for one in missing) + "}" if missing else ""
    lines = [
        "from latentinv import load_run, sample",
        "from latentinv.inference.run import make_algorithm",
        "from latentinv.storage import RunFile",
        "",
        f"header = RunFile.open({name}).header",
        f"posterior = load_run({name}{given}).posterior",
        "algorithm = make_algorithm(header.algorithm, header.options)",
        f"sample(posterior, algorithm, seed=header.seed, output={again})",
    ]
    words = (
        "The run file holds the prior, the grid, the data, the settings and the seed, so it is all that is needed. "
        "On the "
        "same kind of machine and with the same versions the draws are the same, bit for bit; elsewhere numbers are "
        "rounded differently."
    )
    parts = [paragraph(words)]
    if missing:
        parts.append(
            paragraph("The forward model of " + ", ".join(missing) + " is not in the file: put it for the dots.")
        )
    return [*parts, code("\n".join(lines), "program that repeats the run")]


def _named(library: str) -> str:
    return f"{library} {_version(library)}"


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "unknown"
