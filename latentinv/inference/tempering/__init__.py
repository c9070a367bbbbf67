"""Algorithms that move a population or replicas from the prior to the posterior along a ladder of temperatures."""

from ._parallel_tempering import ParallelTempering as ParallelTempering
from ._smc_moves import SHARPER_FROM as SHARPER_FROM
from ._tempered_smc import TemperedSMC as TemperedSMC
