"""The no-U-turn sampler: Hamiltonian trajectories that end before they turn back.

A trajectory doubles, forwards or backwards in time, until its ends approach each other; the next place is drawn from
all of it, in favour of its newer half (Hoffman and Gelman 2014, JMLR 15, 1593–1623; Betancourt 2017, arXiv:1701.02434).
The tree is NumPyro's (Phan, Pradhan and Jankowiak 2019, arXiv:1912.11554), run by our chains; the mass is that of the
prior, the identity, or has the curvature of the data besides (`_side_by_side`). It needs the gradient of what it
samples, so the target must be the soft one. Cost: a gradient per leaf, up to 2^`depth` a transition, and one field;
chains at once wait for the longest trajectory.
"""

from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from numpyro.infer.hmc_util import IntegratorState, build_tree, euclidean_kinetic_energy, velocity_verlet

from latentinv.errors import InputError
from latentinv.inference.core import AbstractKernel, algorithm, check_counts, check_shares
from latentinv.inference.moves import MassMatrix, Move, Outcome, Position, TemperedLikelihood, is_finite
from latentinv.keys import named
from latentinv.posterior import Posterior, log_prior
from latentinv.pytrees import Scalar

from ._settings import AbstractMetricChains
from ._side_by_side import check_metric_size, metric_kernel


def check_gradient(posterior: Posterior) -> None:
    """Raise `InputError` if the target has no gradient."""
    if posterior.target == "thresholded":
        raise InputError(
            "NUTS follows the gradient of what it samples, and thresholded facies have none; use 'hmc' or 'smc', "
            "or use the soft target (target='soft', on the command line --target soft)."
        )


def nuts_move(
    likelihood: TemperedLikelihood, *, depth: int, acceptance_target: float, mass: MassMatrix | None = None
) -> Move:
    """Make the move: in the coordinates M^½ z, where the mass M, the identity if None, is one."""

    def scaled(vector: Array) -> Array:
        return vector if mass is None else mass.solve_root(vector)

    def unscaled(vector: Array) -> Array:
        return vector if mass is None else mass.times_root(vector)

    def energy(z: Float[Array, "latent"], t: Array) -> Scalar:
        return -log_prior(z) - likelihood.log_target(likelihood.posterior.predict(z), t)

    def begin(z: Array, t: Array) -> Position:
        return Position(z, likelihood.posterior.predict(z), jax.value_and_grad(energy)(z, t))

    def step(key: Array, here: Position, step_size: Array, t: Array) -> tuple[Position, Outcome]:
        key_momentum, key_tree = named(key, "momentum", "tree")
        momentum = jax.random.normal(key_momentum, here.z.shape)
        value, gradient = here.memory
        start = IntegratorState(jnp.zeros_like(here.z), momentum, value, scaled(gradient))
        _, update = velocity_verlet(lambda way: energy(here.z + scaled(way), t), euclidean_kinetic_energy)
        tree = build_tree(
            update,
            euclidean_kinetic_energy,
            start,
            jnp.ones_like(here.z),
            step_size,
            key_tree,
            max_tree_depth=depth,
        )
        z = here.z + scaled(tree.z_proposal)
        there = Position(z, likelihood.posterior.predict(z), (tree.z_proposal_pe, unscaled(tree.z_proposal_grad)))
        finite = is_finite(there)
        here = jax.tree.map(lambda new, old: jnp.where(finite, new, old), there, here)
        leaves = tree.num_proposals.astype(jnp.float32)
        acceptance = tree.sum_accept_probs / leaves
        return here, Outcome(acceptance, finite, tree.diverging, step_size, leaves, jnp.ones(()))

    return Move(begin, step, uses_gradient=True, acceptance_target=acceptance_target, first_step=0.1, largest_step=1.8)


@final
@algorithm("nuts")
class NUTS(AbstractMetricChains):
    """No-U-turn chains, which follow gradients, for the soft target only; each stays in its mode.

    A transition takes as long as the longest trajectory of a chain. Settings of all chains come besides
    (``latentinv algorithms nuts`` describes them).

    Parameters
    ----------
    depth
        Largest number of doublings of a trajectory.
    acceptance_target
        Mean acceptance over a trajectory, towards which the step is adapted.
    """

    warmup: int = 300
    thinning: int = 1
    depth: int = 8
    acceptance_target: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "depth")
        check_shares(self, "acceptance_target")

    def check(self, posterior: Posterior) -> None:
        """Raise `InputError` if the target has no gradient, or the metric of the curvature would be too large."""
        check_gradient(posterior)
        check_metric_size(self, posterior)

    def build(self) -> AbstractKernel:
        """Make the chains."""

        def move(likelihood: TemperedLikelihood, mass: MassMatrix | None) -> Move:
            return nuts_move(likelihood, depth=self.depth, acceptance_target=self.acceptance_target, mass=mass)

        return metric_kernel(self, move)
