"""DREAM(ZS): chains that jump along differences between past places of chains.

Differential evolution adaptive Metropolis with sampling from the past (Laloy and Vrugt 2012, doi:10.1029/2011WR010608;
Vrugt 2016, doi:10.1016/j.envsoft.2015.08.013), the sampler of most published inversions in latent space. An archive
begins with draws of the prior and takes the chains' states every `archive_thinning` transitions. Two moves draw rows a,
b, c of it without replacement:

- *parallel direction*: z' = z + (1 + λ) γ Σ (aᵢ − bᵢ) + ζ over up to `pairs` pairs, in a random part of the latents
  alone, each with probability CR (the crossover); γ = 2.38 / √(2 · pairs · latents moved), or 1 for one move in five,
  which leads from mode to mode;
- *snooker* (ter Braak and Vrugt 2008, doi:10.1007/s11222-008-9104-9): along the line from a to z, by γ times the
  projections' difference of b and c, γ ~ U(1.2, 2.2); its acceptance takes the factor (‖z' − a‖ / ‖z − a‖)^(n − 1).

In warm-up the probabilities of the crossovers follow the squared jumps, in units of the archive's spread, that each has
brought, and a chain whose mean log-density over its last half lies two interquartile ranges below the chains' lower
quartile takes the place of the best one. Both are frozen afterwards. The archive goes on growing, so the chains are
Markov only in the limit: what a new row changes falls as one over their number.

The target never changes: the prior is N(0, I) in all latents, and no noise is annealed. The published archive grows
without bound; here it is a part of the state and has `archive_capacity` rows. Once full, it stays a uniform sample of
all states that it was offered (reservoir sampling, Vitter 1985, doi:10.1145/3147.3165). Needs no gradient. Cost: one
field per transition and chain.
"""

import functools
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from latentinv.inference.core import AbstractKernel, algorithm, check_counts, check_shares
from latentinv.inference.moves import Outcome, Position, TemperedLikelihood, metropolis
from latentinv.keys import named, numbered
from latentinv.posterior import log_prior, map_batched
from latentinv.pytrees import Count, Scalar

from ._ensemble import ChainEnsemble
from ._kernel import ChainsKernel
from ._settings import AbstractChains
from ._state import ChainsState

ROWS_A_LATENT = 10
"""Prior draws that the archive begins with, for each latent, if it can hold twice as many."""
UNIT_GAMMA = 0.2
"""Share of parallel moves with γ = 1."""
JITTER, TREMOR = 0.05, 1e-6
"""Bound of the uniform λ, and standard deviation of ζ, which make every place reachable."""
FIRST_CHECK = 32
"""Transition of warm-up of the first check for outliers, which is repeated whenever their number has doubled."""


class Memory(NamedTuple):
    """State shared by the chains."""

    archive: Float[Array, "row latent"]
    rows: Count
    """Rows of the archive that are filled."""
    offered: Count
    """Number of states offered to it."""
    spread: Float[Array, "latent"]
    """Standard deviation of the rows."""
    crossover: Float[Array, "crossover"]
    """Probability of each crossover."""
    jumped: Float[Array, "crossover"]
    """Sum of squared jumps made with each crossover."""
    tried: Float[Array, "crossover"]
    log_density: Float[Array, "chain"]
    """Sum over the transitions since the last check for outliers."""
    outliers: Count
    """Chains that took the place of the best."""


class Proposal(NamedTuple):
    """A proposed move of a chain."""

    z: Float[Array, "latent"]
    log_factor: Scalar
    """Contribution of the proposal to the log-ratio of densities."""
    crossover: Count
    """Index of its crossover; −1 for a snooker move."""


@final
@algorithm("dream")
class DREAM(AbstractChains):
    """DREAM(ZS) chains, which jump along differences of past states, without gradients.

    Parameters
    ----------
    pairs
        Largest number of pairs of rows in a parallel move.
    crossovers
        Number of crossovers, evenly spaced up to 1.
    snooker
        Share of snooker moves, from 0 to below 1.
    archive_thinning
        Transitions after which the archive takes the chains' states.
    archive_capacity
        Largest number of rows of the archive. It begins with ten draws of the prior for each latent, but at most half
        of these rows.
    """

    warmup: int = 5000
    thinning: int = 40
    pairs: int = 3
    crossovers: int = 3
    snooker: float = 0.1
    archive_thinning: int = 10
    archive_capacity: int = 10_000

    needs_gradient = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "pairs", "crossovers", "archive_thinning")
        check_counts(self, "archive_capacity", least=4 * max(2, self.pairs))
        check_shares(self, "snooker", or_zero=True)

    def build(self) -> AbstractKernel:
        """Make the chains."""
        return ChainsKernel(self, functools.partial(dream_ensemble, self))


