"""The record of a run: its draws with facies and predictions, its results, and how it went."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from latentinv.data import Report, over_draws
from latentinv.html import representation
from latentinv.inference.core import likelihood_name, predicted_name, realization_name
from latentinv.inference.diagnostics import Diagnosis, diagnose, run_maps, to_arviz
from latentinv.posterior import Posterior
from latentinv.priors.core import Picture, inlined, picture_of
from latentinv.units import say_seconds

if TYPE_CHECKING:
    from xarray import Dataset, DataTree


class Run(NamedTuple):
    """A run: finished, unfinished, or one that could not meet its data.

    Draws are rows of `latents` and `realizations` (facies codes or values, ``[draw, *grid]``); `results` holds single
    numbers and sentences by name, `trace` a row for each step, `predicted` what each draw predicts for each data set.
    `reports` says how well draws agree with the data, `diagnose` how far to trust them.
    """

    posterior: Posterior
    algorithm: str
    latents: Float[np.ndarray, "draw latent"]
    realizations: Shaped[np.ndarray, "draw *grid"]
    """Facies codes of each draw; field values for a prior of a continuous property."""
    results: dict[str, Any]
    """Single results, such as ``log_evidence``. Sentences: ``infeasible_data`` names data that no field was found for
    (no draw is kept), ``misfit_data`` data that the draws miss, ``warnings`` what makes the draws less reliable."""
    trace: dict[str, np.ndarray]
    """Numbers that the algorithm reports, one row per step."""
    steps: int
    chains: int | None
    """Number of Markov chains, whose draws of one transition lie side by side; None for a population."""
    predicted: dict[str, Float[np.ndarray, "draw datum"]]
    """Exact predictions of each draw, by the name of the observation; 1 where a pixel is honoured, else 0."""
    log_likelihoods: dict[str, Float[np.ndarray, "draw"]]
    """Contribution of each observation, by its name, to the log-likelihood of each draw under the target."""
    seconds: float
    """Wall time, including compilation, of all sessions of a stored run; not determined by the seed."""
    finished: bool = True
    """Whether the algorithm has finished. Of an unfinished population the draws are the particles at work."""

    def reports(self) -> list[list[Report]]:
        """Reports for each draw on how well it agrees with each observation, from its recorded predictions."""
        observations = self.posterior.observations
        return [[o.report(self.predicted[o.name][n]) for o in observations] for n in range(len(self.latents))]

    def by_chain(self, table: Shaped[np.ndarray, "draw *numbers"]) -> Shaped[np.ndarray, "chain draw *numbers"]:
        """Sort a table of all draws, such as `latents`, by chain; a population counts as one chain."""
        return table.reshape(-1, self.chains or 1, *table.shape[1:]).swapaxes(0, 1)

    def diagnose(self) -> Diagnosis:
        """Diagnose how far the draws can be trusted; see `diagnose`, which also compares runs."""
        return diagnose(self)

    def plot(self) -> Picture:
        """Draws, mean and standard deviation with the data on top, as `latentinv show` draws them.

        Raises
        ------
        InputError
            If the run has no draw.
        """
        return picture_of("overview", self)

    def _repr_html_(self) -> str:
        reports, draws = self.reports(), len(self.latents)
        state = "" if self.finished else ", not finished"
        rows = {"algorithm": self.algorithm, "draws": f"{draws} after {self.steps} steps{state}"}
        for position, one in enumerate(self.posterior.observations):
            rows[one.name] = over_draws(one, [of_draw[position] for of_draw in reports])
        rows["grid"] = f"{self.posterior.grid.words()['Grid']}; {self.posterior.grid.describe()}"
        rows["time"] = say_seconds(self.seconds)
        if self.results.get("warnings"):
            rows["warnings"] = " ".join(self.results["warnings"])
        alt = "a draw of the run, and what all draws say of each cell"
        return representation("Run", rows, inlined("run", self, alt=alt) if draws else None)

    def to_xarray(self) -> "Dataset":
        """Realizations, and what they say of each cell, as an xarray data set with coordinates in metres.

        Raises
        ------
        InputError
            If the run has no draw.
        """
        from latentinv.io.maps import to_xarray

        return to_xarray(run_maps(self))

    def to_arviz(self) -> "DataTree":
        """Convert the run for ArviZ: a tree of labelled arrays by chain and draw.

        Its groups are ``posterior`` (facies shares or the mean, a lattice of pixels, predicted data),
        ``observed_data``, ``log_likelihood`` (one number for each data set) and ``sample_stats`` (``lp``; of chains
        acceptance and steps).
        """
        return to_arviz(self)


def run_of_tables(posterior: Posterior, tables: dict[str, np.ndarray], **others: Any) -> Run:
    """Make the record from stored tables of draws, and everything else by name."""
    return Run(
        posterior=posterior,
        latents=tables["latents"],
        realizations=tables[realization_name(posterior)],
        predicted={o.name: tables[predicted_name(o.name)] for o in posterior.observations},
        log_likelihoods={o.name: tables[likelihood_name(o.name)] for o in posterior.observations},
        **others,
    )
