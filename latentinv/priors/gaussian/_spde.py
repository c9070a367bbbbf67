"""Matérn fields as solutions of a stochastic differential equation, in linear cost, with ranges that may vary.

The solution of (1 − ∇·H∇)^(α/2) x = W with white noise W is a Matérn field of smoothness ν = α − d/2 whose ranges are
the principal axes of √(8ν) H^½ (Whittle 1954; Lindgren et al. 2011, doi:10.1111/j.1467-9868.2011.00777.x). On cells,
−∇·H∇ is a symmetric stencil L, the gradient of the energy ½ ∫ ∇uᵀ H ∇u, and x = f(L) W with f(λ) = (1 + λ)^(−α/2) is
computed as a Chebyshev polynomial of L (Pereira and Desassis 2019, doi:10.1016/j.spasta.2019.100359): nothing is
factorised, any α > d/2 is possible, and H may differ in every cell. The field costs O(degree · cells), the degree
growing as the range in cells; its gradient costs the same, since f(L) is symmetric.

No flow crosses the border of the computed cells, which would double the variance there, so the grid is extended by a
margin of 1.5 ranges that is cropped afterwards: what remains of the effect at the corners is below 1e-3 of the
variance.
"""

import functools
import math
from collections.abc import Mapping
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import MOST_CELLS, Grid
from latentinv.priors.core import PRIORS, FaciesModel, LatentMap
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from ._abstract import AbstractGaussianPrior, stated_reading
from ._gaussian import Anamorphosis, GaussianReading
from ._stencil import Stencil

MARGIN_RANGES = 1.5
MOST_RANGE, MOST_LATENTS = 10_000, 2**28
"""Cells of a range, and latents of a grid with its margin, below which memory is enough."""