def dream_ensemble(settings: DREAM, likelihood: TemperedLikelihood) -> ChainEnsemble:
    """Make the moves of all chains."""
    posterior, t = likelihood.posterior, jnp.float32(likelihood.end)
    filled = min(max(ROWS_A_LATENT * posterior.latent_size, 2 * settings.pairs), settings.archive_capacity // 2)

    def begin(z: Float[Array, "chain latent"]) -> Position:
        return Position(z, map_batched(posterior.predict, z))

    def log_density(here: Position) -> Scalar:
        return log_prior(here.z) + likelihood.log_target(here.predictions, t)

    def first(key: Array) -> tuple[Array, Memory]:
        key_start, key_rows = named(key, "start", "rows")
        z = jax.random.normal(key_start, (settings.chains, posterior.latent_size))
        rows = jax.random.normal(key_rows, (filled, posterior.latent_size))
        archive = jnp.zeros((settings.archive_capacity, posterior.latent_size)).at[:filled].set(rows)
        none = jnp.zeros(settings.crossovers)
        memory = Memory(
            archive=archive,
            rows=jnp.int32(filled),
            offered=jnp.int32(filled),
            spread=spread(archive, jnp.int32(filled)),
            crossover=jnp.full(settings.crossovers, 1 / settings.crossovers),
            jumped=none,
            tried=none,
            log_density=jnp.zeros(settings.chains),
            outliers=jnp.int32(0),
        )
        return z, memory

    def move(key: Array, here: Position, memory: Memory) -> tuple[Position, Outcome, Array]:
        key_move, key_accept = named(key, "move", "accept")
        proposal = propose(key_move, here.z, memory, settings)
        there = Position(proposal.z, posterior.predict(proposal.z))
        likelihoods = likelihood.log_target(here.predictions, t), likelihood.log_target(there.predictions, t)
        correction = log_prior(there.z) - log_prior(here.z) + proposal.log_factor
        here, acceptance, finite = metropolis(key_accept, here, there, likelihoods, correction)
        none, one = jnp.zeros(()), jnp.ones(())
        return here, Outcome(acceptance, finite, jnp.bool_(False), one, none, one), proposal.crossover

    def together(key: Array, here: Position, memory: Memory, number: Count) -> tuple[Position, Outcome, Memory]:
        key_archive, key_moves = named(key, "archive", "moves")
        keys = jax.random.split(key_moves, settings.chains)
        there, outcome, crossover = map_batched(lambda pair: move(pair[0], pair[1], memory), (keys, here))
        due = (number + 1) % settings.archive_thinning == 0
        after = lax.cond(due, lambda: remember(key_archive, there.z, memory), lambda: memory)

        def learn() -> tuple[Position, Memory]:
            learning = learn_crossovers(after, crossover, there.z - here.z)
            densities = jax.vmap(log_density)(there)
            learning = learning._replace(log_density=learning.log_density + densities)
            return lead_outliers(there, densities, learning, number + 1)

        there, after = lax.cond(number < settings.warmup, learn, lambda: (there, after))
        return there, outcome, after

    def results(state: ChainsState) -> dict[str, Any]:
        memory = state.shared
        return {
            "step_size": 1.0,
            "crossover_probabilities": [float(share) for share in memory.crossover],
            "outliers": int(memory.outliers),
            "archive_rows": int(memory.rows),
        }

    return ChainEnsemble(first, begin, together, results=results)


def propose(key: Array, z: Float[Array, "latent"], memory: Memory, settings: DREAM) -> Proposal:
    """Propose a parallel or a snooker move of one chain."""
    key_kind, key_parallel, key_snooker = named(key, "kind", "parallel", "snooker")
    parallel, snooker = (
        propose_parallel(key_parallel, z, memory, settings.pairs),
        propose_snooker(key_snooker, z, memory),
    )
    chosen = jax.random.uniform(key_kind) < settings.snooker
    return jax.tree.map(lambda one, other: jnp.where(chosen, one, other), snooker, parallel)


def propose_parallel(key: Array, z: Float[Array, "latent"], memory: Memory, most_pairs: int) -> Proposal:
    """Jump along differences of rows, in a random part of the latents (Vrugt 2016, equation 28)."""
    key_rows, key_pairs, key_crossover, key_part = named(key, "rows", "pairs", "crossover", "part")
    key_one, key_gamma, key_jitter, key_tremor = named(key, "one", "gamma", "jitter", "tremor")
    rows = memory.archive[distinct(key_rows, memory.rows, 2 * most_pairs)]
    pairs = jax.random.randint(key_pairs, (), 1, most_pairs + 1)
    taken = (jnp.arange(most_pairs) < pairs)[:, None]
    difference = jnp.sum(jnp.where(taken, rows[:most_pairs] - rows[most_pairs:], 0.0), axis=0)
    count = memory.crossover.size
    crossover = jax.random.categorical(key_crossover, jnp.log(memory.crossover))
    part = jax.random.uniform(key_part, z.shape) < (crossover + 1) / count
    one = jnp.arange(z.size) == jax.random.randint(key_one, (), 0, z.size)
    part = jnp.where(part.any(), part, one)
    gamma = 2.38 / jnp.sqrt(2.0 * pairs * part.sum())
    gamma = jnp.where(jax.random.uniform(key_gamma) < UNIT_GAMMA, 1.0, gamma)
    jitter = jax.random.uniform(key_jitter, z.shape, minval=-JITTER, maxval=JITTER)
    tremor = TREMOR * jax.random.normal(key_tremor, z.shape)
    jump = (1 + jitter) * gamma * difference + tremor
    return Proposal(z + jnp.where(part, jump, 0.0), jnp.zeros(()), crossover.astype(jnp.int32))


def propose_snooker(key: Array, z: Float[Array, "latent"], memory: Memory) -> Proposal:
    """Jump along the line from a row to the chain (ter Braak and Vrugt 2008, equations 3 and 4)."""
    key_rows, key_gamma = named(key, "rows", "gamma")
    a, b, c = memory.archive[distinct(key_rows, memory.rows, 3)]
    line = z - a
    squared = jnp.maximum(jnp.sum(line**2), 1e-30)  # a chain may stand on the row
    gamma = jax.random.uniform(key_gamma, minval=1.2, maxval=2.2)
    stretch = gamma * jnp.dot(b - c, line) / squared
    # z' − a = (1 + stretch) (z − a)
    log_factor = (z.size - 1) * jnp.log(jnp.abs(1 + stretch))
    return Proposal(z + stretch * line, log_factor, jnp.int32(-1))


def distinct(key: Array, rows: Count, count: int) -> Int[Array, "count"]:
    """Draw `count` different rows out of `rows`: each is a rank among those that are left."""

    def choose(n: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        taken, chosen = carry  # earlier rows in order; entries not yet drawn lie beyond all rows
        rank = jax.random.randint(numbered(key, n), (), 0, rows - n)
        row = rank + jnp.sum(taken - jnp.arange(count) <= rank)
        return jnp.sort(taken.at[-1].set(row)), chosen.at[n].set(row)

    none = jnp.full(count, jnp.iinfo(jnp.int32).max)
    return lax.fori_loop(0, count, choose, (none, jnp.zeros(count, jnp.int32)))[1]


def remember(key: Array, z: Float[Array, "chain latent"], memory: Memory) -> Memory:
    """Offer the chains' states to the archive."""

    def offer(now: tuple[Array, Array], pair: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        (archive, offered), (key, row) = now, pair
        capacity = len(archive)
        lot = jax.random.randint(key, (), 0, offered + 1)
        place = jnp.where(offered < capacity, offered, lot)
        return (archive.at[place].set(row, mode="drop"), offered + 1), None

    pairs = jax.random.split(key, len(z)), z
    (archive, offered), _ = lax.scan(offer, (memory.archive, memory.offered), pairs)
    rows = jnp.minimum(offered, len(archive))
    return memory._replace(archive=archive, offered=offered, rows=rows, spread=spread(archive, rows))


def spread(archive: Float[Array, "row latent"], rows: Count) -> Float[Array, "latent"]:
    """Standard deviation of the filled rows."""
    filled = (jnp.arange(len(archive)) < rows)[:, None]
    return jnp.std(archive, axis=0, where=filled)


def learn_crossovers(memory: Memory, crossover: Int[Array, "chain"], jumps: Float[Array, "chain latent"]) -> Memory:
    """Make the probability of each crossover proportional to its mean squared jump."""
    used = crossover[:, None] == jnp.arange(memory.crossover.size)  # no column for a snooker move
    squared = jnp.sum((jumps / memory.spread) ** 2, axis=1)
    jumped, tried = memory.jumped + squared @ used, memory.tried + used.sum(axis=0)
    gain = jumped / jnp.maximum(tried, 1)
    learnt = jnp.where((jumped > 0).all(), gain / gain.sum(), memory.crossover)
    return memory._replace(jumped=jumped, tried=tried, crossover=learnt)


def lead_outliers(
    here: Position, densities: Float[Array, "chain"], memory: Memory, transitions: Count
) -> tuple[Position, Memory]:
    """Move outliers to the best chain, whenever the number of transitions has doubled."""
    due = (transitions >= FIRST_CHECK) & ((transitions & (transitions - 1)) == 0)
    # The sum since the last check covers the last half of the chain.
    low, high = jnp.quantile(memory.log_density, jnp.asarray((0.25, 0.75)))
    outlying = due & (memory.log_density < low - 2 * (high - low))
    origin = jnp.where(outlying, jnp.argmax(densities), jnp.arange(len(densities)))
    here = jax.tree.map(functools.partial(jnp.take, indices=origin, axis=0), here)
    log_density = jnp.where(due, 0.0, memory.log_density)
    return here, memory._replace(log_density=log_density, outliers=memory.outliers + outlying.sum())
