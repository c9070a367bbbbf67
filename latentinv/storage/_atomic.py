"""Files that are complete or absent: written beside their target and moved over it.

Every write goes to a temporary file in the target's folder, which is flushed, synced to the disk and moved over the
target by `os.replace`. A kill, a power cut or a full disk at any moment leaves either the old file or the new one,
complete. Appending to an HDF5 file in place does not guarantee this: a killed writer can leave a file that no reader
opens.

All writing goes through a small file object that keeps the first error and lets the writer finish undisturbed,
because HDF5 cannot close a file whose last blocks fail to be written: its handles would stay open and fail
again at exit.

Cost: a change of an existing file starts with a copy of it, O(file size) in time, and temporarily twice its size on the
disk; O(1) in memory. One process writes a file; any number read it, each seeing the version it opened.
"""

import contextlib
import errno
import glob
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from latentinv.errors import StorageError

from ._trust import check_content

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FORMAT_NAMES = {
    "latentinv-prior": "prior",
    "latentinv-run": "run",
    "latentinv-training": "training checkpoint",
    "latentinv-study": "calibration study",
    "latentinv-fields": "field",
}
# Errors that h5py and its readers raise for damaged files; each becomes one sentence.
_UNREADABLE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError)


@contextlib.contextmanager
def atomic_file(path: str | Path, *, copy_existing: bool = False) -> Iterator[io.FileIO]:
    """Write a file of any kind so that its path holds the old file or the new one, never a partial one.

    Parameters
    ----------
    path
        The file to make or replace.
    copy_existing
        Start from the content that is there (to change a file) instead of from nothing.

    Yields
    ------
    The open temporary file, binary; leaving the block without an error moves it to `path`, an error removes it.

    Raises
    ------
    StorageError
        If the file cannot be written: a full disk, a folder that is missing or not writable.
    """
    target = Path(os.path.realpath(path))  # a link to another disk stays a link
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    if copy_existing and not target.exists():
        raise StorageError(f"{path} is gone; put it back where it was, or start again under another name.")
    try:
        _remove_leftovers(target)
        if copy_existing:
            shutil.copyfile(target, temporary)
        with _Sink(temporary, "r+" if copy_existing else "w+") as sink:
            yield from _filled(sink)
            os.fsync(sink.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, StorageError):
            raise StorageError(_explain_write(path, error)) from error
        raise
    _sync_folder(target.parent)


@contextlib.contextmanager
def atomic_hdf5(path: str | Path, *, copy_existing: bool = False) -> Iterator[h5py.File]:
    """Write an HDF5 file as `atomic_file` does, and yield it open.

    Raises
    ------
    StorageError
        If the file cannot be written: a full disk, a folder that is missing or not writable.
    """
    try:
        with (
            atomic_file(path, copy_existing=copy_existing) as sink,
            h5py.File(sink, "r+" if copy_existing else "w") as file,
        ):
            yield file
    except RuntimeError as error:
        if type(error) is not RuntimeError:  # HDF5 raises it plain; a subclass comes from the caller's block
            raise
        raise StorageError(_explain_write(path, error)) from error


def require_new(path: str | Path) -> None:
    """Check, before any work, that a new file can be made at `path`.

    Raises
    ------
    StorageError
        If something is there already, or the folder is missing or not writable.
    """
    if os.path.lexists(path):
        raise StorageError(f"{path} exists already; choose another name or remove it.")
    folder = Path(path).parent
    if not folder.is_dir():
        raise StorageError(f"The folder of {path} does not exist; make it, or choose another place.")
    try:
        with tempfile.TemporaryFile(dir=folder):  # the only test that covers rights, quotas and mounts
            pass
    except OSError as error:
        raise StorageError(_explain_write(path, error)) from error


