"""What goes wrong in a user's hands: each error is one sentence of what was given, what was expected, what to do."""


class InputError(ValueError):
    """Data, files or settings that cannot be used as given."""


class StorageError(OSError):
    """A file that cannot be read or written."""


class NonFiniteError(ArithmeticError):
    """A computation that left the finite numbers and was stopped; what is on disk stays valid."""
