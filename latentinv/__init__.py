"""Condition geology to data: learned priors, exact boreholes, posteriors by simulation.

z ~ N(0, I),   x = G(z),   p(z | d) ∝ exp(−½‖z‖²) ∏ p(d_i | F_i(G(z)))
"""

from .errors import InputError as InputError
from .errors import NonFiniteError as NonFiniteError
from .errors import StorageError as StorageError
from .grid import Grid as Grid
from .inference import MultistartMAP as MultistartMAP
from .inference import Run as Run
from .inference import TemperedSMC as TemperedSMC
from .inference import resume as resume
from .inference import sample as sample
from .observations import BlockMeans as BlockMeans
from .observations import HardData as HardData
from .posterior import Posterior as Posterior
from .priors import load_prior as load_prior