@contextlib.contextmanager
def open_hdf5(path: str | Path, expected_format: str, expected_version: int) -> Iterator[h5py.File]:
    """Open a latentinv file for reading, or refuse it in one sentence.

    Parameters
    ----------
    path
        The file.
    expected_format
        Its root attribute ``format``, ``latentinv-prior`` or ``latentinv-run``.
    expected_version
        The ``format_version`` that the caller reads.

    Yields
    ------
    The open file. Whatever reading it raises inside the block is reported as damage of the file.

    Raises
    ------
    StorageError
        If the file is missing, a folder, foreign, truncated, damaged, of another format or of another version.
    """
    wanted = f"a {_FORMAT_NAMES[expected_format]} file of latentinv"
    with _opened(path, wanted) as (file, found):
        if found != expected_format:
            raise StorageError(f"{path} is a {_FORMAT_NAMES[found]} file; expected {wanted}; give another file.")
        version = int(file.attrs["format_version"])
        if version != expected_version:
            newer = version > expected_version
            raise StorageError(
                f"{path} was written by {'a newer' if newer else 'an earlier'} latentinv (format {version}; this one "
                f"reads format {expected_version}); {'update latentinv' if newer else 'make it again'}."
            )
        yield file


def format_of(path: str | Path) -> str:
    """Read the root attribute ``format`` of any latentinv file.

    Raises
    ------
    StorageError
        If the file is missing, a folder, foreign, truncated or damaged.
    """
    with _opened(path, "a file of latentinv") as (_, found):
        return found


@contextlib.contextmanager
def _opened(path: str | Path, wanted: str) -> Iterator[tuple[h5py.File, str]]:
    """Open a latentinv file with its format; reading errors inside the block are reported as damage."""
    _check_signature(path, wanted)
    try:
        with h5py.File(path, "r", locking=False) as file:  # files are replaced, never changed: nothing to lock
            found = file.attrs.get("format")
            if not isinstance(found, str) or found not in _FORMAT_NAMES:
                raise StorageError(f"{path} was not written by latentinv; expected {wanted}; give another file.")
            check_content(file, path)
            yield file, found
    except StorageError:
        raise
    except _UNREADABLE as error:
        raise StorageError(f"{path} is truncated or damaged; copy it again.") from error


class _Sink(io.FileIO):
    """A file that stores its first write error instead of raising it, and ignores all later writes."""

    error: OSError | None = None

    def write(self, data: Any) -> int:
        rest = memoryview(data)
        size = rest.nbytes
        try:
            while rest and self.error is None:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            if self.error is None:
                return super().truncate(size)
        except OSError as error:
            self.error = error
        return 0


def _filled(sink: _Sink) -> Iterator[_Sink]:
    """Yield the sink; its write error is raised in preference to errors that followed from it."""
    try:
        yield sink
    except Exception:
        if sink.error is None:
            raise
    if sink.error is not None:
        raise sink.error


def _check_signature(path: str | Path, wanted: str) -> None:
    if os.path.isdir(path):
        raise StorageError(f"{path} is a folder; expected {wanted}; give the file's name.")
    try:
        with open(path, "rb") as file:
            head = file.read(len(_SIGNATURE))
    except FileNotFoundError as error:
        raise StorageError(f"There is no file {path}; check its name and folder.") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({_first_line(error)}); check its access rights.") from error
    if head != _SIGNATURE and _SIGNATURE.startswith(head):
        raise StorageError(f"{path} is truncated: it ends after {len(head)} bytes; copy it again.")
    if head != _SIGNATURE:
        raise StorageError(f"{path} is not an HDF5 file; expected {wanted}; give another file.")


def _explain_write(path: str | Path, error: Exception) -> str:
    code, reason = error.errno if isinstance(error, OSError) else None, _first_line(error)
    if code in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {path} is full; what was saved before is intact; free space and resume."
    if code == errno.EFBIG:
        return f"{path} outgrew the file size limit; what was saved before is intact; raise the limit and resume."
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"The folder of {path} is not writable ({reason}); change that, or choose another place."
    if code in (errno.ENOENT, errno.ENOTDIR):
        return f"The folder of {path} does not exist; make it, or choose another place."
    return f"{path} could not be written ({reason}); what was saved before is intact; remove the cause and resume."


def _first_line(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text.splitlines()[0].rstrip(".")


def _remove_leftovers(target: Path) -> None:
    """Remove files that killed writers of this target left behind, each as large as the target itself."""
    if os.name != "posix":  # on other systems, checking whether a process exists could end it
        return
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        pid = leftover.name.split(".")[-2]
        if pid.isdigit() and not _alive(int(pid)):
            leftover.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Make the move itself survive a power cut, where the file system supports that for folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
