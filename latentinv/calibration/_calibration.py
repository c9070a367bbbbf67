"""The verdict of a study: all tests, their figures, and a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError

from ._expected_coverage import BAND, ExpectedCoverage, expected_coverage
from ._scores import COVERAGE_LEVELS
from ._simulation_based import RankTest, rank_test
from ._study import Replicates, Study, run_study

SIGNIFICANT = 0.01
"""p-value below which an algorithm is called miscalibrated; with two tests at most 1 in 50 calibrated ones is."""
FEW = 50
"""With fewer replicates the verdict says that they are few."""


class Estimate(NamedTuple):
    """A mean over replicates and its standard error."""

    mean: float
    standard_error: float


class Calibration(NamedTuple):
    """Results of a study of an algorithm."""

    algorithm: str
    replicates: int
    failed: int
    """Replicates without enough draws, which the figures below leave out."""
    draws: int
    sbc: RankTest
    tarp: ExpectedCoverage
    coverage: tuple[tuple[float, Estimate], ...]
    """Level of the central interval, and share of pixels within it."""
    score: Estimate
    """CRPS of the truth, mean over pixels."""
    score_excess: Estimate
    """Score of the truth less that of a draw among the others; 0 if calibrated."""
    skill: float
    """1 − the score divided by that of draws of the prior."""
    predictive: tuple[tuple[str, float], ...]
    """Observation, and the mean of its posterior-predictive p-values."""
    seconds: float
    """Median time of a replicate."""

    @property
    def calibrated(self) -> bool:
        """Whether no test finds miscalibration, and no replicate failed."""
        return self.failed == 0 and min(self.sbc.p_value, self.tarp.p_value) >= SIGNIFICANT

    def verdict(self) -> str:
        """The study in one sentence."""
        count = self.replicates - self.failed
        sbc, tarp = self.sbc, self.tarp
        figures = (
            f"rank test p {sbc.p_value:.2g} over {len(sbc.names)} quantities, coverage off by at most "
            f"{tarp.max_deviation:.3f} where {tarp.band:.3f} is chance"
        )
        flaws = []
        if sbc.p_value < SIGNIFICANT:
            flaws.append(f"for '{sbc.names[sbc.worst]}' {sbc.flaw(sbc.worst)}")
        if tarp.p_value < SIGNIFICANT:
            flaws.append("expected coverage leaves its band")
        if self.failed:
            flaws.append(f"{self.failed} of {self.replicates} replicates gave no draws")
        if flaws:
            return f"'{self.algorithm}' is not calibrated here: {'; '.join(flaws)} ({figures}, {count} replicates)."
        few = "; so few show only gross errors" if count < FEW else ""
        return f"'{self.algorithm}' shows no miscalibration in {count} replicates ({figures}{few})."

    def as_json(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return {
            "verdict": self.verdict(),
            "algorithm": self.algorithm,
            "replicates": self.replicates,
            "failed": self.failed,
            "draws": self.draws,
            "calibrated": self.calibrated,
            "sbc_p": self.sbc.p_value,
            "sbc_p_of": dict(zip(self.sbc.names, self.sbc.p_values.tolist(), strict=True)),
            "tarp_max_deviation": self.tarp.max_deviation,
            "tarp_band": self.tarp.band,
            "tarp_band_level": BAND,
            "tarp_p": self.tarp.p_value,
            "pixel_coverage": {f"{level:g}": list(estimate) for level, estimate in self.coverage},
            "crps": list(self.score),
            "crps_excess": list(self.score_excess),
            "crps_skill": self.skill,
            "predictive_p": dict(self.predictive),
            "seconds_per_replicate": self.seconds,
        }


def calibrate(
    study: Study, output: str | Path | None = None, on_replicate: Callable[[int, str], None] | None = None
) -> Calibration:
    """Run a study, or its missing replicates, and judge the algorithm.

    Parameters
    ----------
    study
        What to calibrate.
    output
        A file to keep finished replicates in, and to go on from if it exists.
    on_replicate
        Hears how many replicates are done, and words about the last.

    Raises
    ------
    InputError
        If all replicates failed, or the algorithm gives too few draws or cannot explore the posterior.
    StorageError
        If the file cannot be read or written, is of another study, or was made with other versions.
    """
    found, names = run_study(study, output, on_replicate)
    return judge(study, found, names)


def judge(study: Study, found: Replicates, names: tuple[str, ...]) -> Calibration:
    """Judge finished replicates.

    Raises
    ------
    InputError
        If all of them failed.
    """
    met = found.met
    if not met.any():
        raise InputError(
            f"None of the {len(met)} replicates gave {study.draws} draws; make the data of the study easier "
            "to meet, or give the algorithm more draws or steps."
        )
    kept = Replicates(*(table[met] for table in found))
    rng = np.random.default_rng(study.seed)
    observations = [observation.name for observation in study.posterior.observations]
    own, expected, prior = kept.scores.T
    return Calibration(
        algorithm=study.algorithm.name,
        replicates=len(met),
        failed=int(np.sum(~met)),
        draws=study.draws,
        sbc=rank_test(rng, kept.pools, names),
        tarp=expected_coverage(rng, kept.distances),
        coverage=tuple(zip(COVERAGE_LEVELS, map(_estimate, kept.coverage.T), strict=True)),
        score=_estimate(own),
        score_excess=_estimate(own - expected),
        skill=float(1 - own.mean() / prior.mean()),
        predictive=tuple(zip(observations, kept.predictive.mean(axis=0).tolist(), strict=True)),
        seconds=float(np.median(found.costs[:, 0])),
    )


def _estimate(values: Float[np.ndarray, "replicate"]) -> Estimate:
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return Estimate(float(values.mean()), float(error))
