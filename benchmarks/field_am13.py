"""Field data: 702 radar travel times between two boreholes at Arrenæs, Denmark, with straight and with curved rays.

The data and their correlated noise are those that come with SIPPI (Hansen et al. 2013, doi:10.1016/j.cageo.2012.10.001;
the kind of noise is that of Cordua et al. 2008, doi:10.2136/vzj2007.0008): variance 8 ns² and covariance 4 ns² where
two rays share an antenna, of rank 89 for 702 times, plus independent noise of 0.8 ns. The prior is of the logarithm of
velocity, so that no velocity is negative: median 0.145 m/ns, standard deviation 0.119 (0.017 m/ns), a spherical
covariance of 6 m range, as in the examples of SIPPI, on 48×20 cells of 0.25 m, the distance of the antennas and a
twenty-fourth of the range; half a metre above and below the antennas lets rays bend there. Times are not linear in the
logarithm of velocity, so the posterior is sampled, by `TemperedSMC`. Three ways to predict times:

    curved                  first arrivals by the eikonal equation
    straight                lengths of straight rays in cells
    straight, model error   the same, and the covariance of what straight rays get wrong on draws of the prior is added

Top-level figures are of the curved rays. Run ``python -m benchmarks.field_am13 [--particles 48] [--output am13.png]``.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benchmarks._data import arrenaes_case
from benchmarks._report import Steps, run, say, show
from latentinv import (
    CholeskyPrior,
    ContinuousProperty,
    CorrelatedNoise,
    Covariance,
    Grid,
    IndirectData,
    Posterior,
    Run,
    TemperedSMC,
    sample,
)
from latentinv.forward import AbstractForward, CurvedRays, StraightRays
from latentinv.plotting._style import add_colour_bar, check_ending, save_figure, show_values
from latentinv.plotting._view import view_of

GRID = Grid((48, 20), 0.25, (0.0, 0.5), axes="xz", z_axis="depth")
MEDIAN, LOG_SD, RANGE_M = 0.145, 0.119, 6.0
"""Of the prior: m/ns, of the logarithm, metres."""
FINER = 4
"""Cells are split so often along each axis to see the error of the eikonal solution."""
WAYS = ("curved", "straight", "straight, model error")


class Case(NamedTuple):
    """One way to predict the times, and what came of it."""

    name: str
    posterior: Posterior
    noise: CorrelatedNoise
    result: Run

    @property
    def velocity(self) -> Float[np.ndarray, "draw *grid"]:
        """Velocities of the draws, m/ns."""
        return np.exp(np.asarray(self.result.realizations, float))

    @property
    def times(self) -> IndirectData:
        """The data."""
        (observation,) = self.posterior.observations
        assert isinstance(observation, IndirectData)
        return observation

    def residuals(self) -> Float[np.ndarray, "draw datum"]:
        """Observed less predicted times, in nanoseconds."""
        predict = jax.jit(lambda fields: jax.lax.map(self.times.predict, fields))
        return self.times.observed - np.asarray(predict(jnp.asarray(self.result.realizations)), float)


def model_errors(prior: CholeskyPrior, ways: dict[str, AbstractForward], count: int) -> Float[np.ndarray, "draw datum"]:
    """Times of curved less those of straight rays, for draws of the prior."""

    def one(z: Float[Array, "latent"]) -> Float[Array, "datum"]:
        velocity = jnp.exp(prior.generate(z, GRID))
        return ways["curved"].predict(velocity) - ways["straight"].predict(velocity)

    z = jax.random.normal(jax.random.key(20_000), (count, prior.latent_size(GRID)))
    return np.asarray(jax.jit(lambda z: jax.lax.map(one, z, batch_size=8))(z), float)


def cases(arguments: argparse.Namespace) -> list[Case]:
    """Invert the data in each way."""
    data = arrenaes_case()
    ends = data["source_xz_m"], data["receiver_xz_m"]
    prior = CholeskyPrior(Covariance("spherical", RANGE_M, LOG_SD), mean=float(np.log(MEDIAN)))
    ways: dict[str, AbstractForward] = {"curved": CurvedRays(GRID, *ends), "straight": StraightRays(GRID, *ends)}
    covariance = data["correlated_covariance_ns2"].astype(float)
    found = []
    for name in arguments.ways:
        noise = CorrelatedNoise(covariance, data["std_ns"])
        if name.endswith("model error"):
            errors = CorrelatedNoise.from_model_errors(model_errors(prior, ways, arguments.errors), data["std_ns"])
            noise = CorrelatedNoise(covariance + errors.covariance, data["std_ns"])
        forward = ways[name.split(",")[0]]
        settings: dict[str, Any] = {"property": ContinuousProperty("exp"), "name": "travel times", "unit": "ns"}
        posterior = Posterior(prior, GRID, [IndirectData(GRID, forward, data["travel_time_ns"], noise, **settings)])
        algorithm = TemperedSMC(particles=arguments.particles, moves=2, leapfrogs=6, local_moves=1)
        result = sample(posterior, algorithm, seed=arguments.seed, listener=Steps(name))
        found.append(Case(name, posterior, noise, result))
    return found


def measure(case: Case) -> dict[str, Any]:
    """Misfit and velocities of the draws."""
    residuals, velocity = case.residuals(), case.velocity
    whitened = np.asarray(jax.vmap(case.noise.whiten)(jnp.asarray(residuals, jnp.float32)), float)
    return {
        "rmse_ns": float(np.sqrt(np.mean(residuals**2))),
        "chi2_per_datum": float(np.mean(whitened**2)),
        "stated_rms_ns": float(np.sqrt(np.mean(case.noise.spread(case.times.count) ** 2))),
        "velocity_mean": float(velocity.mean()),
        "velocity_sd": float(velocity.std()),
        "velocity_posterior_sd": float(velocity.std(axis=0).mean()),
        "log_evidence": case.result.results["log_evidence"],
        "draws": len(velocity),
        "levels": case.result.results["levels"],
    }


def eikonal_error(case: Case) -> float:
    """Rms difference of curved times from those on cells a quarter as large, at the mean velocity, in nanoseconds."""
    coarse = case.times.forward
    assert isinstance(coarse, CurvedRays)
    velocity = case.velocity.mean(axis=0)
    shape, spacing = tuple(FINER * n for n in GRID.shape), tuple(np.asarray(GRID.spacing) / FINER)
    fine = replace(GRID, shape=shape, spacing=spacing)
    split = np.kron(velocity, np.ones((FINER, FINER)))
    pairs = ((coarse, velocity), (CurvedRays(fine, coarse.sources, coarse.receivers), split))
    times = [np.asarray(jax.jit(rays.predict)(jnp.asarray(v, jnp.float32)), float) for rays, v in pairs]
    return float(np.sqrt(np.mean((times[0] - times[1]) ** 2)))


def coverage(case: Case) -> Float[np.ndarray, "*grid"]:
    """Metres of all rays in each cell at the mean velocity: derivative of the sum of times in the cell's slowness."""
    slowness = jnp.asarray(1 / case.velocity.mean(axis=0), jnp.float32)
    return np.asarray(jax.grad(lambda s: jnp.sum(case.times.forward.predict(1 / s)))(slowness))


