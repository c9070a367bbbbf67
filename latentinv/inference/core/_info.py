"""What a step of an algorithm reports: the columns of a run's trace, each with one meaning whatever fills it."""

from typing import TypedDict

from jaxtyping import Array


class Info(TypedDict, total=False):
    """What a person wants to know of a step, for a row of the trace.

    An algorithm fills the same columns at every step, `non_finite` among them. A column is one number unless it says
    otherwise; members of a population are particles, starts or draws, whatever the algorithm works on. A new algorithm
    that reports something else states its columns in a class of its own beside these.
    """

    non_finite: Array
    """Members, iterations or proposals that became NaN or infinite; of chains, for each."""
    honoured: Array
    """Share of hard data that the members honour, at last the draws; nan without hard data."""
    gradients: Array
    """Gradients spent in the step: by each chain, or by a particle, where a curvature probe counts as one."""
    forward_runs: Array
    """Fields generated without a gradient in the step: by each chain, or by a particle."""
    stage: Array
    """Of chains: start, warm-up or draws; of tempering: the ladder or the final target."""
    acceptance: Array
    """Mean over the step's proposals: of each chain or rung, or of all particles; nan before there are any."""
    step_size: Array
    """Of each chain or rung, or of all particles."""
    divergences: Array
    """Of each chain: trajectories that did not conserve their energy."""
    log_likelihood: Array
    """Of each chain at the step's end, by the target."""
    inverse_temperature: Array
    """Of a level, or of each rung."""
    swap_acceptance: Array
    """Of each rung with the next; nan if the pair had no turn."""
    round_trips: Array
    """Of each ladder: travels of a replica from the prior to the target and back that ended in the step."""
    bridge: Array
    """Part of the jump to the exact likelihood that is done."""
    effective_sample_size: Array
    """Of the particles, once they are weighted for the level."""
    exact_particles: Array
    """Share of particles that the exact likelihood does not exclude."""
    best: Array
    """Largest value of the objective over all starts."""
    median: Array
    """Median of the objective over all starts."""
    best_log_density: Array
    """Of the soft model, over all starts."""
    median_log_density: Array
    """Of the soft model over the particles, one iteration before the last."""
    median_objective: Array
    """What the draws minimise, its median over them."""
    decrement: Array
    """How far the best start's objective is above its minimum, by its quadratic model."""
    largest_slope: Array
    """Largest norm of a gradient among the draws; it bounds the distance to the minimum where that is convex."""
    converged: Array
    """Share of members that are at an optimum, by the tolerance."""
    force: Array
    """Root mean square of the direction in which particles move; 0 where they have settled."""
    spread: Array
    """Standard deviation of the latents over the members, their root mean square."""
    elbo: Array
    """Evidence lower bound, the mean over the step's iterations."""
    inflation: Array
    """Of the noise's covariance in an assimilation, α."""
    misfit: Array
    """Mean squared residual over the noise's variance before an assimilation; about 1 where the data are met as the
    noise says."""
