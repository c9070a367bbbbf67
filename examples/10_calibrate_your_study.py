"""10 Calibrate your study, and learn whether posteriors are right on a problem like yours.

A posterior cannot be checked against the ground, but it can be checked against grounds that we make. Draw a truth from
the prior, simulate the data that your boreholes and blocks would give, sample the posterior, and look where the truth
lies among the draws. If the posterior is right the truth is distributed as any draw is: its rank among them is uniform,
and 80 of 100 truths lie within 80 % intervals. Do it for many truths, and let a test say whether the deviations are
chance. The study's file is the one for `latentinv run`; the values of its data are not needed. `latentinv calibrate
study.toml --output study.json` does the same on the command line. The prior here is small, so that a truth takes a
second.

Writes to output/: bodies.h5 (the prior), study.toml, and calibration.png. One page: ranks, coverage, and the verdict.
"""

from pathlib import Path

from common import OUTPUT

from latentinv import Covariance, Cut, PlurigaussianPrior, SpectralPrior, TruncationRule
from latentinv.calibration import Calibration, calibrate, read_study
from latentinv.plotting import plot_calibration

STUDY = """
[study]
prior = "bodies.h5"
grid = [16, 16]
replicates = {replicates}

[algorithm]
name = "smc"
particles = 32

[[wells]]
points = [[2.5, 3.5], [12.5, 4.5], [7.5, 8.5], [3.5, 13.5], [13.5, 12.5]]

[[blocks]]
boxes = [[0, 0, 8, 8], [8, 8, 16, 16]]
sd = 0.05
"""


def main(replicates: int = 60, output: Path = OUTPUT) -> Calibration:
    """Write prior and study, calibrate, and draw the verdict."""
    output.mkdir(parents=True, exist_ok=True)
    bodies = SpectralPrior(Covariance("gaussian", (8.0, 4.0)), waves=32)
    PlurigaussianPrior([bodies], TruncationRule(Cut(0, 0, 1), {0: 0.6, 1: 0.4})).save(output / "bodies.h5")
    (output / "study.toml").write_text(STUDY.format(replicates=replicates), encoding="utf-8")
    found = calibrate(
        read_study(output / "study.toml"),
        on_replicate=lambda done, words: print(f"{done:3d} of {replicates}: {words}", flush=True),
    )
    print(found.verdict())
    plot_calibration(found, output / "calibration.png", title="Five wells and two block means on 16 × 16 cells")
    return found


if __name__ == "__main__":
    main()
