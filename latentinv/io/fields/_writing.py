"""Writing fields in the format of a file's extension."""

from pathlib import Path

from latentinv.errors import InputError

from ._format import FIELD_FORMATS, AbstractFieldFormat, Fields


def write_fields(path: str | Path, fields: Fields) -> None:
    """Write fields to a file.

    Parameters
    ----------
    path
        The file, of a registered format (`FIELD_FORMATS`) by its ending.
    fields
        What to write.

    Raises
    ------
    InputError
        If the ending is unknown.
    StorageError
        If the file cannot be written.
    """
    field_format(path)().write(Path(path), fields)


def field_format(path: str | Path, *, also: tuple[str, ...] = ()) -> type[AbstractFieldFormat]:
    """Find the format of a file's extension.

    Parameters
    ----------
    path
        The file.
    also
        Endings that the caller writes by other means, for the message.

    Raises
    ------
    InputError
        If the ending is unknown.
    """
    by_ending = {ending: form for form in FIELD_FORMATS.values() for ending in form.endings}
    ending = Path(path).suffix.lower()
    if ending not in by_ending:
        raise InputError(f"{path} has an unsupported file extension; use one of {', '.join((*also, *by_ending))}.")
    return by_ending[ending]
