"""Writing fields in the format of a file's extension."""

from pathlib import Path

from latentinv.registration import format_by_ending

from ._format import FIELD_FORMATS, Fields


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
    format_by_ending(path, FIELD_FORMATS)().write(Path(path), fields)
