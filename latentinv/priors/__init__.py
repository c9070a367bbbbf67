"""Maps from Gaussian latents to geological fields."""

from ._covariance import Covariance as Covariance
from ._generator import GeneratorPrior as GeneratorPrior
from ._generator import find_prior as find_prior
from ._generator import load_prior as load_prior
from ._generator import prior_from_record as prior_from_record
from ._prior import AbstractPrior as AbstractPrior
from ._prior import FaciesModel as FaciesModel
from ._walk import cells_of_latent as cells_of_latent
from ._walk import interpolate as interpolate
from ._walk import latents_of_box as latents_of_box
from ._walk import walk_box as walk_box
