"""Adaptive tempered sequential Monte Carlo, ending on the thresholded target.

A population starts as draws of the prior and is led to the posterior over a ladder of inverse temperatures t (Del Moral
et al. 2006, doi:10.1111/j.1467-9868.2006.00553.x; for geological latents Amaya et al. 2021, doi:10.1093/gji/ggab170).
At t = 0 the data say nothing; at 1 the soft model is reached; beyond, hard data become sharper still. A level consists
of

1. the next t, the largest at which the effective sample size of the importance weights is still `ess_target` of the
   population (Jasra et al. 2011, doi:10.1111/j.1467-9469.2010.00723.x); it needs only the stored predictions, no new
   fields;
2. systematic resampling;
3. `local_moves` renewals of small windows of the latents (`_local`), then `moves` Hamiltonian moves in a metric
   re-estimated at each level from the likelihood's curvature (`_preconditioner`), with the step adapted towards
   `acceptance_target`.

With the target ``soft`` the ladder ends at t = 1. With ``thresholded`` it goes on until the jump to the exact
likelihood (facies honoured or not) keeps the same effective sample size: the ladder's last rung drops particles that
miss a datum and refills from those that honour all, and `final_rounds` further levels move on the exact target:
proposals follow the sharp soft gradient, acceptance asks the exact likelihood, so every kept draw honours every certain
datum and the draws follow the exact posterior, not a soft one. Where a forward model tells the soft reading from the
exact one by more than the noise, however sharp the hard data are, the jump is too far for one. From `BRIDGE_FROM` on it
is then made in parts, over likelihoods soft^(1 − b) exact^b, b from 0 to 1, all of which honour certain data. From the
middle of that way on, moves are guided by facies read `SHARPER` times as sharply as is stated: a smooth reading leads a
population from the prior, a sharp one is near enough to the exact target that its moves are accepted.

The products of mean weights give the log-evidence of the target. Cost: per level and particle, ``moves · leapfrogs +
1`` gradients, `probes` backward passes and `local_moves` fields; memory: one batch of fields.

*Waste-free* (Dau and Chopin 2022, doi:10.1111/rssb.12475): a level resamples only one in ``moves + 1`` particles, gives
each chain `local_moves` renewals before each of its `moves` Hamiltonian moves, and keeps its start and every place
after a move. So a population costs a ``moves + 1``-th in Hamiltonian moves, and a larger one that costs as much gives a
steadier log-evidence. On the final target chains go on from where they are.

Where a simulator outside JAX knows no gradient, preconditioned Crank–Nicolson walks (`_pcn`) with their own local moves
stand for the Hamiltonian moves, and all particles are simulated at once; such walks go less far, so `moves` should be
several times as many.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Bool, Float, Int

from latentinv.data import HardData
from latentinv.errors import InputError, NonFiniteError
from latentinv.inference.chains import OutsideTransitions, pcn_move
from latentinv.inference.core import (
    EXACT,
    SHARPEST,
    AbstractAlgorithm,
    Kernel,
    Path,
    Position,
    Progress,
    check_counts,
    check_shares,
    effective_size,
    honoured_share,
    outside,
    resampled,
)
from latentinv.inference.moves import (
    MassMatrix,
    MoveInfo,
    Population,
    Trajectory,
    curvature_probe,
    hamiltonian_move,
    local_move,
    mass_matrix,
)
from latentinv.posterior import Posterior, Predictions, each, map_batched

Target = Literal["soft", "bridge", "exact"]
TEMPERING, FINAL, STUCK = 0, 1, 2
WALK_ACCEPTANCE = 0.25
"""Mean acceptance towards which random walks are adapted."""
BRIDGE_FROM = 3.0
"""Inverse temperature from which on the jump to the exact likelihood may be made in parts: what becomes sharper with it
is sharp by then."""
LEAST_PART = 0.02
"""Of the jump; where less keeps the effective sample size, the ladder goes on."""
SHARPER, SHARPER_FROM = 4.0, 0.5
"""How much more sharply than stated the guide reads facies, and the part of the jump from which on it does."""


class SMCState(NamedTuple):
    """What the next level needs."""

    population: Population
    inverse_temperature: Float[Array, ""]
    log_evidence: Float[Array, ""]
    step_size: Float[Array, ""]
    stage: Int[Array, ""]
    level: Int[Array, ""]
    final_rounds: Int[Array, ""]
    """Levels done on the final target."""
    jump_size: Float[Array, ""]
    """Effective sample size at the jump to the exact likelihood, or at the last part of it."""
    bridge: Float[Array, ""]
    """Part b of the jump that was made."""
    in_parts: Bool[Array, ""]
    """Whether the jump was made in parts."""


class SMCInfo(NamedTuple):
    """What a person wants to know of a level."""

    stage: Int[Array, ""]
    inverse_temperature: Float[Array, ""]
    bridge: Float[Array, ""]
    """Part of the jump to the exact likelihood that was made."""
    effective_sample_size: Float[Array, ""]
    acceptance: Float[Array, ""]
    step_size: Float[Array, ""]
    honoured: Float[Array, ""]
    """Share of hard data honoured; nan without hard data."""
    exact_particles: Float[Array, ""]
    """Share of particles that the exact likelihood does not exclude."""
    non_finite: Float[Array, ""]
    gradients: Float[Array, ""]
    """Gradients a particle spent in the level; curvature probes count as one each."""
    forward_runs: Float[Array, ""]
    """Fields generated without a gradient, for local moves."""


@dataclass(frozen=True)
class TemperedSMC(AbstractAlgorithm):
    """Adaptive tempered sequential Monte Carlo with preconditioned Hamiltonian moves.

    Parameters
    ----------
    particles
        Draws kept at the end.
    moves
        Hamiltonian moves a level.
    leapfrogs
        Leapfrog steps a move.
    local_moves
        Local moves (`_local`) a level, before the Hamiltonian ones.
    probes
        Curvature probes a particle and level.
    ess_target
        Share of the population that the weights of a level may not fall below.
    acceptance_target
        Mean acceptance, were the guide the target, towards which the leapfrog step is adapted.
    final_rounds
        Levels on the final target, after the ladder.
    max_levels
        Levels of the ladder after which particles that meet all data are taken, however few; if there are none, the
        data are declared out of reach and no draw is kept.
    batch_size
        Particles evaluated at once.
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
    batch_size: int = 8
    waste_free: bool = False

    name = "smc"
    needs_gradient = False

    def __post_init__(self) -> None:
        check_counts(self, "particles", "moves", "leapfrogs", "local_moves", "probes", "final_rounds")
        check_counts(self, "max_levels", "batch_size")
        check_shares(self, "ess_target", "acceptance_target")
        if self.waste_free and self.particles % (self.moves + 1):
            raise InputError(
                f"The setting particles is {self.particles}; with waste_free expected a multiple of moves + 1, which "
                f"is {self.moves + 1}."
            )

    def build(self, posterior: Posterior) -> Kernel:
        """Bind the sampler to a posterior."""
        machine = _Machine(self, posterior)
        return Kernel(
            init=machine.init,
            step=machine.step,
            finished=machine.finished,
            progress=machine.progress,
            draws=machine.draws,
            current=lambda state: state.population.z,
            samples_target=True,
            results=machine.results,
        )


