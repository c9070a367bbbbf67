"""Gaussian fields: covariance models, and simulation by Cholesky, spectral and SPDE methods."""

from ._cholesky import CholeskyPrior as CholeskyPrior
from ._covariance import Covariance as Covariance
from ._gaussian import TAIL as TAIL
from ._gaussian import Anamorphosis as Anamorphosis
from ._gaussian import GaussianReading as GaussianReading
from ._gaussian import check_latent as check_latent
from ._kriging import Kriging as Kriging
from ._kriging import simple_kriging as simple_kriging
from ._spde import SPDEPrior as SPDEPrior
from ._spectral import SpectralPrior as SpectralPrior
