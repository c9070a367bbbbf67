"""Settings that all Markov chains share, and their checks."""

from typing import Protocol

from latentinv.inference.core import check_choice, check_counts

STARTS = ("prior", "optimised")
METRICS = ("prior", "curvature")


class ChainSettings(Protocol):
    """Settings of every algorithm of Markov chains."""

    @property
    def chains(self) -> int: ...
    @property
    def warmup(self) -> int: ...
    @property
    def draws(self) -> int: ...
    @property
    def thinning(self) -> int: ...
    @property
    def start(self) -> str: ...
    @property
    def draws_per_step(self) -> int: ...


class MetricSettings(ChainSettings, Protocol):
    """Settings of algorithms that can follow the data's curvature."""

    @property
    def metric(self) -> str: ...


def check_chains(settings: ChainSettings) -> None:
    """Raise `InputError` unless the settings that all chains share make sense."""
    check_counts(settings, "chains", "warmup", "draws", "thinning", "draws_per_step")
    check_choice(settings, "start", STARTS)


def check_metric(settings: MetricSettings) -> None:
    """Raise `InputError` unless there is such a metric."""
    check_choice(settings, "metric", METRICS)
