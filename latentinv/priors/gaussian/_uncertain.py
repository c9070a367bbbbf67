"""Gaussian fields whose ranges, direction, standard deviation and mean are unknown, and inferred with the field.

Wells and measurements seldom tell the range of a covariance, yet the uncertainty of a map depends on it. Here each of
these numbers may be given by a law (`LogNormal(60.0, 0.4)` metres) instead of a value: its latent comes first in the
latent vector, and the field is drawn for the values that it stands for (see `_laws.py` and `_circulant.py`; for
hierarchical models in this parametrisation, Papaspiliopoulos et al. 2007, doi:10.1214/088342307000000014). All
algorithms then sample numbers and field together; runs and reports show the numbers as quantities of their own.

The torus on which fields are computed is longer than the grid by a margin of 1.5 ranges, of those that are likely, or
is twice the grid if that is shorter. Cost: O(n log n) for n cells of the torus.
"""

import math
from collections.abc import Iterator
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import fft

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import PRIORS, AbstractPrior, FaciesModel
from latentinv.pytrees import pytree
from latentinv.storage import PriorRecord

from ._circulant import HALF_INTEGERS, circulant_scores, correlation, squared_distances
from ._covariance import MODELS, Model
from ._gaussian import check_latent
from ._laws import AnyDirection, Law, LogNormal, Normal, Uniform, from_metadata, in_words, likely_greatest, to_metadata

MARGIN_RANGES = 1.5
MOST_LATENTS = 2**28
RANGES = ("range along the azimuth (m)", "range across it (m)", "vertical range (m)")


