"""One prior of each family that needs no training image and has facies, for `benchmarks.families`."""

from collections.abc import Callable

from latentinv import Covariance, Cut, HierarchicalPrior, PlurigaussianPrior, SpectralPrior, TruncationRule
from latentinv.priors import AbstractPrior

WAVES = 256
BODIES = Covariance("gaussian", (30.0, 9.0), azimuth=80.0)
PROPORTIONS = {0: 0.7, 1: 0.3}


def truncated() -> PlurigaussianPrior:
    """One Gaussian field cut once: elongated bodies of one facies in another."""
    return PlurigaussianPrior([SpectralPrior(BODIES, waves=WAVES)], TruncationRule(Cut(0, 0, 1), PROPORTIONS))


def plurigaussian() -> PlurigaussianPrior:
    """Two fields and three facies, all of which touch each other."""
    fields = [SpectralPrior(BODIES, waves=WAVES), SpectralPrior(Covariance("exponential", 20.0), waves=WAVES)]
    return PlurigaussianPrior(fields, TruncationRule(Cut(0, 0, Cut(1, 1, 2)), {0: 0.5, 1: 0.3, 2: 0.2}))


def hierarchical() -> HierarchicalPrior:
    """Truncated facies, and within them a Gaussian property."""
    return HierarchicalPrior(truncated(), SpectralPrior(Covariance("exponential", 20.0), waves=WAVES))


CLASSIC: dict[str, Callable[[], AbstractPrior]] = {
    "truncated": truncated,
    "plurigaussian": plurigaussian,
    "hierarchical": hierarchical,
}
