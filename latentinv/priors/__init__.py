"""Maps from Gaussian latents to geological fields."""

from ._cholesky import CholeskyPrior as CholeskyPrior
from ._covariance import Covariance as Covariance
from ._families import find_prior as find_prior
from ._families import load_prior as load_prior
from ._families import prior_from_record as prior_from_record
from ._gaussian import Anamorphosis as Anamorphosis
from ._generator import GeneratorPrior as GeneratorPrior
from ._hierarchical import HierarchicalFaciesModel as HierarchicalFaciesModel
from ._hierarchical import HierarchicalPrior as HierarchicalPrior
from ._kriging import Kriging as Kriging
from ._kriging import simple_kriging as simple_kriging
from ._plurigaussian import PlurigaussianPrior as PlurigaussianPrior
from ._prior import AbstractFaciesModel as AbstractFaciesModel
from ._prior import AbstractPrior as AbstractPrior
from ._prior import FaciesModel as FaciesModel
from ._spde import SPDEPrior as SPDEPrior
from ._spectral import SpectralPrior as SpectralPrior
from ._truncation import Cut as Cut
from ._truncation import TruncationRule as TruncationRule
from ._walk import cells_of_latent as cells_of_latent
from ._walk import interpolate as interpolate
from ._walk import latents_of_box as latents_of_box
from ._walk import walk_box as walk_box
