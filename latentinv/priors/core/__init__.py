"""What a prior is, and how its fields are read as facies."""

from ._prior import NO_DISCRIMINATOR as NO_DISCRIMINATOR
from ._prior import AbstractFaciesModel as AbstractFaciesModel
from ._prior import AbstractPrior as AbstractPrior
from ._prior import FaciesModel as FaciesModel
