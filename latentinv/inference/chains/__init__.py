"""Markov chains: shared parts, and one file for each kind."""

from ._between_draws import Walk as Walk
from ._between_draws import walk_between as walk_between
from ._dream import DREAM as DREAM
from ._elliptical_slice import EllipticalSlice as EllipticalSlice
from ._elliptical_slice import slice_move as slice_move
from ._ensemble import HARDLY as HARDLY
from ._ensemble import ChainEnsemble as ChainEnsemble
from ._ensemble import chain_warnings as chain_warnings
from ._hmc import HMC as HMC
from ._hmc import hmc_move as hmc_move
from ._host_transitions import HostTransitions as HostTransitions
from ._kernel import ChainsKernel as ChainsKernel
from ._mala import MALA as MALA
from ._mala import mala_move as mala_move
from ._nuts import NUTS as NUTS
from ._nuts import check_gradient as check_gradient
from ._nuts import nuts_move as nuts_move
from ._pcn import PreconditionedCrankNicolson as PreconditionedCrankNicolson
from ._pcn import pcn_move as pcn_move
from ._settings import AbstractChains as AbstractChains
from ._side_by_side import adapted as adapted
from ._state import DRAWS as DRAWS
from ._state import ChainsState as ChainsState
from ._state import Tally as Tally
from ._windowed_pcn import WindowedCrankNicolson as WindowedCrankNicolson
