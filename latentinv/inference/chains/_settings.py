"""Settings that all Markov chains share, and their checks."""

from dataclasses import dataclass

from latentinv.inference.core import AbstractAlgorithm, check_choice, check_counts

STARTS = ("prior", "optimised")
METRICS = ("prior", "curvature")


@dataclass(frozen=True)
class AbstractChains(AbstractAlgorithm):
    """Settings of every algorithm of Markov chains; each has defaults of its own, and documents only what it adds.

    Parameters
    ----------
    chains
        Markov chains, evaluated at once.
    warmup
        Transitions of each chain before the first draw, in which step sizes and the like are adapted.
    draws
        Draws of all chains together, shared equally among them, rounded up.
    thinning
        Transitions between two draws of a chain.
    start
        ``prior``: from draws of the prior that fit the data comparatively well; one that the target excludes is moved
        by optimisation until it is allowed. ``optimised``: every start is optimised.
    draws_per_step
        Draws of a chain between two reports.

    Raises
    ------
    InputError
        If a setting makes no sense.
    """

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    thinning: int = 10
    start: str = "prior"
    draws_per_step: int = 10

    def __post_init__(self) -> None:
        check_counts(self, "chains", "warmup", "draws", "thinning", "draws_per_step")
        check_choice(self, "start", STARTS)


@dataclass(frozen=True)
class AbstractMetricChains(AbstractChains):
    """Settings of chains that can follow the data's curvature.

    Parameters
    ----------
    metric
        ``prior``: the identity; ``curvature``: the data's curvature besides, averaged over the chains where they start
        and after half of the warm-up, each at the cost of a gradient per datum and chain. It saves many steps where the
        data are tight in some directions and predictions nearly linear.
    """

    metric: str = "prior"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "metric", METRICS)