@final
@PRIORS.register("uncertain_gaussian")
@pytree()
class UncertainGaussianPrior(AbstractPrior):
    """A stationary Gaussian field of unknown covariance and mean.

    Every number may be a plain number, if it is known, or a law: `LogNormal(median, log_standard_deviation)`,
    `Uniform(low, high)`, `Normal(mean, standard_deviation)`, and for the azimuth `AnyDirection()`.

    Parameters
    ----------
    model
        ``exponential``, ``gaussian``, ``spherical``, or ``matern`` of smoothness 0.5, 1.5 or 2.5.
    ranges
        In metres along the principal axes, as `Covariance` takes them: one for all, or one for each axis.
    azimuth
        Direction of the first range, in degrees clockwise from north.
    standard_deviation
        Of the property.
    mean
        Of the property.
    smoothness
        Of the Matérn model; the others take none.
    ndim
        Axes of the fields, 2 or 3.
    facies_model
        Thresholds on the property, for facies. Unknown mean and standard deviation make their proportions unknown.

    Raises
    ------
    InputError
        If a number or a law cannot be used.
    """

    family = "uncertain_gaussian"

    def __init__(
        self,
        model: Model,
        ranges: float | Law | tuple[float | Law, ...],
        *,
        azimuth: float | Law = 90.0,
        standard_deviation: float | Law = 1.0,
        mean: float | Law = 0.0,
        smoothness: float | None = None,
        ndim: int = 2,
        facies_model: FaciesModel | None = None,
    ) -> None:
        if model not in MODELS:
            raise InputError(f"There is no covariance model '{model}'; choose one of {', '.join(MODELS)}.")
        if smoothness not in (HALF_INTEGERS if model == "matern" else (None,)):
            raise InputError(
                f"The {model} model was given smoothness {smoothness}; give 0.5, 1.5 or 2.5 to the matern model and "
                "none to the others."
            )
        lengths = tuple(ranges) if isinstance(ranges, tuple | list) else (ranges,)
        if len(lengths) not in (1, ndim):
            raise InputError(f"Given {len(lengths)} ranges on {ndim} axes; give one, or one for each axis.")
        for length in lengths:
            _check("range", length, positive=True)
        _check("standard deviation", standard_deviation, positive=True)
        _check("mean", mean)
        _check("azimuth", azimuth, direction=True)
        self.model, self.ranges, self.azimuth, self.smoothness = model, lengths, azimuth, smoothness
        self.standard_deviation, self.mean = standard_deviation, mean
        self.ndim, self.facies_model = ndim, facies_model

    @property
    def is_score(self) -> bool:
        """Whether mean and standard deviation are known to be 0 and 1, and there are no facies."""
        return (self.mean, self.standard_deviation, self.facies_model) == (0.0, 1.0, None)

    @property
    def unknowns(self) -> dict[str, Law]:
        """The laws of unknown numbers by name, in the order of their latents."""
        return {name: value for name, value in self._numbers if not isinstance(value, float | int)}

    def parameters(self, z: Float[Array, "latent"], grid: Grid) -> dict[str, Float[Array, ""]]:
        """The unknown numbers of a latent vector, by name."""
        del grid
        values = self._values(z)
        return {name: values[name] for name in self.unknowns}

    def torus(self, grid: Grid) -> tuple[int, ...]:
        """Cells along the array axes of the torus on which a grid's fields are computed.

        Raises
        ------
        InputError
            If the grid does not suit the prior, or is too large.
        """
        if grid.ndim != self.ndim:
            raise InputError(f"The prior has {self.ndim} axes, but the grid {grid.ndim}; change one of them.")
        lengths = [likely_greatest(one) for one in self.ranges]  # type: ignore[arg-type]  # no other laws are positive
        lengths = lengths * self.ndim if len(lengths) == 1 else lengths
        if len(self.ranges) > 1 and (not isinstance(self.azimuth, float | int) or (90 - self.azimuth - grid.rotation)):
            lengths[:2] = [max(lengths[:2])] * 2
        edges = zip(grid.shape, lengths[::-1], np.asarray(grid.spacing)[::-1], strict=True)
        margins = ((n, min(n - 1, math.ceil(min(MARGIN_RANGES * length / edge, n)))) for n, length, edge in edges)
        torus = tuple(int(fft.next_fast_len(n + margin, real=True)) for n, margin in margins)
        if math.prod(torus) > MOST_LATENTS:
            raise InputError(
                f"A grid of {grid.shape} cells needs {math.prod(torus):.3g} latents with its margin, more than memory "
                "holds; give a coarser grid, or SpectralPrior with known ranges."
            )
        return torus

    def latent_size(self, grid: Grid) -> int:
        """One number per cell of the torus, behind those of the unknown numbers."""
        return self._ahead + math.prod(self.torus(grid))

    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid"]:
        """Turn a latent vector into a field.

        Raises
        ------
        InputError
            If the length of `z` is not `latent_size(grid)`, or the grid does not suit the prior.
        """
        torus = self.torus(grid)
        check_latent(z, self._ahead + math.prod(torus), self.ndim, grid)
        values = self._values(z)
        ranges = tuple(values[name] for name, _ in self._numbers if "range" in name)
        ranges = ranges * self.ndim if len(ranges) == 1 else ranges
        angle = jnp.radians(90 - values["azimuth (°)"] - grid.rotation)
        squared = squared_distances(torus, np.asarray(grid.spacing).tolist(), ranges, angle)
        scores = circulant_scores(z[self._ahead :].reshape(torus), correlation(self.model, self.smoothness, squared))
        inner = scores[tuple(slice(0, n) for n in grid.shape)]
        return values["mean"] + values["standard deviation"] * inner

    def describe(self) -> dict[str, Any]:
        """Covariance with its unknown numbers, and marginal distribution."""
        covariance: dict[str, Any] = {"model": self.model, "smoothness": self.smoothness}
        covariance |= {name: in_words(value) for name, value in self._numbers}
        words = {"latents": "one for each unknown number, then one for each cell and each of a margin"}
        return {**words, "covariance": covariance, **super().describe()}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        model: Any = self.facies_model
        metadata = {
            "model": self.model,
            "smoothness": self.smoothness,
            "ndim": self.ndim,
            "ranges": [to_metadata(one) for one in self.ranges],
            **{name: to_metadata(getattr(self, name)) for name in ("azimuth", "standard_deviation", "mean")},
            "facies_model": None if model is None else [list(model.categories), list(model.thresholds)],
        }
        return PriorRecord(self.family, metadata, {})

    @classmethod
    def from_record(cls, record: PriorRecord) -> "UncertainGaussianPrior":
        """Make the prior from the content of its file."""
        metadata = record.metadata
        facies = metadata["facies_model"]
        return cls(
            metadata["model"],
            tuple(from_metadata(one) for one in metadata["ranges"]),
            **{name: from_metadata(metadata[name]) for name in ("azimuth", "standard_deviation", "mean")},
            smoothness=metadata["smoothness"],
            ndim=metadata["ndim"],
            facies_model=None if facies is None else FaciesModel(*map(tuple, facies)),
        )

    @property
    def _numbers(self) -> list[tuple[str, float | Law]]:
        """All numbers by name, in the order of the latents."""
        names = RANGES if len(self.ranges) > 1 else ("range (m)",)
        ranges = list(zip(names, self.ranges, strict=False))
        others = {"azimuth (°)": self.azimuth, "standard deviation": self.standard_deviation, "mean": self.mean}
        return [*ranges, *others.items()]

    @property
    def _ahead(self) -> int:
        """Latents of the unknown numbers."""
        return sum(law.latents for law in self.unknowns.values())

    def _values(self, z: Float[Array, "latent"]) -> dict[str, Float[Array, ""]]:
        """Values of all numbers for a latent vector."""
        return dict(self._each_value(z))

    def _each_value(self, z: Float[Array, "latent"]) -> Iterator[tuple[str, Float[Array, ""]]]:
        start = 0
        for name, value in self._numbers:
            if isinstance(value, float | int):
                yield name, jnp.asarray(value, z.dtype)
            else:
                yield name, value(z[start : start + value.latents])
                start += value.latents


def _check(what: str, value: Any, *, positive: bool = False, direction: bool = False) -> None:
    """Check a number or the law of an unknown one.

    Raises
    ------
    InputError
        If it can be no such number.
    """
    known = isinstance(value, float | int) and not isinstance(value, bool)
    if known:
        fits = math.isfinite(value) and (value > 0 or not positive)
    elif positive:
        fits = isinstance(value, LogNormal) or (isinstance(value, Uniform) and value.low > 0)
    else:
        fits = isinstance(value, Normal | LogNormal | Uniform) or (direction and isinstance(value, AnyDirection))
    if not fits:
        laws = "LogNormal, or Uniform above 0" if positive else "Normal, LogNormal or Uniform"
        raise InputError(
            f"The {what} of the prior is {value}; give a {'number above 0' if positive else 'finite number'}, or a law "
            f"such as {laws}{', or AnyDirection' if direction else ''}."
        )
