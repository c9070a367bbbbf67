"""Properties: what forward models are given, for what a prior draws."""

from ._abstract import PROPERTIES as PROPERTIES
from ._abstract import AbstractProperty as AbstractProperty
from ._abstract import check_slope as check_slope
from ._continuous import ContinuousProperty as ContinuousProperty
from ._facies import FaciesProperty as FaciesProperty
from ._shares import FaciesShares as FaciesShares
