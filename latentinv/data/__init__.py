"""Data about a field: boreholes, block means and what forward models predict, with their noise."""

from ._agreement import check_agreement as check_agreement
from ._block_means import BlockMeans as BlockMeans
from ._hard_data import HardData as HardData
from ._indirect import IndirectData as IndirectData
from ._properties import PROPERTIES as PROPERTIES
from ._properties import AbstractProperty as AbstractProperty
from ._properties import ContinuousProperty as ContinuousProperty
from ._properties import FaciesProperty as FaciesProperty
from ._registry import OBSERVATIONS as OBSERVATIONS
from .core import AbstractObservation as AbstractObservation
from .core import Report as Report
from .noise import NOISES as NOISES
from .noise import AbstractNoise as AbstractNoise
from .noise import CorrelatedNoise as CorrelatedNoise
from .noise import GaussianNoise as GaussianNoise
from .noise import StudentNoise as StudentNoise
from .noise import UnknownNoise as UnknownNoise
