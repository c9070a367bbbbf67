"""Maps from Gaussian latents to geological fields."""

from ._files import find_prior as find_prior
from ._files import load_prior as load_prior
from ._walk import cells_of_latent as cells_of_latent
from ._walk import interpolate as interpolate
from ._walk import latents_of_box as latents_of_box
from ._walk import walk_box as walk_box
from .composed import Cut as Cut
from .composed import HierarchicalFaciesModel as HierarchicalFaciesModel
from .composed import HierarchicalPrior as HierarchicalPrior
from .composed import PlurigaussianPrior as PlurigaussianPrior
from .composed import TruncationRule as TruncationRule
from .core import PRIORS as PRIORS
from .core import AbstractFaciesModel as AbstractFaciesModel
from .core import AbstractPrior as AbstractPrior
from .core import FaciesModel as FaciesModel
from .core import LatentMap as LatentMap
from .core import prior_from_record as prior_from_record
from .gaussian import Anamorphosis as Anamorphosis
from .gaussian import CholeskyPrior as CholeskyPrior
from .gaussian import Covariance as Covariance
from .gaussian import Kriging as Kriging
from .gaussian import SPDEPrior as SPDEPrior
from .gaussian import SpectralPrior as SpectralPrior
from .gaussian import simple_kriging as simple_kriging
from .learned import GeneratorPrior as GeneratorPrior
