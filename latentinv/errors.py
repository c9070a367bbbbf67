"""Errors that a user can act on: each is one sentence on what was given, what was expected and what to do."""


class InputError(ValueError):
    """Data, files or settings that cannot be used as given."""


class StorageError(OSError):
    """A file that cannot be read or written."""


class NonFiniteError(ArithmeticError):
    """A computation that became NaN or infinite and was stopped; files on disk stay valid."""
