"""Compiled programs, kept from one command to the next in the user's cache folder.

A command spends most of its first minute in XLA's compiler. JAX can keep what was compiled in files, whose names are
digests of the program, of XLA's version and flags, and of the device; so a second command of the same sizes reads them
instead of compiling again. JAX takes these settings from the environment when it is imported; the console program sets
them before that, the Python package never does. A user's own settings of JAX's cache come first.

The cache only ever saves time. Where its folder cannot be used, commands run without it; a file that cannot be read
is compiled again, after which the cache starts empty; commands that run at the same time may write and remove files as
they like. Compiled programs are code, so the folder is the user's alone, and each kind of processor has its own.
"""

import contextlib
import functools
import hashlib
import os
import platform
import re
import sys
import warnings
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

VARIABLE = "LATENTINV_CACHE"
"""Environment variable that names another folder, or says ``off``."""
LARGEST = 2**30
"""Bytes that the cache may hold after a command; the files that were used longest ago are removed first."""
LEAST_SECONDS = "0.05"
"""Shorter compilations are not kept: there are many of them, and each file takes time to write."""
ENTRIES = "*-cache"
MAPPINGS, MOST_MAPPINGS = Path("/proc/self/maps"), 25_000
"""Each program in memory takes some ten mappings, of which Linux gives a process 65 530 by default."""
OURS = "Error (reading|writing) persistent compilation cache entry"
JAX_VARIABLES = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")


@contextlib.contextmanager
def compilations_kept(environment: MutableMapping[str, str] = os.environ) -> Iterator[None]:
    """Keep what JAX compiles in this process, unless JAX is already imported or the user has turned this off.

    Parameters
    ----------
    environment
        Environment of the process, which receives the settings.
    """
    folder = cache_folder(environment)
    taken = "jax" in sys.modules or any(name in environment for name in JAX_VARIABLES)
    if folder is None or taken or not _usable(folder / _processor()):
        yield
        return
    environment["JAX_COMPILATION_CACHE_DIR"] = str((folder / _processor()).absolute())
    environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = LEAST_SECONDS
    # Every command traces its programs again, which is quicker if it does not note where each operation was written.
    environment.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")
    damages: list[str] = []
    try:
        with _warnings_heard(damages):
            yield
    finally:
        # Another command may just have removed the file.
        damaged = any("FileNotFoundError" not in text for text in damages)
        remove_oldest(folder, 0 if damaged else LARGEST)


def cache_folder(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """The folder of compiled programs on this system; None if it is turned off."""
    chosen = environment.get(VARIABLE, "")
    if chosen.lower() in ("off", "0", "no", "false"):
        return None
    if chosen:
        return Path(chosen).expanduser()
    try:
        home = Path.home()
    except RuntimeError:  # the user has no home folder
        return None
    if sys.platform == "win32":
        place = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        place = home / "Library" / "Caches"
    else:
        place = Path(environment.get("XDG_CACHE_HOME") or home / ".cache")
    return place / "latentinv" / "compilations"


def remove_oldest(folder: Path, largest: int) -> None:
    """Remove the files that were used longest ago until those that are left hold at most `largest` bytes."""
    files = []
    for path in folder.rglob(ENTRIES):
        with contextlib.suppress(OSError):
            status = path.stat()
            files.append((max(status.st_atime, status.st_mtime), status.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= largest:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size


def drop_programs() -> None:
    """Drop all programs of this process when they take too many mappings: XLA crashes where it gets no more."""
    if not MAPPINGS.exists() or MAPPINGS.read_bytes().count(b"\n") < MOST_MAPPINGS:
        return
    import gc

    import jax

    jax.clear_caches()
    gc.collect()


def _usable(folder: Path) -> bool:
    """Whether the folder exists or can be made, belongs to this user and is writable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
        return own and os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return False


@functools.cache
def _processor() -> str:
    """A name for the kind of processor: programs use its instructions, and home folders may be shared by machines."""
    words = [platform.machine(), platform.processor()]
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        words += [line for line in lines if line.startswith(("flags", "Features"))][:1]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _warnings_heard(damages: list[str]) -> Iterator[None]:
    """Hide JAX's warnings about the cache from the user, and collect those about unreadable files."""
    shown = warnings.showwarning

    def show(message: Warning | str, *about: Any) -> None:
        found = re.match(OURS, str(message))
        if found is None:
            shown(message, *about)
        elif found[1] == "reading":
            damages.append(str(message))

    with warnings.catch_warnings():
        warnings.filterwarnings("always", message=OURS)
        warnings.showwarning = show  # type: ignore[assignment]
        yield