def draw(found: list[Case], path: str) -> None:
    """Draw mean and standard deviation of velocity, coverage by rays, and residuals, a row each way."""
    from matplotlib.figure import Figure

    check_ending(path)
    figure = Figure(figsize=(15, 6.2 * len(found)), dpi=100, layout="constrained", facecolor="white")
    panels = figure.subplots(len(found), 4, squeeze=False, width_ratios=(1, 1, 1, 1.5))
    velocities = [case.velocity for case in found]
    low, high = (f([f(v.mean(axis=0)) for v in velocities]) for f in (np.min, np.max))
    widest = max(v.std(axis=0).max() for v in velocities)
    for row, case, velocity in zip(panels, found, velocities, strict=True):
        pictures = (
            ("mean velocity", velocity.mean(axis=0), "m/ns", {"cmap": "cividis", "vmin": low, "vmax": high}),
            ("standard deviation", velocity.std(axis=0), "m/ns", {"cmap": "magma", "vmin": 0.0, "vmax": widest}),
            ("coverage by rays", coverage(case), "metres of rays in a cell", {"cmap": "viridis", "vmin": 0.0}),
        )
        for panel, (title, field, unit, settings) in zip(row, pictures, strict=False):
            image = show_values(panel, field, view_of(GRID), **settings)
            panel.set_title(f"{case.name}: {title}", fontsize=11)
            panel.set_xlabel("x (m)")
            add_colour_bar(figure, image, panel, unit)
        row[0].set_ylabel("depth (m)")
        _draw_residuals(row[3], case)
    save_figure(figure, path)