class _Machine:
    """The sampler bound to a posterior: jitted parts and the decisions between them."""

    def __init__(self, settings: TemperedSMC, posterior: Posterior) -> None:
        self.settings, self.posterior = settings, posterior
        self.latent_maps = posterior.prior.latent_maps(posterior.grid)
        self.thresholded = posterior.target == "thresholded"
        self.predict: Callable[[Array], Predictions]
        self.predict = functools.partial(map_batched, posterior.predict, batch_size=settings.batch_size)
        self.outside = posterior.external and not posterior.has_gradient
        if self.outside:
            self.local_moves = -(-settings.local_moves // settings.moves)  # of each walk
            move = pcn_move(Path(posterior, SHARPEST), local_moves=self.local_moves, acceptance_target=WALK_ACCEPTANCE)
            self.walk = OutsideTransitions(move, posterior)
            self.predict = outside(posterior).predict
        self._start = self._start_population if self.outside else posterior.jit(self._start_population)
        self._next_temperature = posterior.jit(self._choose_temperature)
        # A level is so many rounds of local moves and Hamiltonian ones, of so many chains.
        self.rounds, self.moves = (settings.moves, 1) if settings.waste_free else (1, settings.moves)
        self.chains = settings.particles // (settings.moves + 1) if settings.waste_free else settings.particles
        self._resample = jax.jit(functools.partial(resampled, count=self.chains))
        self._mass = posterior.jit(self._estimate_mass)
        self._move = posterior.jit(self._move_population, static_argnames=("target", "sharp"))

    def init(self, key: Array) -> SMCState:
        """Draw the population from the prior."""
        population, log_evidence = self._start(key)
        zero = jnp.int32(0)
        none = jnp.float32(0)
        return SMCState(population, none, log_evidence, jnp.float32(0.2), zero, zero, zero, none, none, jnp.bool(False))

    def step(self, key: Array, state: SMCState) -> tuple[SMCState, SMCInfo]:
        """Do one level."""
        key_resample, key_mass, key_moves = jax.random.split(key, 3)
        effective = jnp.float32(self.settings.particles)
        if int(state.stage) == TEMPERING or self._bridging(state):
            t, weights, gain, bridge = self._next_temperature(state)
            population, effective = self._resample(key_resample, state.population, weights)
            state = state._replace(
                population=population,
                inverse_temperature=t,
                log_evidence=state.log_evidence + gain,
                stage=jnp.int32(FINAL if self._arrives(t, bridge) else TEMPERING),
                jump_size=effective,
                bridge=bridge,
            )
            state = state._replace(in_parts=state.in_parts | self._bridging(state))
        elif self.settings.waste_free:
            last = jax.tree.map(lambda x: x[-self.chains :], state.population)
            state = state._replace(population=last)
        final = int(state.stage) == FINAL and self.thresholded
        if self.outside:
            population, step_size, moves = self._move_outside(key_moves, state, final=final)
        else:
            target: Target = ("bridge" if self._bridging(state) else "exact") if final else "soft"
            mass = self._mass(key_mass, state)
            sharp = bool(state.in_parts) and float(state.bridge) >= SHARPER_FROM
            population, step_size, moves = self._move(key_moves, state, mass, target=target, sharp=sharp)
        self._check_finite(moves, int(state.level) + 1)
        state = state._replace(
            population=population,
            step_size=step_size,
            level=state.level + 1,
            final_rounds=state.final_rounds + (int(state.stage) == FINAL and not self._bridging(state)),
        )
        # Where some particles meet all data, the next level jumps from these instead.
        ends = self._ladder_ends(state) & ~(self.thresholded & jnp.isfinite(self._exact(state)).any())
        if int(state.stage) == TEMPERING and bool(ends):
            state = state._replace(stage=jnp.int32(STUCK))
        return state, self._info(state, effective, moves)

    def _arrives(self, t: Array, bridge: Array) -> bool:
        """Whether the next level is on the final target, or on the way from the last soft model to it."""
        return float(bridge) > 0 if self.thresholded else float(t) >= 1

    def _bridging(self, state: SMCState) -> bool:
        return self.thresholded and 0 < float(state.bridge) < 1

    def _ladder_ends(self, state: SMCState) -> Array:
        return (state.level >= self.settings.max_levels) | (state.inverse_temperature >= SHARPEST)

    def _check_finite(self, moves: MoveInfo, level: int) -> None:
        lost, proposals = float(moves.non_finite.sum()), self.settings.moves * self.chains
        if lost > 0.5 * proposals:
            raise NonFiniteError(
                f"{lost:.0f} of {proposals} proposals of level {level} left the finite numbers; check the data's sd "
                "and the prior. What was saved before is whole."
            )

    def finished(self, state: SMCState) -> bool:
        """Whether the final levels are done, or the ladder got stuck."""
        return int(state.stage) == STUCK or int(state.final_rounds) >= self.settings.final_rounds

    def progress(self, state: SMCState, info: SMCInfo) -> Progress:
        """Level, temperature, acceptance and honoured wells in words."""
        words = f"level {int(state.level)}, acceptance {float(info.acceptance):.2f}"
        if int(state.stage) == FINAL:
            done = 0.85 + 0.15 * int(state.final_rounds) / self.settings.final_rounds
            if self._bridging(state):
                words += f", {100 * float(state.bridge):.0f} % of the way from soft to exact"
            else:
                words += f", final target {int(state.final_rounds)}/{self.settings.final_rounds}"
        else:
            # Levels advance t by a nearly constant factor once the data speak, so its logarithm measures the way.
            t = float(state.inverse_temperature)
            done = 0.85 * min(1.0, np.log1p(t / 1e-2) / np.log1p(3e2))
            words += f", inverse temperature {t:.3g}"
        if np.isfinite(float(info.honoured)):
            words += f", wells honoured {100 * float(info.honoured):.1f} %"
        return Progress(float(done), words)

    def draws(self, state: SMCState) -> Array:
        """The particles; none if no particle ever met the data."""
        return state.population.z[: 0 if int(state.stage) == STUCK else None]

    def results(self, state: SMCState) -> dict[str, Any]:
        """Log-evidence, levels and costs; if the ladder got stuck, the data that could not be met; warnings."""
        levels, (gradients, forward_runs) = int(state.level), self._spent()
        results: dict[str, Any] = {
            "levels": levels,
            "gradients": levels * gradients,
            "forward_runs": self.settings.particles + levels * forward_runs,
        }
        if int(state.stage) == STUCK:
            return {**results, "unmet": self._unmet(state)}
        results["log_evidence"] = float(state.log_evidence)
        if self.thresholded:
            size = float(state.jump_size)
            results["effective_sample_size_at_jump"] = size
            if size < 0.9 * self.settings.ess_target * self.settings.particles:
                results["warnings"] = [
                    f"Only about {size:.0f} of {self.settings.particles} particles met all data when the ladder ended, "
                    "so the draws descend from these and the log-evidence is not reliable; raise moves, particles or "
                    "max_levels."
                ]
        return results

    def _unmet(self, state: SMCState) -> list[str]:
        pairs = zip(self.posterior.observations, state.population.predictions.exact, strict=True)
        named = [sentence for observation, exact in pairs for sentence in observation.failures(np.asarray(exact))]
        if self.thresholded:
            return named
        return [
            f"the soft model is reached at inverse temperature 1, and {int(state.level)} levels led only to "
            f"{float(state.inverse_temperature):.2g}; raise max_levels or moves",
            *named,
        ]

    def _exact(self, state: SMCState) -> Float[Array, "particle"]:
        return each(self.posterior.exact_log_likelihood, state.population.predictions, self.settings.particles)

    def _tempered(self, population: Population, t: Array | float) -> Float[Array, "particle"]:
        return each(
            lambda p: self.posterior.tempered_log_likelihood(p, t), population.predictions, self.settings.particles
        )

    def _start_population(self, key: Array) -> tuple[Population, Array]:
        z = jax.random.normal(key, (self.settings.particles, self.posterior.latent_size))
        population = Population(z, self.predict(z))
        # The path starts from a constant likelihood, which for hard data is not one.
        constant = self._tempered(population, 0.0)
        return population, logsumexp(constant) - jnp.log(constant.size)

    def _choose_temperature(self, state: SMCState) -> tuple[Array, Float[Array, "particle"], Array, Array]:
        """Largest next t, or part of the jump, that keeps the effective sample size; its log-weights, their gain of
        log-evidence, and the part of the jump made then.
        """
        population, now = state.population, state.inverse_temperature
        base = self._tempered(population, now)
        wanted = self.settings.ess_target * self.settings.particles
        possible = jnp.isfinite(base)  # not where a simulation failed, which only the first population has

        def weights(t: Array | float) -> Array:
            return jnp.where(possible, self._tempered(population, t) - base, -jnp.inf)

        def enough(log_weights: Array) -> Array:
            return effective_size(log_weights) >= wanted

        def gain(log_weights: Array) -> Array:
            return logsumexp(log_weights) - jnp.log(jnp.sum(possible))

        low = jnp.log(jnp.maximum(now, 1e-6))
        # Once the data speak, t at most triples: sharper than needed for the jump would only stiffen the final moves.
        high = jnp.float32(0.0) if not self.thresholded else low + jnp.where(now > 0, jnp.log(3.0), 14.0)
        t = jnp.exp(_furthest(lambda log_t: enough(weights(jnp.exp(log_t))), low, high))
        if not self.thresholded:
            return t, weights(t), gain(weights(t)), state.bridge
        jump = jnp.where(possible, self._exact(state) - base, -jnp.inf)

        def part(bridge: Array | float) -> Array:
            return (bridge - state.bridge) * jump

        # At the last level a few particles that meet all data are better than none.
        ends = jnp.where(state.bridge > 0, state.level >= self.settings.max_levels, self._ladder_ends(state))
        last = ends & jnp.isfinite(jump).any()
        further = _furthest(lambda bridge: enough(part(bridge)), state.bridge, jnp.float32(1.0))
        # Random walks of a simulator outside know the exact target and the soft ones only.
        in_parts = (now >= BRIDGE_FROM) & (further - state.bridge >= LEAST_PART) & (not self.outside)
        whole = enough(part(1.0)) | last
        bridge = jnp.where(whole, 1.0, jnp.where(in_parts | (state.bridge > 0), further, 0.0))
        chosen = jnp.where(bridge > 0, part(bridge), weights(t))
        return jnp.where(bridge > 0, now, t), chosen, gain(chosen), bridge

    def _estimate_mass(self, key: Array, state: SMCState) -> MassMatrix:
        z, probes = state.population.z, self.settings.probes
        keys = jax.random.split(key, (probes, z.shape[0]))

        def probe(pair: tuple[Array, Array]) -> Array:
            return curvature_probe(self.posterior, pair[0], state.inverse_temperature, pair[1])

        vectors = [map_batched(probe, (z, keys[n]), self.settings.batch_size) for n in range(probes)]
        directions = jnp.concatenate(vectors).T / jnp.sqrt(probes * z.shape[0])
        return mass_matrix(jnp.where(jnp.isfinite(directions), directions, 0.0))

    def _move_outside(self, key: Array, state: SMCState, *, final: bool) -> tuple[Population, Array, MoveInfo]:
        """Random walks in place of Hamiltonian moves, all particles simulated at once."""
        t = jnp.float32(EXACT) if final else state.inverse_temperature
        positions, step_size, infos = Position(*state.population), state.step_size, []
        passed = [positions]
        for key_move in jax.random.split(key, self.settings.moves):
            keys = jax.random.split(key_move, self.chains)
            positions, outcome = self.walk(keys, positions, step_size, t)
            change = jnp.exp(0.7 * (outcome.acceptance.mean() - WALK_ACCEPTANCE))
            step_size = jnp.clip(step_size * change, 1e-4, 1.0)
            lost = jnp.sum(~outcome.finite).astype(jnp.float32)
            infos.append(MoveInfo(outcome.acceptance, outcome.acceptance, lost))
            passed.append(positions)
        if self.settings.waste_free:
            positions = jax.tree.map(lambda *places: jnp.concatenate(places), *passed)
        moves = jax.tree.map(lambda *each_move: jnp.stack(each_move), *infos)
        return Population(positions.z, positions.predictions), step_size, moves

    def _read_sharply(self, z: Array) -> Predictions:
        """Soft predictions that are nearer to the exact ones than stated, and rougher in the latents."""
        field, observations = self.posterior.field(z), self.posterior.observations
        # Hard data are as sharp as the inverse temperature says.
        sharpness = [1.0 if isinstance(observation, HardData) else SHARPER for observation in observations]
        return Predictions(tuple(o.predict(field, s) for o, s in zip(observations, sharpness, strict=True)), ())

    def _move_population(
        self, key: Array, state: SMCState, mass: MassMatrix, target: Target, sharp: bool
    ) -> tuple[Population, Array, MoveInfo]:
        t, posterior, settings = state.inverse_temperature, self.posterior, self.settings
        read = self._read_sharply if sharp else posterior.predict_soft

        def log_guide(predictions: Predictions) -> Array:
            return posterior.tempered_log_likelihood(predictions, t)

        def guide(z: Array) -> tuple[Array, tuple[Array, Predictions]]:
            if sharp:
                read_by_guide = read(z)
                predictions = posterior.predict(z) if target == "bridge" else posterior.predict_exact(z)
                # Nothing reads the soft predictions once the target is the exact one.
                predictions = predictions._replace(soft=predictions.soft or read_by_guide.soft)
            else:
                predictions = read_by_guide = posterior.predict(z)
            value = log_guide(read_by_guide)
            return value, (value, predictions)

        def steer(z: Array) -> Array:
            slope = jax.grad(lambda z: log_guide(read(z)))
            return map_batched(slope, z, settings.batch_size) - z

        def follow(z: Array) -> Trajectory:
            gradient, (value, predictions) = map_batched(jax.grad(guide, has_aux=True), z, settings.batch_size)
            return Trajectory(Population(z, predictions), gradient - z, value)

        def move(carry: tuple[Trajectory, Array], key: Array) -> tuple[tuple[Trajectory, Array], MoveInfo]:
            here, step_size = carry
            here, info = hamiltonian_move(
                key,
                here,
                steer=steer,
                follow=follow,
                log_target=log_target,
                mass=mass,
                step_size=step_size,
                leapfrogs=settings.leapfrogs,
            )
            # Only the leapfrog's own error depends on the step; what the exact target refuses besides does not.
            step_size = step_size * jnp.exp(0.7 * (info.conservation.mean() - settings.acceptance_target))
            return (here, jnp.clip(step_size, 1e-4, 0.5)), info

        def log_bridge(predictions: Predictions) -> Array:
            exact, soft = posterior.exact_log_likelihood(predictions), log_guide(predictions)
            return (1 - state.bridge) * soft + state.bridge * exact

        log_target = {"soft": log_guide, "bridge": log_bridge, "exact": posterior.exact_log_likelihood}[target]
        # Local moves predict no more than the target asks for, which may spare runs of a forward model.
        one = {"soft": posterior.predict_soft, "bridge": posterior.predict, "exact": posterior.predict_exact}[target]
        predict = functools.partial(map_batched, one, batch_size=settings.batch_size)

        def renew(here: Population, key: Array) -> tuple[Population, None]:
            moved = local_move(key, here, predict=predict, log_target=log_target, latent_maps=self.latent_maps)
            return moved, None

        def one_round(carry: tuple[Population, Array], key: Array) -> tuple[tuple[Population, Array], Any]:
            (here, step_size), (key_local, key_hamiltonian) = carry, jax.random.split(key)
            z, (soft, exact) = here
            known = Predictions(() if target == "exact" else soft, () if target == "soft" else exact)
            local_keys = jax.random.split(key_local, settings.local_moves)
            renewed, _ = jax.lax.scan(renew, Population(z, known), local_keys)
            keys = jax.random.split(key_hamiltonian, self.moves)
            (end, step_size), infos = jax.lax.scan(move, (follow(renewed.z), step_size), keys)
            return (end.population, step_size), (end.population, infos)

        start = state.population, state.step_size
        keys = jax.random.split(key, self.rounds) if settings.waste_free else key[None]
        (end, step_size), (passed, infos) = jax.lax.scan(one_round, start, keys)
        if settings.waste_free:  # the chains' places of one time side by side, their last at the end
            end = jax.tree.map(lambda x, y: jnp.concatenate([x, y.reshape(-1, *x.shape[1:])]), start[0], passed)
        return end, step_size, infos

    def _spent(self) -> tuple[int, int]:
        """Gradients and forward runs of a level, of all particles."""
        settings = self.settings
        if self.outside:
            return 0, self.chains * settings.moves * (1 + self.local_moves)
        gradients = settings.moves * settings.leapfrogs + self.rounds + settings.probes
        return self.chains * gradients, self.chains * self.rounds * settings.local_moves

    def _info(self, state: SMCState, effective: Array, moves: MoveInfo) -> SMCInfo:
        gradients, forward_runs = (jnp.float32(spent / self.settings.particles) for spent in self._spent())
        return SMCInfo(
            stage=state.stage,
            inverse_temperature=state.inverse_temperature,
            bridge=state.bridge,
            effective_sample_size=effective,
            acceptance=moves.acceptance.mean(),
            step_size=state.step_size,
            honoured=jnp.float32(honoured_share(state.population.predictions.exact, self.posterior)),
            exact_particles=jnp.isfinite(self._exact(state)).mean(),
            non_finite=moves.non_finite.sum(),
            gradients=gradients,
            forward_runs=forward_runs,
        )


def _furthest(enough: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The largest number from `low` to `high` for which something is enough, which it is at `low` and ever less."""

    def bisect(_: int, edges: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = 0.5 * (edges[0] + edges[1])
        good = enough(middle)
        return jnp.where(good, middle, edges[0]), jnp.where(good, edges[1], middle)

    found, _ = jax.lax.fori_loop(0, 30, bisect, (low, high))
    return jnp.where(enough(high), high, found)
