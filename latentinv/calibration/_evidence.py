"""Model choice: which prior, or training image, the data favour, and whether the estimates can tell.

The evidence p(d | model) = E[p(d | G(z))] over the prior ranks models that may differ in image, architecture, noise or
anything else. Sequential Monte Carlo estimates it with a bias that falls as one over its particles, and a scatter that
a single run does not show. Each model is run with several seeds; with log-evidences ℓ_r of R runs

    log p(d | model) ≈ log (1/R Σ exp ℓ_r),        standard error by the jackknife,

and the models' probabilities, equally probable before, follow by Bayes (for training images Linde et al. 2015,
doi:10.1016/j.advwatres.2015.09.019; for evidence by tempered sequential Monte Carlo Amaya et al. 2021,
doi:10.1093/gji/ggab170). If populations miss a mode, all runs underestimate the evidence, which their spread does not
show. Cost: a run for each model and seed.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from latentinv.data import AbstractObservation
from latentinv.errors import InputError
from latentinv.inference.core import AbstractAlgorithm, check_algorithm, kernel_of
from latentinv.inference.run import choose_algorithm, sample
from latentinv.posterior import Posterior

MEASURED = ("cells", "lower", "upper", "facies", "mean", "data")
"""Arrays of observations that must agree: places and values."""

CLEAR = 3.0
"""Number of standard errors by which log-evidences must differ to be called different."""


class ModelEvidence(NamedTuple):
    """The evidence of one model."""

    name: str
    log_evidence: float
    """Logarithm of the mean evidence of the runs; minus infinity if none of them met the data."""
    standard_error: float
    """Standard error, from the scatter of the runs."""
    runs: Float[np.ndarray, "run"]
    """Log-evidence of each run that met the data."""
    infeasible: int
    """Number of runs that found no field that meets the data."""
    probability: float
    """Probability of the model, if all were equally probable before."""

    @property
    def spread(self) -> float:
        """Standard deviation of the runs' log-evidences."""
        return float(np.std(self.runs, ddof=1)) if len(self.runs) > 1 else float("nan")


class EvidenceComparison(NamedTuple):
    """Models in the order of their evidence, the best first."""

    models: tuple[ModelEvidence, ...]

    @property
    def clear(self) -> bool:
        """Whether the evidence of the first exceeds that of the second by more than their standard errors explain."""
        first, second = self.models[:2]
        if not np.isfinite(second.log_evidence):
            return bool(np.isfinite(first.log_evidence))
        error = np.hypot(first.standard_error, second.standard_error)
        return bool(first.log_evidence - second.log_evidence > CLEAR * error)

    def sentence(self) -> str:
        """The comparison in one sentence."""
        first, second = self.models[:2]
        if not np.isfinite(first.log_evidence):
            return "No run of any model met the data, so their evidence is unknown; raise moves or the data errors."
        gain = first.log_evidence - second.log_evidence
        error = np.hypot(first.standard_error, second.standard_error)
        if not np.isfinite(second.log_evidence):
            return f"The data favour '{first.name}': no run of another model met them."
        if not self.clear:
            return (
                f"'{first.name}' and '{second.name}' cannot be ranked: their log-evidences differ by {gain:.2g} with a "
                f"standard error of {error:.2g}; raise replicates or particles."
            )
        return (
            f"The data favour '{first.name}': its log-evidence is {gain:.2g} ± {error:.2g} above that of "
            f"'{second.name}' (probability {first.probability:.2g}, equal ones before)."
        )