@final
class _Numbers:
    """An array that describes a prior: hashable, and equal to any other with the same numbers."""

    def __init__(self, array: Float[np.ndarray, "..."]) -> None:
        self.array = array.copy()
        self.array.flags.writeable = False
        self._hash = hash((array.shape, self.array.tobytes()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Numbers) and (self is other or np.array_equal(self.array, other.array))

    def __hash__(self) -> int:
        return self._hash


@final
@PRIORS.register("spde")
@pytree("reading", "stencil")
class SPDEPrior(AbstractGaussianPrior):
    """A Matérn field, stationary or with ranges and direction that vary from cell to cell.

    Parameters
    ----------
    smoothness
        ν of the Matérn model, above 0.
    ranges
        In metres along the principal axes (correlation about 0.13): one number, one for each axis, first that along
        the azimuth, or arrays ``[axis, *grid]`` over the cells of the one grid the prior is then for.
    azimuth
        Direction in which the first range runs, in degrees clockwise from north (from y towards x; in a section from
        z towards x): a number, or an array over the same cells. 90 is east, along x.
    standard_deviation
        Of the property; 1 with an anamorphosis.
    ndim, mean, anamorphosis, facies_model
        As `CholeskyPrior` takes them.

    Raises
    ------
    InputError
        If a setting cannot be used.
    """

    family = "spde"

    def __init__(
        self,
        smoothness: float,
        ranges: float | tuple[float, ...] | Float[np.ndarray, "axis *grid"],
        *,
        azimuth: float | Float[np.ndarray, "*grid"] = 90.0,
        standard_deviation: float = 1.0,
        ndim: int = 2,
        mean: float = 0.0,
        anamorphosis: Anamorphosis | None = None,
        facies_model: FaciesModel | None = None,
    ) -> None:
        if not (math.isfinite(smoothness) and smoothness > 0):
            raise InputError(f"The SPDE prior has smoothness {smoothness}; give a number above 0, such as 1.")
        lengths, directions = np.asarray(ranges, float), np.asarray(azimuth, float)
        if lengths.ndim == 0:
            lengths = np.full(ndim, float(lengths))
        if len(lengths) != ndim or lengths.ndim not in (1, ndim + 1) or not np.all((lengths > 0) & (lengths < np.inf)):
            raise InputError(
                f"The SPDE prior has ranges of shape {lengths.shape}; give positive metres: one number, one for each "
                f"of {ndim} axes, or one for each axis and cell."
            )
        if directions.ndim and directions.shape != lengths.shape[1:]:
            raise InputError(
                f"The azimuths have shape {directions.shape} and the ranges {lengths.shape}; give both over one grid."
            )
        if not np.all(np.isfinite(directions)):
            raise InputError("The azimuths are not all finite; give degrees clockwise from north.")
        if not (math.isfinite(standard_deviation) and standard_deviation > 0):
            raise InputError(f"The SPDE prior has standard deviation {standard_deviation}; give one above 0.")
        self.smoothness, self._ranges, self._azimuth = float(smoothness), _Numbers(lengths), _Numbers(directions)
        self.ndim, self.facies_model = ndim, facies_model
        self.reading = GaussianReading(float(standard_deviation), mean, anamorphosis, facies_model)
        self.grid: Grid | None = None
        self.stencil: Stencil | None = None
        """Of `grid`."""

    @property
    def ranges(self) -> Float[np.ndarray, "axis *#grid"]:
        """Ranges in metres along the principal axes, for all cells or for each."""
        return self._ranges.array

    @property
    def azimuth(self) -> Float[np.ndarray, "*#grid"]:
        """Direction of the first range, in degrees clockwise from north, for all cells or for each."""
        return self._azimuth.array

    @property
    def conditions(self) -> Mapping[str, str]:
        """Local ranges and directions, and a local mean."""
        return {
            **super().conditions,
            "ranges": "metres along the azimuth, across it (and vertically): each a number or a map over the grid",
            "azimuth": "direction of the first range in degrees clockwise from north: a number or a map over the grid",
        }

    def given(self, **condition: Any) -> "SPDEPrior":
        """The same prior with local ranges, a local direction or a local mean.

        Parameters
        ----------
        ranges
            In metres along the principal axes: one number or map for all, or one for each axis.
        azimuth
            In degrees clockwise from north: a number or a map ``[*grid]``.
        mean
            As all Gaussian priors take it.

        Raises
        ------
        InputError
            If another condition is given, maps are of different grids, or their numbers cannot be used.
        """
        own = ("ranges", "azimuth")
        same = super().given(**{name: value for name, value in condition.items() if name not in own})
        if not condition.keys() & set(own):
            return same
        azimuth = np.asarray(condition.get("azimuth", self.azimuth), float)
        ranges = condition.get("ranges", self.ranges)
        alone = not isinstance(ranges, tuple | list) and np.ndim(ranges) in (0, self.ndim)
        each = [ranges] if alone else list(ranges)
        maps = [np.asarray(one, float) for one in each] * (self.ndim if len(each) == 1 else 1)
        try:
            *lengths, azimuth = np.broadcast_arrays(*maps, azimuth)
        except ValueError:
            shapes = ", ".join(str(one.shape) for one in (*maps, azimuth))
            raise InputError(f"The local ranges and azimuths have the shapes {shapes}; give all on one grid.") from None
        plain = SPDEPrior(self.smoothness, np.stack(lengths), azimuth=azimuth, ndim=self.ndim)
        other: SPDEPrior = replace(plain, reading=same.reading, facies_model=self.facies_model)
        return other

    def on(self, grid: Grid) -> "SPDEPrior":
        """The same prior with its stencil on one grid.

        Raises
        ------
        InputError
            If the grid does not suit the prior.
        """
        other: SPDEPrior = replace(self, grid=grid, stencil=jax.tree.map(jnp.asarray, self._stencil(grid)))
        return other

    def margin(self, grid: Grid) -> tuple[int, ...]:
        """Width in cells of the margin that is computed and cropped at each end of each array axis.

        Raises
        ------
        InputError
            If the grid has other axes than the prior, or is not the one its ranges were given for.
        """
        if grid.ndim != self.ndim:
            raise InputError(
                f"The prior is of {self.ndim} axes, the grid has {grid.ndim}; give one that suits the other."
            )
        if self.ranges.ndim > 1 and self.ranges.shape[1:] != grid.shape:
            raise InputError(f"The prior's ranges are for {self.ranges.shape[1:]} cells, the grid has {grid.shape}.")
        longest = self.ranges.reshape(self.ndim, -1).max(1)
        if np.any(_angles(self.azimuth, grid)):
            longest = longest.max()
        reach = np.broadcast_to(longest, (self.ndim,)) / np.asarray(grid.spacing)
        margin = tuple(math.ceil(MARGIN_RANGES * n) for n in np.minimum(reach[::-1], MOST_CELLS))
        latents = math.prod(n + 2 * m for n, m in zip(grid.shape, margin, strict=True))
        if reach.max() >= MOST_RANGE or latents > max(MOST_LATENTS, 8 * grid.size):
            raise InputError(
                f"The SPDE prior's longest range is {reach.max():.6g} cells of this grid, whose margin would hold "
                f"{latents:.3g} latents; give a coarser grid, shorter ranges, or SpectralPrior, which has no margin."
            )
        return margin

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """One map of a number per cell, those of the margin included.

        Where ranges vary, a part of the grid is not a prior by itself, so latents count as having no place.
        """
        margin = self.margin(grid)
        shape = (*(n + 2 * m for n, m in zip(grid.shape, margin, strict=True)), 1)
        if self.ranges.ndim > 1:
            return (LatentMap(shape),)
        degree = self._stencil(grid).degree
        return (LatentMap(shape, (1,) * self.ndim, tuple((m + degree, degree - m) for m in margin)),)

    def latent_size(self, grid: Grid) -> int:
        """One number per cell, those of the margin included."""
        return math.prod(n + 2 * m for n, m in zip(grid.shape, self.margin(grid), strict=True))

    def _scores(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid"]:
        margin = self.margin(grid)
        noise = z.reshape([n + 2 * m for n, m in zip(grid.shape, margin, strict=True)])
        inner = tuple(slice(m, m + n) for m, n in zip(margin, grid.shape, strict=True))
        return self._stencil(grid).scores(noise)[inner]

    def describe(self) -> dict[str, Any]:
        """Smoothness, ranges where they are the same everywhere, and marginal distribution."""
        ranges = self.ranges.tolist() if self.ranges.ndim == 1 else "vary"
        return {
            "latents": "one for each cell and each of a margin",
            "covariance": {"model": "matern", "smoothness": self.smoothness, "ranges": ranges},
            **self.reading.describe(),
        }

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {"smoothness": self.smoothness, "ndim": self.ndim, "reading": self.reading.to_metadata()}
        arrays = {"ranges": self.ranges, "azimuth": self.azimuth}
        return PriorRecord(self.family, metadata, {**arrays, **self._own_arrays()})

    @classmethod
    def from_record(cls, record: PriorRecord) -> "SPDEPrior":
        """Make the prior from the content of its file."""
        prior = cls(
            record.metadata["smoothness"],
            np.asarray(record.arrays["ranges"]),
            azimuth=np.asarray(record.arrays["azimuth"]),
            standard_deviation=record.metadata["reading"]["standard_deviation"],
            ndim=record.metadata["ndim"],
            **stated_reading(record.metadata["reading"]),
        )
        return prior._with_arrays(record)

    def _stencil(self, grid: Grid) -> Stencil:
        if self.stencil is not None and grid == self.grid:
            return self.stencil
        return _stencil(self.smoothness, self._ranges, self._azimuth, grid, self.margin(grid))


@functools.lru_cache(maxsize=4)
def _stencil(smoothness: float, ranges: _Numbers, azimuth: _Numbers, grid: Grid, margin: tuple[int, ...]) -> Stencil:
    """The stencil on the grid with its margin."""
    tensor = _tensor(smoothness, ranges.array, _angles(azimuth.array, grid))
    if ranges.array.ndim > 1:
        tensor = np.pad(tensor, [(0, 0), (0, 0), *((m, m) for m in margin)], mode="edge")
    else:
        tensor = tensor[..., *(None,) * grid.ndim]
    return Stencil(tensor, np.asarray(grid.spacing)[::-1], smoothness + grid.ndim / 2)


def _tensor(
    smoothness: float, ranges: Float[np.ndarray, "range *#grid"], angle: Float[np.ndarray, "*#grid"]
) -> Float[np.ndarray, "axis axis *#grid"]:
    """H in array axes, in square metres."""
    ndim, lengths = len(ranges), ranges / math.sqrt(8 * smoothness)
    turn = np.zeros((ndim, ndim, *lengths.shape[1:]))
    turn[range(ndim), range(ndim)] = 1.0
    turn[0, 0], turn[0, 1], turn[1, 0], turn[1, 1] = np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)
    return np.einsum("ka...,k...,kb...->ab...", turn, lengths**2, turn)[::-1, ::-1]


def _angles(azimuth: Float[np.ndarray, "*#grid"], grid: Grid) -> Float[np.ndarray, "*#grid"]:
    """Angle of the first range from the grid's own x towards its y, in radians."""
    angles: np.ndarray = np.radians(90 - azimuth - grid.rotation)
    return angles
