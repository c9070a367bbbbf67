"""Adaptive tempered sequential Monte Carlo, ending on the thresholded target.

A population starts as draws of the prior and is led to the posterior over a ladder of inverse temperatures t (Del Moral
et al. 2006, doi:10.1111/j.1467-9868.2006.00553.x; for geological latents Amaya et al. 2021, doi:10.1093/gji/ggab170).
At t = 0 the data have no effect; at 1 the soft model is reached; beyond, hard data become sharper still. A level
consists of

1. the next t, the largest at which the effective sample size of the importance weights is still `ess_target` of the
   population (`_smc_schedule`); the first is chosen from `first_draws` draws of the prior (`_smc_start`);
2. systematic resampling;
3. `local_moves` renewals of small windows of the latents (`_local`), then `moves` Hamiltonian moves in a metric
   re-estimated at each level from the likelihood's curvature (`_preconditioner`), with the step adapted towards
   `acceptance_target`.

With the target ``soft`` the ladder ends at t = 1. With ``thresholded`` it goes on until the jump to the exact
likelihood (facies honoured or not) keeps the same effective sample size: the last rung drops particles that miss a
datum and resamples those that honour all, and `final_rounds` further levels move on the exact target: proposals follow
the sharp soft gradient, acceptance is by the exact likelihood, so every kept draw honours every certain datum and the
draws follow the exact posterior, not a soft one. Where the predictions of the soft reading and of the exact one differ
by more than the noise, however sharp the hard data are, the jump is too far for one. From `BRIDGE_FROM` on it
is then made in parts, over likelihoods soft^(1 − b) exact^b, b from 0 to 1, all of which honour certain data. From the
middle of that way on, the gradient is that of facies read `SHARPER` times as sharply as is stated (`_smc_moves`): a
smooth reading leads a population from the prior, a sharp one is near enough to the exact target that its moves are
accepted.

The products of mean weights give the log-evidence of the target. Cost: per level and particle, ``moves · leapfrogs +
1`` gradients, `probes` backward passes and `local_moves` fields; memory: one batch of fields.

*Waste-free* (Dau and Chopin 2022, doi:10.1111/rssb.12475): a level resamples only one in ``moves + 1`` particles. Each
of these starts a chain that makes `local_moves` renewals before each of its `moves` Hamiltonian moves; the start and
the state after every move are all kept. A population of a given size then costs ``1 / (moves + 1)`` of the Hamiltonian
moves, and a larger one at equal cost gives a more stable log-evidence. On the final target the chains continue from
where they are.

If a simulator outside JAX has no gradient, preconditioned Crank–Nicolson walks (`_pcn`) with their own local moves
replace the Hamiltonian moves, and all particles are simulated at once. Such walks explore more slowly, so set `moves`
several times higher.
"""

import functools
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.errors import InputError, NonFiniteError
from latentinv.inference.core import (
    AbstractAlgorithm,
    AbstractKernel,
    Draws,
    Info,
    Progress,
    algorithm,
    check_counts,
    check_shares,
    honoured_share,
    honoured_words,
    predict_all,
    resample,
)
from latentinv.inference.moves import MoveInfo, Population
from latentinv.keys import named
from latentinv.posterior import Posterior, each, map_batched

from ._smc_moves import SHARPER_FROM, MoveSettings, estimate_mass, move_population
from ._smc_schedule import ladder_ends, levels_left, next_level
from ._smc_start import MOST_BYTES, check_first_draws, enlarged, usual_first_draws
from ._smc_state import FINAL, STUCK, TEMPERING, SMCState, bridging, on_host
from ._smc_walks import RandomWalks

FINAL_PROGRAMS = 0.65
"""Compilation of the moves on the final target, as a share of all before: measured 0.56 to 0.72."""
TOO_FEW = 0.9
"""Share of the target effective sample size below which there is a warning."""


