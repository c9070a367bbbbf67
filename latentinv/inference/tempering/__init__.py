"""Algorithms that lead a population or replicas from the prior to the posterior over a ladder of temperatures."""

from ._parallel_tempering import ParallelTempering as ParallelTempering
from ._smc_moves import SHARPER_FROM as SHARPER_FROM
from ._tempered_smc import TemperedSMC as TemperedSMC
