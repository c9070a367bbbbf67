"""Algorithms that explore a posterior, and the driver that runs them."""

from ._algorithm import AbstractAlgorithm as AbstractAlgorithm
from ._algorithm import Kernel as Kernel
from ._algorithm import Progress as Progress
from ._draws import realize as realize
from ._driver import Listener as Listener
from ._driver import Run as Run
from ._driver import posterior_of as posterior_of
from ._driver import resume as resume
from ._driver import sample as sample
from ._elliptical_slice import EllipticalSlice as EllipticalSlice
from ._es_mda import ESMDA as ESMDA
from ._hmc import HMC as HMC
from ._laplace import Laplace as Laplace
from ._linearisation import likelihood_informed_subspace as likelihood_informed_subspace
from ._mala import MALA as MALA
from ._multistart_map import MultistartMAP as MultistartMAP
from ._nuts import NUTS as NUTS
from ._parallel_tempering import ParallelTempering as ParallelTempering
from ._pcn import PreconditionedCrankNicolson as PreconditionedCrankNicolson
from ._randomised_maximum_likelihood import RandomisedMaximumLikelihood as RandomisedMaximumLikelihood
from ._registry import ALGORITHMS as ALGORITHMS
from ._registry import make_algorithm as make_algorithm
from ._stein import SteinVariational as SteinVariational
from ._tempered_smc import TemperedSMC as TemperedSMC
from ._variational import Variational as Variational
