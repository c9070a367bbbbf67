"""Matérn fields as solutions of a stochastic differential equation, in linear cost, with ranges that may vary.

The solution of (1 − ∇·H∇)^(α/2) x = W with white noise W is a Matérn field of smoothness ν = α − d/2 whose ranges are
the principal axes of √(8ν) H^½ (Whittle 1954; Lindgren et al. 2011, doi:10.1111/j.1467-9868.2011.00777.x). On cells,
−∇·H∇ is a symmetric stencil L, the gradient of the energy ½ ∫ ∇uᵀ H ∇u, and x = f(L) W with f(λ) = (1 + λ)^(−α/2) is
computed as a Chebyshev polynomial of L (Pereira and Desassis 2019, doi:10.1016/j.spasta.2019.100359): nothing is
factorised, any α > d/2 will do, and H may differ in every cell. The field costs O(degree · cells), the degree growing
as the range in cells; its gradient costs the same, for f(L) is symmetric.

No flow crosses the border of the computed cells, which would double the variance there, so the grid grows by a margin
of 1.5 ranges that is cropped: what is left of it at the corners is below 1e-3 of the variance.
"""

import functools
import math
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import fft

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import AbstractPrior, FaciesModel
from latentinv.storage import PriorRecord

from ._gaussian import Anamorphosis, GaussianReading, check_latent

MARGIN_RANGES = 1.5
POLYNOMIAL_ERROR = 1e-4
"""Greatest error of the polynomial, where f is at most 1."""
NODES = 8192
VARIANCE_NODES = 9
"""Cells, from the least to the greatest range, at which the variance is summed where ranges vary."""
WAVES_PER_AXIS = {2: 1024, 3: 160}
"""Waves over which the variance on cells is summed."""


