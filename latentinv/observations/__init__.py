"""Data about a field: boreholes and block means."""

from ._block_means import BlockMeans as BlockMeans
from ._hard_data import HardData as HardData
from ._hard_data import check_agreement as check_agreement
from ._observation import AbstractObservation as AbstractObservation
from ._observation import Report as Report
from ._registry import OBSERVATIONS as OBSERVATIONS
