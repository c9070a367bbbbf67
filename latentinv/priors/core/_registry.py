"""The families of priors, and how one is made from its file. A family enters itself by a decorator at its class."""

from latentinv.errors import StorageError
from latentinv.registration import Registry
from latentinv.storage import PriorRecord

from ._prior import AbstractPrior

PRIORS: Registry[type[AbstractPrior]] = Registry("prior", rooms=("latentinv.priors",))
"""By family. What is not in here cannot be loaded from a file."""


def prior_from_record(record: PriorRecord) -> AbstractPrior:
    """Make a prior from the content of its file, by its family.

    Raises
    ------
    StorageError
        If the family is unknown, or has other settings than those of this version.
    """
    if record.family not in PRIORS:
        raise StorageError(
            f"The prior is of family '{record.family}', which this version does not know; update latentinv."
        )
    try:
        return PRIORS[record.family].from_record(record)
    except (KeyError, TypeError) as error:  # the digest is right, so the file is not damaged
        raise StorageError(
            f"The prior of family '{record.family}' was written by another version, with other settings ({error}); "
            "make it again."
        ) from error