@final
class SPDEPrior(AbstractPrior):
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
    ndim
        Axes of the fields, 2 or 3.
    mean
        Of the property.
    anamorphosis
        The property's marginal law, if it is not normal.
    facies_model
        Thresholds on the property, for facies (truncated Gaussian).

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
        self.smoothness, self.ranges, self.azimuth = float(smoothness), lengths, directions
        self.ndim, self.facies_model = ndim, facies_model
        self.reading = GaussianReading(float(standard_deviation), mean, anamorphosis, facies_model)
        self._operators: dict[Grid, _Operator] = {}

    def margin(self, grid: Grid) -> tuple[int, ...]:
        """Cells that are computed and cropped at each end of each array axis.

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
        if np.any(_angles(self, grid)):
            longest = longest.max()
        reach = np.broadcast_to(longest, (self.ndim,)) / np.asarray(grid.spacing)
        return tuple(math.ceil(MARGIN_RANGES * n) for n in reach[::-1])

    def latent_map(self, grid: Grid) -> tuple[int, ...]:
        """One number a cell, those of the margin included."""
        return (*(n + 2 * m for n, m in zip(grid.shape, self.margin(grid), strict=True)), 1)

    def latent_size(self, grid: Grid) -> int:
        """One number a cell, those of the margin included."""
        return math.prod(self.latent_map(grid))

    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid"]:
        """Turn a latent vector into a field.

        Raises
        ------
        InputError
            If the length of `z` is not `latent_size(grid)`, or the grid does not suit the prior.
        """
        shape = self.latent_map(grid)[:-1]
        check_latent(z, math.prod(shape), self.ndim, grid)
        if grid not in self._operators:
            self._operators = {grid: _Operator(self, grid)}
        scores = self._operators[grid].apply(z.reshape(shape))
        inner = tuple(slice(m, m + n) for m, n in zip(self.margin(grid), grid.shape, strict=True))
        return self.reading.property(scores[inner])

    def describe(self) -> dict[str, Any]:
        """Smoothness, ranges where they are the same everywhere, and marginal law."""
        ranges = self.ranges.tolist() if self.ranges.ndim == 1 else "vary"
        return {
            "latents": "one for each cell and each of a margin",
            "covariance": {"model": "matern", "smoothness": self.smoothness, "ranges": ranges},
            **self.reading.describe(),
        }

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {"smoothness": self.smoothness, "ndim": self.ndim, "reading": self.reading.to_metadata()}
        return PriorRecord(self.family, metadata, {"ranges": self.ranges, "azimuth": self.azimuth})

    @classmethod
    def from_record(cls, record: PriorRecord) -> "SPDEPrior":
        """Make the prior from the content of its file."""
        reading = GaussianReading.from_metadata(record.metadata["reading"])
        return cls(
            record.metadata["smoothness"],
            np.asarray(record.arrays["ranges"]),
            azimuth=np.asarray(record.arrays["azimuth"]),
            standard_deviation=reading.standard_deviation,
            ndim=record.metadata["ndim"],
            mean=reading.mean,
            anamorphosis=reading.anamorphosis,
            facies_model=reading.facies_model,
        )


class _Operator:
    """The stencil on the grown grid and the polynomial of it that turns white noise into the field."""

    def __init__(self, prior: SPDEPrior, grid: Grid) -> None:
        tensor = _on_cells(prior, grid)
        spacing = np.asarray(grid.spacing)[::-1]
        self.alpha = prior.smoothness + grid.ndim / 2
        self.tensor = tensor.astype(np.float32) / np.multiply.outer(spacing, spacing)[..., *(None,) * grid.ndim]
        self.bound = _largest_eigenvalue(self.tensor)
        self.coefficients = chebyshev_coefficients(self.alpha, self.bound)
        determinant = np.linalg.det(np.moveaxis(tensor, (0, 1), (-2, -1)))
        on_cells = self._variance_on_cells(tensor, determinant, spacing) * np.ones(determinant.shape)
        self.amplitude = (determinant**0.25 / np.sqrt(on_cells * spacing.prod())).astype(np.float32)

    def apply(self, noise: Float[Array, "*cells"]) -> Float[Array, "*cells"]:
        """The scores of white noise."""
        return self._polynomial(self.amplitude * noise)

    @functools.cached_property
    def _polynomial(self) -> Any:
        """f(L), whose gradient is f(L) again."""

        @jax.jit  # one operation after the other it would take seconds
        def value(field: Array) -> Array:
            def step(carry: tuple[Array, Array, Array], coefficient: Array) -> tuple[tuple[Array, Array, Array], None]:
                before, now, total = carry
                return (now, 2 * shifted(now) - before, total + coefficient * now), None

            shifted = lambda u: (2 / self.bound) * apply_stencil(self.tensor, u) - u  # noqa: E731
            coefficients = jnp.asarray(self.coefficients, field.dtype)
            start = (shifted(field), field, jnp.zeros_like(field))  # T₋₁ = T₁, so that the recursion gives T₁ = t T₀
            return jax.lax.scan(step, start, coefficients)[0][2]

        polynomial = jax.custom_vjp(value)
        polynomial.defvjp(lambda field: (value(field), None), lambda _, g: (value(g),))
        return polynomial

    def _variance_on_cells(
        self, tensor: np.ndarray, determinant: np.ndarray, spacing: np.ndarray
    ) -> Float[np.ndarray, "*cells"]:
        """Variance that noise of det(H)^¼ would have: the sum of f² over the stencil's waves, at each cell's own H.

        In the continuum it is Γ(ν)/(Γ(α)(4π)^(d/2)) everywhere; on cells it falls with the range, and is summed at some
        cells and interpolated between them.
        """
        order = np.argsort(determinant, axis=None)
        chosen = order[np.linspace(0, len(order) - 1, VARIANCE_NODES if np.ptp(determinant) else 1).astype(int)]
        cells = tensor.reshape(*tensor.shape[:2], -1)
        sums = [_wave_sum(cells[..., cell], spacing, self.alpha) for cell in chosen]
        return np.interp(determinant, determinant.ravel()[chosen], sums)


def _wave_sum(tensor: Float[np.ndarray, "axis axis"], spacing: np.ndarray, alpha: float) -> float:
    """Variance on cells for one H, over all waves of the stencil."""
    count = WAVES_PER_AXIS[len(spacing)]
    angles = np.meshgrid(*[2 * np.pi * (np.arange(count) + 0.5) / count] * len(spacing), indexing="ij", sparse=True)
    symbol = np.zeros(())
    for a, angle in enumerate(angles):
        symbol = symbol + tensor[a, a] / spacing[a] ** 2 * (2 - 2 * np.cos(angle))
        for b in range(a):
            symbol = symbol + 2 * tensor[a, b] / (spacing[a] * spacing[b]) * np.sin(angle) * np.sin(angles[b])
    return float(np.sqrt(np.linalg.det(tensor)) / spacing.prod() * np.mean((1 + symbol) ** -alpha))


def apply_stencil(
    tensor: Float[np.ndarray, "axis axis *#cells"], field: Float[Array, "*cells"]
) -> Float[Array, "*cells"]:
    """−∇·H∇ of a field on cells of unit size: the gradient of its energy.

    Along an axis the energy takes the differences across faces, which sees every wave; its mixed terms take
    differences averaged to where four cells meet. Since an average's square is at most the mean of the squares, the
    energy is never negative. H may be given for one cell where it is the same in all; mixed terms that are zero
    everywhere, as along the axes of the grid, cost nothing.
    """
    return jax.grad(lambda u: _energy(tensor, u))(field)


def _energy(tensor: np.ndarray, field: Array) -> Array:
    total = jnp.zeros((), field.dtype)
    for a in range(field.ndim):
        total += 0.5 * jnp.sum(_mean(tensor[a, a], a) * jnp.diff(field, axis=a) ** 2)
        for b in range(a):
            if not np.any(tensor[a, b]):
                continue
            across, along = _mean(jnp.diff(field, axis=a), b), _mean(jnp.diff(field, axis=b), a)
            total += jnp.sum(_mean(_mean(tensor[a, b], a), b) * across * along)
    return total


def _mean(x: Any, axis: int) -> Array:
    """Mean of neighbours along an axis; what is the same along it stays one number."""
    size = x.shape[axis]
    if size == 1:
        return jnp.asarray(x)
    low, high = (jax.lax.slice_in_dim(jnp.asarray(x), s, s + size - 1, axis=axis) for s in (0, 1))
    return 0.5 * (low + high)


def chebyshev_coefficients(alpha: float, bound: float) -> Float[np.ndarray, "degree"]:
    """Coefficients of the polynomial that is (1 + λ)^(−α/2) on [0, bound] to `POLYNOMIAL_ERROR`."""
    angles = np.pi * (np.arange(NODES) + 0.5) / NODES
    values = (1 + bound * (1 + np.cos(angles)) / 2) ** (-alpha / 2)
    coefficients = fft.dct(values, type=2) / NODES
    coefficients[0] /= 2
    tail = np.cumsum(np.abs(coefficients[::-1]))[::-1]
    return coefficients[: int(np.argmax(tail < POLYNOMIAL_ERROR))]


def _on_cells(prior: SPDEPrior, grid: Grid) -> Float[np.ndarray, "axis axis *#cells"]:
    """H in array axes, in square metres, over the cells of the grown grid, or for one where all are alike."""
    ndim = grid.ndim
    lengths = prior.ranges / math.sqrt(8 * prior.smoothness)
    angle = _angles(prior, grid)
    turn = np.zeros((ndim, ndim, *lengths.shape[1:]))
    turn[range(ndim), range(ndim)] = 1.0
    turn[0, 0], turn[0, 1], turn[1, 0], turn[1, 1] = np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)
    tensor = np.einsum("ka...,k...,kb...->ab...", turn, lengths**2, turn)[::-1, ::-1]
    if prior.ranges.ndim == 1:
        return tensor[..., *(None,) * ndim]
    return np.pad(tensor, [(0, 0), (0, 0), *((m, m) for m in prior.margin(grid))], mode="edge")


def _angles(prior: SPDEPrior, grid: Grid) -> Float[np.ndarray, "*#grid"]:
    """Angle of the first range from the grid's own x towards its y, in radians."""
    angles: np.ndarray = np.radians(90 - prior.azimuth - grid.rotation)
    return angles


def _largest_eigenvalue(tensor: Float[np.ndarray, "axis axis *cells"]) -> float:
    """Bound on the eigenvalues of the stencil: face differences give 4, mixed terms at most 2 for each pair."""
    diagonal = sum(4 * tensor[a, a].max() for a in range(len(tensor)))
    mixed = sum(2 * np.abs(tensor[a, b]).max() for a in range(len(tensor)) for b in range(a))
    return float(diagonal + mixed)