@final
@algorithm("smc")
class TemperedSMC(AbstractAlgorithm):
    """Tempered sequential Monte Carlo: a population of draws across several modes, and the log-evidence.

    Parameters
    ----------
    particles
        Draws kept at the end.
    moves
        Hamiltonian moves per level; 0 where gradients tell nothing, for local moves alone. What is reported as
        acceptance is then the share of particles that a local move changed.
    leapfrogs
        Leapfrog steps per move.
    local_moves
        Proposals per level that redraw the latents of a small window, before the Hamiltonian moves.
    probes
        Curvature probes per particle and level.
    ess_target
        Effective sample size, as a share of the particles, that the next temperature must keep.
    acceptance_target
        Mean acceptance towards which the leapfrog step is adapted, on the smooth model whose gradient it follows.
    final_rounds
        Levels on the final target, after the ladder.
    max_levels
        Levels of the ladder after which particles that meet all data are taken, however few; if there are none, the
        data are reported as infeasible and no draw is kept.
    batch_size
        Particles evaluated at once on each device; 0 stands for as many as suit it.
    first_draws
        The first level's draws of the prior, in whole populations; 0 stands for as many as cost a quarter of a level.
    waste_free
        Whether to resample few particles and keep every place their chains pass; `particles` must be a multiple of
        ``moves + 1``.
    """

    particles: int = 64
    moves: int = 3
    leapfrogs: int = 8
    local_moves: int = 8
    probes: int = 2
    ess_target: float = 0.4
    acceptance_target: float = 0.75
    final_rounds: int = 3
    max_levels: int = 40
    batch_size: int = 0
    first_draws: int = 0
    waste_free: bool = False

    needs_gradient = False
    usual_batch = 8

    def __post_init__(self) -> None:
        check_counts(self, "particles", "leapfrogs", "local_moves", "probes", "final_rounds", "max_levels")
        check_counts(self, "moves", "batch_size", "first_draws", least=0)
        check_shares(self, "ess_target", "acceptance_target")
        check_first_draws(self.first_draws, self.particles)
        if self.waste_free and not self.moves:
            raise InputError(
                "The settings are moves = 0 and waste_free = True; with waste_free expected moves of 1 or more."
            )
        if self.waste_free and self.particles % (self.moves + 1):
            raise InputError(
                f"The setting particles is {self.particles}; with waste_free expected a multiple of moves + 1, which "
                f"is {self.moves + 1}."
            )

    @property
    def chains(self) -> int:
        """Number of particles that are moved in a level."""
        return self.particles // (self.moves + 1) if self.waste_free else self.particles

    @property
    def walk_windows(self) -> int:
        """Local moves of each random walk."""
        return -(-self.local_moves // max(1, self.moves))

    def bytes_at_first(self, state_bytes: int) -> int:
        """The draws of the prior, and these side by side."""
        usual = MOST_BYTES if state_bytes <= MOST_BYTES else 0
        return 2 * (state_bytes * self.first_draws // self.particles or usual)

    def build(self) -> AbstractKernel:
        """Make the sampler."""
        return SMCKernel(self)


@final
class SMCKernel(AbstractKernel):
    """Levels of tempered sequential Monte Carlo."""

    def __init__(self, settings: TemperedSMC) -> None:
        self.settings, self.wanted = settings, settings.ess_target * settings.particles
        rounds, moves = (settings.moves, 1) if settings.waste_free else (1, settings.moves)
        how = MoveSettings(
            rounds=rounds,
            moves=moves,
            local_moves=settings.local_moves,
            leapfrogs=settings.leapfrogs,
            acceptance_target=settings.acceptance_target,
            batch_size=settings.together,
            keep_all=settings.waste_free,
        )
        self._rounds = rounds
        self._predict = compiled(self._traced_predict)
        self._weigh_start = compiled(self._start_evidence)
        self._next_level = compiled(self._traced_level, static_argnames=("bridges",))
        self._resample = compiled(functools.partial(resample, count=settings.chains))
        mass = functools.partial(estimate_mass, probes=settings.probes, batch_size=settings.together)
        self._estimate_mass = compiled(mass)
        self._move = compiled(functools.partial(move_population, how), static_argnames=("stage", "sharp"))
        self._exact = compiled(self._exact_log_likelihood)
        self._walk = RandomWalks(settings.walk_windows, max(1, settings.moves))

    def init(self, posterior: Posterior, key: Array) -> SMCState:
        """Draw the population from the prior."""
        z = jax.random.normal(key, (self.settings.particles, posterior.latent_size))
        population, zero, none = Population(z, self._predictions(posterior, z)), jnp.int32(0), jnp.float32(0)
        return SMCState(
            population=population,
            inverse_temperature=none,
            log_evidence=self._weigh_start(posterior, population),
            step_size=jnp.float32(0.2),
            stage=zero,
            level=zero,
            final_rounds=zero,
            jump_size=none,
            least_size=jnp.float32(self.settings.particles),
            bridge=none,
            in_parts=jnp.bool(False),
        )

    def step(self, posterior: Posterior, key: Array, state: SMCState) -> tuple[SMCState, Info]:
        """Do one level."""
        key_resample, key_mass, key_moves, key_start = named(key, "resample", "mass", "moves", "start")
        effective = jnp.float32(self.settings.particles)
        if int(state.level) == 0:
            count = self._first_draws(posterior, state)
            pool = enlarged(posterior, key_start, state.population, self._predictions, count)
            state = state._replace(population=pool)
        if int(state.stage) == TEMPERING or bridging(posterior, state):
            state = self._advance(posterior, key_resample, state)
            effective = state.jump_size
        elif self.settings.waste_free:
            state = state._replace(population=jax.tree.map(lambda x: x[-self.settings.chains :], state.population))
        final = int(state.stage) == FINAL and posterior.target == "thresholded"
        if on_host(posterior):
            population, step_size, moves = self._walk(
                posterior, key_moves, state, final=final, keep_all=self.settings.waste_free
            )
        else:
            stage = ("bridge" if bridging(posterior, state) else "exact") if final else "soft"
            if not self.settings.moves and all(one.certain for one in posterior.observations):
                stage = "bridge"  # one program for all levels, which runs no forward model twice
            mass = self._estimate_mass(posterior, key_mass, state) if self.settings.moves else None
            sharp = bool(state.in_parts) and float(state.bridge) >= SHARPER_FROM
            population, step_size, moves = self._move(posterior, key_moves, state, mass, stage=stage, sharp=sharp)
        self._check_finite(moves, int(state.level) + 1)
        state = state._replace(
            population=population,
            step_size=step_size,
            level=state.level + 1,
            final_rounds=state.final_rounds + (int(state.stage) == FINAL and not bridging(posterior, state)),
        )
        exact = self._exact(posterior, state.population)
        # If some particles meet all data, the next level jumps from these instead.
        meets = posterior.target == "thresholded" and bool(np.isfinite(exact).any())
        if int(state.stage) == TEMPERING and bool(ladder_ends(state, self.settings.max_levels)) and not meets:
            state = state._replace(stage=jnp.int32(STUCK))
        return state, self._info(posterior, state, effective, moves, exact)

    def finished(self, state: SMCState) -> bool:
        """Whether the final levels are done, or the ladder is stuck."""
        return int(state.stage) == STUCK or int(state.final_rounds) >= self.settings.final_rounds

    def progress(self, posterior: Posterior, state: SMCState, info: Info) -> Progress:
        """Level, temperature, acceptance and honoured wells in words."""
        settings, level = self.settings, int(state.level)
        words = f"level {level}, acceptance {float(info['acceptance']):.2f}"
        if int(state.stage) != FINAL:
            words += f", inverse temperature {float(state.inverse_temperature):.3g}"
        elif bridging(posterior, state):
            words += f", {100 * float(state.bridge):.0f} % of the way from soft to exact"
        else:
            words += f", final target {int(state.final_rounds)}/{settings.final_rounds}"
        # Of data with noise the share that meets all says nothing of the jump.
        tells = all(observation.certain for observation in posterior.observations)
        left = levels_left(
            state,
            float(info["exact_particles"]) if tells else None,
            target=posterior.target,
            wanted=settings.ess_target,
            most=(settings.max_levels, settings.final_rounds),
        )
        done = 1.0 if self.finished(state) else level / (level + left)
        later = int(state.stage) == TEMPERING and posterior.target == "thresholded" and posterior.has_gradient
        return Progress(done, words + honoured_words(info["honoured"]), FINAL_PROGRAMS if later else 0.0)

    def draws(self, posterior: Posterior, state: SMCState) -> Draws:
        """The particles; none if no particle ever met the data."""
        del posterior
        kept = 0 if int(state.stage) == STUCK else None
        return jax.tree.map(lambda table: table[:kept], Draws(*state.population))

    def current(self, state: SMCState) -> Float[Array, "particle latent"]:
        """The particles."""
        return state.population.z

    def results(self, posterior: Posterior, state: SMCState) -> dict[str, Any]:
        """Log-evidence, levels and costs; if the ladder is stuck, the data that could not be met; warnings."""
        levels, (gradients, forward_runs) = int(state.level), self._spent(posterior)
        first_draws = self._first_draws(posterior, state)
        results: dict[str, Any] = {
            "levels": levels,
            "first_draws": first_draws,
            "gradients": levels * gradients,
            "forward_runs": first_draws + levels * forward_runs,
        }
        if int(state.stage) == STUCK:
            return {**results, "infeasible_data": self._infeasible(posterior, state)}
        results["log_evidence"] = float(state.log_evidence)
        if posterior.target == "thresholded":
            results["effective_sample_size_at_final_target"] = float(state.jump_size)
        return {**results, "warnings": warnings} if (warnings := self._warnings(posterior, state)) else results

    def _warnings(self, posterior: Posterior, state: SMCState) -> list[str]:
        jump, least, bound = float(state.jump_size), float(state.least_size), TOO_FEW * self.wanted
        consequence = "so the draws descend from these and the log-evidence is not reliable; raise moves, particles"
        if posterior.target == "thresholded" and jump < bound:
            return [
                f"Only about {jump:.0f} of {self.settings.particles} particles met all data when the ladder ended, "
                f"{consequence} or max_levels."
            ]
        if least < bound:
            return [f"At one level about {least:.0f} of {self.settings.particles} particles were left, {consequence}."]
        return []

    def _infeasible(self, posterior: Posterior, state: SMCState) -> list[str]:
        pairs = zip(posterior.observations, state.population.predictions.exact, strict=True)
        misfits = [sentence for observation, exact in pairs for sentence in observation.misfits(np.asarray(exact))]
        if posterior.target == "thresholded":
            return misfits
        return [
            f"the soft model is reached at inverse temperature 1, and {int(state.level)} levels led only to "
            f"{float(state.inverse_temperature):.2g}; raise max_levels or moves",
            *misfits,
        ]

    def _advance(self, posterior: Posterior, key: Array, state: SMCState) -> SMCState:
        """Go to the next level, and resample."""
        level = self._next_level(posterior, state, bridges=not on_host(posterior))
        population, effective = self._resample(key, state.population, level.log_weights)
        exact = float(level.bridge) > 0 if posterior.target == "thresholded" else float(level.inverse_temperature) >= 1
        state = state._replace(
            population=population,
            inverse_temperature=level.inverse_temperature,
            log_evidence=state.log_evidence + level.gain,
            stage=jnp.int32(FINAL if exact else TEMPERING),
            jump_size=jnp.minimum(effective, self.settings.particles),
            least_size=jnp.minimum(state.least_size, effective),
            bridge=level.bridge,
        )
        return state._replace(in_parts=state.in_parts | bridging(posterior, state))

    def _check_finite(self, moves: MoveInfo, level: int) -> None:
        lost, proposals = float(np.asarray(moves.non_finite).sum()), moves.acceptance.size
        if lost > 0.5 * proposals:
            raise NonFiniteError(
                f"{lost:.0f} of {proposals} proposals of level {level} became NaN or infinite; check the data's sd "
                "and the prior. What was saved before is intact."
            )

    def _first_draws(self, posterior: Posterior, state: SMCState) -> int:
        particles, stated = self.settings.particles, self.settings.first_draws
        return -(-stated // particles) * particles or usual_first_draws(*self._spent(posterior), state.population)

    def _predictions(self, posterior: Posterior, z: Array) -> Any:
        return predict_all(posterior, z) if on_host(posterior) else self._predict(posterior, z)

    def _traced_predict(self, posterior: Posterior, z: Array) -> Any:
        return map_batched(posterior.predict, z, self.settings.together)

    def _start_evidence(self, posterior: Posterior, population: Population) -> Array:
        """The path starts from a constant likelihood, which for hard data is not one."""
        predictions, count = population.predictions, self.settings.particles
        constant = each(lambda p: posterior.tempered_log_likelihood(p, 0.0), predictions, count)
        return logsumexp(constant) - jnp.log(count)

    def _traced_level(self, posterior: Posterior, state: SMCState, *, bridges: bool) -> Any:
        return next_level(posterior, state, wanted=self.wanted, max_levels=self.settings.max_levels, bridges=bridges)

    def _exact_log_likelihood(self, posterior: Posterior, population: Population) -> Float[Array, "particle"]:
        return each(posterior.exact_log_likelihood, population.predictions, self.settings.particles)

    def _spent(self, posterior: Posterior) -> tuple[int, int]:
        """Gradients and forward runs of a level, of all particles."""
        settings = self.settings
        if on_host(posterior):
            return 0, settings.chains * max(1, settings.moves) * (1 + settings.walk_windows)
        if not settings.moves:
            again = not all(one.certain for one in posterior.observations)
            return 0, settings.chains * (settings.local_moves + again)
        gradients = settings.moves * settings.leapfrogs + self._rounds + settings.probes
        return settings.chains * gradients, settings.chains * self._rounds * settings.local_moves

    def _info(self, posterior: Posterior, state: SMCState, effective: Array, moves: MoveInfo, exact: Array) -> Info:
        gradients, forward_runs = (jnp.float32(n / self.settings.particles) for n in self._spent(posterior))
        return Info(
            stage=state.stage,
            inverse_temperature=state.inverse_temperature,
            bridge=state.bridge,
            effective_sample_size=effective,
            acceptance=jnp.float32(np.asarray(moves.acceptance).mean()),
            step_size=state.step_size,
            honoured=jnp.float32(honoured_share(state.population.predictions.exact, posterior)),
            exact_particles=jnp.float32(np.isfinite(exact).mean()),
            non_finite=jnp.float32(np.asarray(moves.non_finite).sum()),
            gradients=gradients,
            forward_runs=forward_runs,
        )
