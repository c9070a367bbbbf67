"""Maps from Gaussian latents to geological fields."""

from ._generator import GeneratorPrior as GeneratorPrior
from ._generator import find_prior as find_prior
from ._generator import load_prior as load_prior
from ._generator import prior_from_record as prior_from_record
from ._prior import AbstractPrior as AbstractPrior
from ._prior import FaciesModel as FaciesModel
