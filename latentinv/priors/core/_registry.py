"""The families of priors, and how a prior is restored from its file. A decorator at a class registers it."""

from latentinv.errors import InputError, StorageError
from latentinv.registration import Registry
from latentinv.storage import PriorRecord

from ._prior import AbstractPrior

PRIORS: Registry[type[AbstractPrior]] = Registry("prior", rooms=("latentinv.priors",))
"""Classes by family. Only these can be loaded from a file."""


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
        prior = PRIORS[record.family].from_record(record)
        return prior.named(record.names) if record.names else prior
    except InputError as error:
        if not record.names:
            raise
        raise StorageError(f"The prior's file does not fit together: {error}") from error
    except (KeyError, TypeError) as error:  # the digest is right, so the file is not damaged
        raise StorageError(
            f"The prior of family '{record.family}' was written by another version, with other settings ({error}); "
            "make it again."
        ) from error
