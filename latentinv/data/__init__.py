"""Data about a field: boreholes, block means and what forward models predict, with their noise."""

from ._agreement import check_agreement as check_agreement
from ._block_means import BlockMeans as BlockMeans
from ._boreholes import Borehole as Borehole
from ._boreholes import Log as Log
from ._boreholes import log_cells as log_cells
from ._boreholes import read_boreholes as read_boreholes
from ._hard_data import HardData as HardData
from ._indirect import IndirectData as IndirectData
from ._las import read_las as read_las
from ._over_draws import over_draws as over_draws
from .core import OBSERVATIONS as OBSERVATIONS
from .core import AbstractObservation as AbstractObservation
from .core import GaussianView as GaussianView
from .core import Report as Report
from .noise import NOISES as NOISES
from .noise import AbstractNoise as AbstractNoise
from .noise import CorrelatedNoise as CorrelatedNoise
from .noise import GaussianNoise as GaussianNoise
from .noise import StudentNoise as StudentNoise
from .noise import UnknownNoise as UnknownNoise
from .properties import PROPERTIES as PROPERTIES
from .properties import AbstractProperty as AbstractProperty
from .properties import ContinuousProperty as ContinuousProperty
from .properties import FaciesProperty as FaciesProperty
from .properties import FaciesShares as FaciesShares
