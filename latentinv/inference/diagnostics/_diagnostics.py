"""How far draws can be trusted, in quantities of interest, and in sentences.

Of Markov chains, or of several runs of one posterior taken as chains, each functional (`_functionals`) gets its R-hat
and its effective sample sizes (`_convergence`). One population says nothing of its own convergence: there remain how
many draws are distinct and the warnings of its algorithm. The costs are those of the whole run, start and warm-up
included. The bounds are those of Vehtari et al. (2021, doi:10.1214/20-BA1221): R-hat below 1.01, and an effective
sample size above 400.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError
from latentinv.inference.chains import DRAWS

from ._convergence import LEAST_DRAWS, effective_sample_size, rhat
from ._diagnosis import Diagnosis, Ladder, Quantity
from ._functionals import functionals
from ._subject import RunLike

LARGEST_RHAT = 1.01
LEAST_SIZE = 400
MOST_MISFIT = 6.0
"""Standard errors by which the mean squared residual may exceed that of the noise."""


def diagnose(run: RunLike | Sequence[RunLike]) -> Diagnosis:
    """Diagnose how far draws can be trusted.

    Parameters
    ----------
    run
        A run; or several of one posterior, from different seeds, whose chains are all compared. A population counts as
        one chain, so that populations, too, get R-hat: between runs.

    Raises
    ------
    InputError
        If no run is given, the runs are not of one posterior, or one is another again.
    """
    runs: list[RunLike] = [run] if hasattr(run, "latents") else list(run)  # type: ignore[list-item]
    _check_runs(runs)
    single = len(runs) == 1 and runs[0].chains is None
    tables = _by_chain([functionals(one) for one in runs if len(one.latents)])
    quantities = tuple(_quantity(name, values, compared=not single) for name, values in tables.items())
    realizations = [one.realizations for one in runs]
    chains = None if single else sum(one.chains or 1 for one in runs if len(one.latents))
    diagnosis = Diagnosis(
        quantities=quantities,
        draws=sum(len(one.latents) for one in runs),
        distinct=len({field.tobytes() for fields in realizations for field in fields}),
        chains=chains,
        seconds=sum(one.seconds for one in runs),
        gradients=_total(runs, "gradients"),
        forward_runs=_total(runs, "forward_runs"),
        acceptance=_acceptance(runs),
        divergences=_total(runs, "divergences"),
        ladder=_ladder(runs[0]) if len(runs) == 1 else None,
        warnings=(),
    )
    populations = all(one.chains is None for one in runs)
    known = dict.fromkeys(sentence for one in runs for sentence in one.results.get("warnings", []))
    empty = [number for number, one in enumerate(runs, start=1) if not len(one.latents)]
    if len(runs) > 1 and empty:
        left_out = ", ".join(map(str, empty))
        known[f"{len(empty)} of {len(runs)} runs gave no draws and are left out: {left_out}."] = None
    misfits = dict.fromkeys(sentence for one in runs for sentence in _misfit_warnings(one))
    return diagnosis._replace(warnings=(*known, *_warnings(diagnosis, populations=populations), *misfits))


def _check_runs(runs: list[RunLike]) -> None:
    if not runs:
        raise InputError("No run is given to diagnose; give one, or several of one posterior.")
    first = _signature(runs[0])
    for number, other in enumerate(runs[1:], start=2):
        if _signature(other) != first:
            raise InputError(f"Run {number} has another posterior than the first; compare runs of the same one.")
        for earlier, one in enumerate(runs[: number - 1], start=1):
            if len(one.latents) and np.array_equal(one.latents, other.latents):
                raise InputError(f"Run {number} repeats run {earlier}, draw for draw; give runs with different seeds.")


def _signature(run: RunLike) -> tuple[Any, ...]:
    posterior = run.posterior
    return (
        posterior.grid,
        posterior.target,
        run.latents.shape[1],
        posterior.prior.fingerprint(),
        [(o.kind, o.name, np.asarray(o.observed).tobytes()) for o in posterior.observations],
    )


def _by_chain(tables: list[dict[str, np.ndarray]]) -> dict[str, Float[np.ndarray, "chain draw"]]:
    """Functionals of all runs' chains together, cut to the shortest; named as those of the first run.

    The runs are of one posterior, so they have the same quantities in the same order; but one run's prior may have
    names of facies that the other's lacks.
    """
    if not tables:
        return {}
    shortest = min(values.shape[1] for table in tables for values in table.values())
    each = zip(*(table.values() for table in tables), strict=True)
    return {
        name: np.concatenate([part[:, :shortest] for part in parts])
        for name, parts in zip(tables[0], each, strict=True)
    }


def _quantity(name: str, values: Float[np.ndarray, "chain draw"], *, compared: bool) -> Quantity:
    finite = bool(np.isfinite(values).all())
    # Equal numbers have no spread, whatever a mean of them rounds to.
    sd = (0.0 if np.all(values == values.flat[0]) else float(values.std())) if finite else float("nan")
    mean = float(values.mean()) if finite else float("nan")
    if not compared:
        return Quantity(name, mean, sd, *(float("nan"),) * 3)
    sizes = (float(effective_sample_size(values, kind)) for kind in ("bulk", "tail"))
    return Quantity(name, mean, sd, float(rhat(values)), *sizes)


def _total(runs: list[RunLike], name: str) -> int | None:
    counts = [run.results.get(name) for run in runs]
    return None if any(count is None for count in counts) else sum(counts)  # type: ignore[arg-type]


def _acceptance(runs: list[RunLike]) -> Float[np.ndarray, "chain"] | None:
    """Acceptance of chains without a ladder; that of a ladder is reported with it."""
    found = []
    for run in runs:
        column = run.trace.get("acceptance")
        if run.chains is None or column is None or "inverse_temperature" in run.trace or column.ndim != 2:
            return None
        found.append(column[_drawing(run)].mean(axis=0) if len(_drawing(run)) else np.full(column.shape[1], np.nan))
    acceptance = np.concatenate(found)
    return acceptance if np.isfinite(acceptance).all() else None


def _drawing(run: RunLike) -> np.ndarray:
    """Rows of the trace of chains that gave draws; the first that says so only ended the warm-up."""
    return np.flatnonzero(run.trace["stage"] == DRAWS)[1:]


def _ladder(run: RunLike) -> Ladder | None:
    trace = run.trace
    if "inverse_temperature" not in trace or not run.steps:
        return None
    if run.chains is None:
        return Ladder(trace["inverse_temperature"], trace["acceptance"], None)
    rows = _drawing(run)
    if not len(rows):
        return None
    exchanges = np.nanmean(trace["swap_acceptance"][rows], axis=0) if "swap_acceptance" in trace else None
    return Ladder(trace["inverse_temperature"][-1], trace["acceptance"][rows].mean(axis=0), exchanges)


def _warnings(diagnosis: Diagnosis, *, populations: bool) -> list[str]:
    if not diagnosis.draws:
        return []
    if 2 * diagnosis.distinct < diagnosis.draws:
        few = [f"Only {diagnosis.distinct} of {diagnosis.draws} draws are distinct; run longer or with more particles."]
    else:
        few = []
    if diagnosis.chains is None:
        return few
    moving = [quantity for quantity in diagnosis.quantities if not quantity.constant]
    if moving and diagnosis.worst() is None:
        each, one = diagnosis.draws // diagnosis.chains, "run" if populations else "chain"
        return [
            *few,
            f"{each} draws of a {one} are too few to compare; {LEAST_DRAWS} are needed, and hundreds recommended.",
        ]
    return [*few, *_rhat_warning(diagnosis, populations=populations), *_size_warning(diagnosis)]


def _rhat_warning(diagnosis: Diagnosis, *, populations: bool) -> list[str]:
    worst = diagnosis.worst()
    if worst is None or worst.rhat <= LARGEST_RHAT:
        return []
    known = [quantity.rhat for quantity in diagnosis.quantities if not np.isnan(quantity.rhat)]
    above = sum(value > LARGEST_RHAT for value in known)
    still = ", in which each chain stands still" if np.isinf(worst.rhat) else ""
    remedy = "draw longer" if diagnosis.ladder is not None else "draw longer, or use a tempered algorithm"
    who = "runs" if populations else "chains"
    if populations:
        remedy = "give each run more particles or moves, and take their draws together until then"
    return [
        f"The {who} do not agree yet: R-hat is above {LARGEST_RHAT} for {above} of {len(known)} quantities, at worst "
        f"{worst.rhat:.2f} ({worst.name}{still}); {remedy}."
    ]


def _size_warning(diagnosis: Diagnosis) -> list[str]:
    kinds = {"bulk_size": "", "tail_size": " in its tails"}
    found = [(worst, kind) for kind in kinds if (worst := diagnosis.worst(kind)) is not None]
    least, kind = min(found, key=lambda pair: getattr(*pair), default=(None, ""))
    if least is None or getattr(least, kind) >= LEAST_SIZE:
        return []
    return [
        f"The effective sample size of {least.name}{kinds[kind]} is about {getattr(least, kind):.0f}; at least "
        f"{LEAST_SIZE} are advised before relying on it."
    ]


def _misfit_warnings(run: RunLike) -> list[str]:
    """Data with Gaussian noise that draws miss by more, all together, than the noise explains.

    Squares of n standard normal residuals have a mean of 1 and a standard error of √(2 / n).
    """
    found = []
    for observation in run.posterior.observations:
        noise, predicted = observation.gaussian_noise, run.predicted[observation.name]
        if noise is None or not len(predicted) or not np.isfinite(predicted).all():
            continue
        residuals = _whiten(noise, jnp.asarray(observation.observed - predicted, jnp.float32))
        excess = float(jnp.mean(residuals**2))
        if excess > 1 + MOST_MISFIT * np.sqrt(2 / observation.count):
            found.append(
                f"The draws miss '{observation.name}' by {np.sqrt(excess):.2g} times the stated noise, over all "
                f"{observation.count} data; the noise is larger than stated, or prior or other data contradict them."
            )
    return found


@jax.jit
def _whiten(noise: Any, residuals: Any) -> Any:
    return jax.vmap(noise.whiten)(residuals)
