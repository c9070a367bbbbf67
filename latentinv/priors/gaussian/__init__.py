"""Gaussian fields: covariance models, and simulation by Cholesky, spectral and SPDE methods, and
with unknown ranges, direction and variance.
"""

from ._cholesky import CholeskyPrior as CholeskyPrior
from ._covariance import Covariance as Covariance
from ._gaussian import TAIL as TAIL
from ._gaussian import Anamorphosis as Anamorphosis
from ._gaussian import GaussianReading as GaussianReading
from ._gaussian import check_latent as check_latent
from ._kriging import Kriging as Kriging
from ._kriging import simple_kriging as simple_kriging
from ._laws import AnyDirection as AnyDirection
from ._laws import Law as Law
from ._laws import LogNormal as LogNormal
from ._laws import Normal as Normal
from ._laws import Uniform as Uniform
from ._spde import SPDEPrior as SPDEPrior
from ._spectral import SpectralPrior as SpectralPrior
from ._uncertain import UncertainGaussianPrior as UncertainGaussianPrior
