"""Data about a field: boreholes, block means and what forward models predict, with their noise."""

from ._agreement import check_agreement as check_agreement
from ._block_means import BlockMeans as BlockMeans
from ._hard_data import HardData as HardData
from ._indirect import IndirectData as IndirectData
from ._noise import NOISES as NOISES
from ._noise import AbstractNoise as AbstractNoise
from ._noise import CorrelatedNoise as CorrelatedNoise
from ._noise import GaussianNoise as GaussianNoise
from ._noise import StudentNoise as StudentNoise
from ._noise import UnknownNoise as UnknownNoise
from ._observation import AbstractObservation as AbstractObservation
from ._observation import Report as Report
from ._properties import PROPERTIES as PROPERTIES
from ._properties import AbstractProperty as AbstractProperty
from ._properties import ContinuousProperty as ContinuousProperty
from ._properties import FaciesProperty as FaciesProperty
from ._registry import OBSERVATIONS as OBSERVATIONS
