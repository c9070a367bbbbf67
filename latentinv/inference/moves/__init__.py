"""Moves of latents, and their preconditioning: Hamiltonian and local moves, mass matrices."""

from ._hamiltonian import MoveInfo as MoveInfo
from ._hamiltonian import Population as Population
from ._hamiltonian import Trajectory as Trajectory
from ._hamiltonian import hamiltonian_move as hamiltonian_move
from ._linearisation import Linearisation as Linearisation
from ._linearisation import likelihood_informed_subspace as likelihood_informed_subspace
from ._linearisation import linearise as linearise
from ._local import accept_locally as accept_locally
from ._local import latent_shapes as latent_shapes
from ._local import local_move as local_move
from ._local import propose_locally as propose_locally
from ._preconditioner import MassMatrix as MassMatrix
from ._preconditioner import curvature_probe as curvature_probe
from ._preconditioner import mass_matrix as mass_matrix
from ._preconditioner import no_curvature as no_curvature
