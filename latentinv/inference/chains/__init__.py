"""Markov chains: what all share, and one file for each kind."""

from ._chains import DRAWS as DRAWS
from ._chains import HARDLY as HARDLY
from ._chains import ChainsInfo as ChainsInfo
from ._chains import ChainsState as ChainsState
from ._chains import Crew as Crew
from ._chains import Tally as Tally
from ._chains import adapted as adapted
from ._chains import chain_warnings as chain_warnings
from ._chains import check_chains as check_chains
from ._chains import crew_kernel as crew_kernel
from ._chains_outside import OutsideTransitions as OutsideTransitions
from ._dream import DREAM as DREAM
from ._elliptical_slice import EllipticalSlice as EllipticalSlice
from ._elliptical_slice import slice_move as slice_move
from ._hmc import HMC as HMC
from ._hmc import hmc_move as hmc_move
from ._mala import MALA as MALA
from ._mala import mala_move as mala_move
from ._nuts import NUTS as NUTS
from ._nuts import check_gradient as check_gradient
from ._nuts import nuts_move as nuts_move
from ._pcn import PreconditionedCrankNicolson as PreconditionedCrankNicolson
from ._pcn import pcn_move as pcn_move
