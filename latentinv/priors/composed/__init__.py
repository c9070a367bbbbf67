"""Priors made of other priors: plurigaussian and hierarchical ones, and mixtures."""

from ._hierarchical import HierarchicalFaciesModel as HierarchicalFaciesModel
from ._hierarchical import HierarchicalPrior as HierarchicalPrior
from ._mixture import MixturePrior as MixturePrior
from ._plurigaussian import PlurigaussianPrior as PlurigaussianPrior
from ._truncation import Cut as Cut
from ._truncation import TruncationRule as TruncationRule