def _draw_residuals(panel: Any, case: Case) -> None:
    """Residuals of the mean prediction against the inclination of rays, beside the stated standard deviation."""
    forward = case.times.forward
    assert isinstance(forward, CurvedRays | StraightRays)
    run_ = forward.receivers - forward.sources
    angle = np.degrees(np.arctan2(run_[:, 1], run_[:, 0]))
    residual, spread = case.residuals().mean(axis=0), case.noise.spread(case.times.count)
    order = np.argsort(angle)
    panel.fill_between(angle[order], -spread[order], spread[order], color="#d8d8d8", label="stated, one sd")
    panel.scatter(angle, residual, s=8, color="#33547a", label="observed less predicted")
    panel.axhline(0, color="#444444", linewidth=0.8)
    panel.set_title(f"{case.name}: residuals, rms {np.sqrt(np.mean(residual**2)):.2f} ns", fontsize=11)
    panel.set_xlabel("inclination of the ray (degrees downwards)")
    panel.set_ylabel("ns")
    largest = 1.3 * max(np.abs(residual).max(), spread.max())
    panel.set_ylim(-largest, largest)  # leaves room for the legend above
    panel.legend(frameon=False, fontsize=9, loc="upper left", ncols=2)


KEYS = ("rmse_ns", "chi2_per_datum", "velocity_mean", "velocity_sd")
"""Of the curved rays; null where they are left out."""


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Invert in each way, and draw all."""
    if arguments.output:
        check_ending(arguments.output)
    begun = time.monotonic()
    found = cases(arguments)
    figures: dict[str, Any] = dict.fromkeys(KEYS)
    for case in found:
        measured = measure(case)
        show(f"Arrenæs, {case.name} rays", measured)
        if case.name == "curved":
            figures |= {**measured, "eikonal_error_ns": eikonal_error(case)}
        else:
            figures[case.name.replace(", ", "_").replace(" ", "_")] = measured
    figures["minutes"] = (time.monotonic() - begun) / 60
    if arguments.output:
        draw(found, arguments.output)
        say(f"picture {Path(arguments.output)}")
    return figures


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.field_am13", description="Invert radar field data.")
    parser.add_argument("--particles", type=int, default=48, help="draws of each way (default 48)")
    parser.add_argument("--errors", type=int, default=200, help="draws of the prior for the model error (default 200)")
    parser.add_argument("--ways", type=_ways, default=WAYS, help=f"some of {';'.join(WAYS)} (default all)")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    parser.add_argument("--output", default=None, help="picture to write")
    return parser.parse_args(words)


def _ways(text: str) -> tuple[str, ...]:
    ways = tuple(text.split(";"))
    if unknown := [way for way in ways if way not in WAYS]:
        raise argparse.ArgumentTypeError(f"there is no way called '{unknown[0]}'; choose from {'; '.join(WAYS)}")
    return ways


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
