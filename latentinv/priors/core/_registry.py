"""The families of priors, and how a prior is restored from its file. A decorator at a class registers it."""

from latentinv.errors import StorageError
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
        If the family is unknown.
    """
    if record.family not in PRIORS:
        raise StorageError(
            f"The prior is of family '{record.family}', which this version does not know; update latentinv."
        )
    return PRIORS[record.family].from_record(record)