def compare_evidence(
    posteriors: Mapping[str, Posterior],
    algorithm: AbstractAlgorithm | None = None,
    *,
    replicates: int = 4,
    seed: int = 0,
    on_run: Callable[[str, float | None], None] | None = None,
) -> EvidenceComparison:
    """Rank models of the same data by their evidence.

    Parameters
    ----------
    posteriors
        Two models or more by name, with the same data: priors of different training images, say.
    algorithm
        One that estimates the evidence; for each model what `choose_algorithm` says unless given.
    replicates
        Runs of each model, two or more.
    seed
        Of the first run; the others follow.
    on_run
        Hears each run's model and log-evidence; None if it did not meet the data.

    Raises
    ------
    InputError
        If there are fewer than two models or runs, these are not of the same data, or the algorithm does not estimate
        the evidence of their posteriors, or only approximately, which no scatter would show.
    NonFiniteError
        If too many proposals of a run become NaN or infinite.
    """
    if len(posteriors) < 2 or replicates < 2:
        raise InputError(
            f"Given {len(posteriors)} models and {replicates} replicates; a comparison needs at least two of each."
        )
    _check_same_data(posteriors)
    algorithms = {name: algorithm or choose_algorithm(one).algorithm for name, one in posteriors.items()}
    for name, posterior in posteriors.items():
        each = algorithms[name]
        check_algorithm(each, posterior)
        if not kernel_of(each).samples_target(posterior):
            raise InputError(
                f"The algorithm '{each.name}' only approximates these posteriors, and the error of its evidence "
                "does not show in the scatter; use 'smc' or 'parallel_tempering'."
            )
    found: dict[str, list[float]] = {name: [] for name in posteriors}
    for name, posterior in posteriors.items():
        for number in range(replicates):
            results = sample(posterior, algorithms[name], seed=seed + number).results
            if "infeasible_data" not in results and "log_evidence" not in results:
                raise InputError(f"The algorithm '{algorithms[name].name}' does not estimate the evidence; use 'smc'.")
            value = results.get("log_evidence")
            if on_run is not None:
                on_run(name, value)
            if value is not None:
                found[name].append(value)
    return _compared({name: np.array(values) for name, values in found.items()}, replicates)


def _check_same_data(posteriors: Mapping[str, Posterior]) -> None:
    """Check that kinds, names, places and values of data are the same; noise and forward models may differ."""
    (first, one), *others = posteriors.items()
    for name, other in others:
        for what, expected, found in (
            ("the same target", one.target, other.target),
            ("the same grid", one.grid, other.grid),
            ("data of the same names and numbers", _named(one), _named(other)),
        ):
            if found != expected:
                raise InputError(
                    f"The models '{first}' and '{name}' do not have {what} ({expected} and {found}), so their evidence "
                    "cannot be compared; give both the same observations."
                )
        for mine, theirs in zip(one.observations, other.observations, strict=True):
            if _measured(mine) != _measured(theirs):
                raise InputError(
                    f"The data '{mine.name}' of the models '{first}' and '{name}' differ in places or values, so their "
                    "evidence cannot be compared; give both the same observations."
                )


def _named(posterior: Posterior) -> list[tuple[str, str, int]]:
    return [(observation.kind, observation.name, observation.count) for observation in posterior.observations]


def _measured(observation: AbstractObservation) -> list[tuple[str, bytes]]:
    """The observed values and their places, as stored."""
    arrays = observation.to_arrays()
    return [(name, np.ascontiguousarray(arrays[name]).tobytes()) for name in MEASURED if name in arrays]


def _compared(found: dict[str, np.ndarray], replicates: int) -> EvidenceComparison:
    estimates = {name: _estimate(values, replicates) for name, values in found.items()}
    values = np.array([value for value, _ in estimates.values()])
    probabilities = np.exp(values - logsumexp(values)) if np.isfinite(values).any() else np.full(len(values), np.nan)
    models = [
        ModelEvidence(name, *estimate, found[name], replicates - len(found[name]), float(probability))
        for (name, estimate), probability in zip(estimates.items(), probabilities, strict=True)
    ]
    return EvidenceComparison(tuple(sorted(models, key=lambda model: -model.log_evidence)))


def _estimate(runs: Float[np.ndarray, "run"], replicates: int) -> tuple[float, float]:
    """Logarithm of the mean evidence and its jackknife error; runs that met nothing count as no evidence."""
    if not len(runs):
        return -np.inf, np.nan
    all_runs = np.concatenate([runs, np.full(replicates - len(runs), -np.inf)])
    value = logsumexp(all_runs) - np.log(replicates)
    without = np.array([logsumexp(np.delete(all_runs, n)) for n in range(replicates)]) - np.log(replicates - 1)
    if not np.isfinite(without).all():  # all evidence comes from one run
        return float(value), np.inf
    error = np.sqrt((replicates - 1) / replicates * np.sum((without - without.mean()) ** 2))
    return float(value), float(error)
