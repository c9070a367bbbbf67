"""The operator of the SPDE method on cells: a stencil, and a polynomial of it that turns white noise into a field.

For cells of unit size −∇·H∇ is a symmetric stencil L, the gradient of the energy ½ ∫ ∇uᵀ H ∇u; the noise is scaled cell
by cell, so that the field has unit variance, and multiplied by f(L), f(λ) = (1 + λ)^(−α/2), as a Chebyshev polynomial
(see `_spde.py`). Programs need only the leaves of a `Stencil`, computed in float64 on the host.
"""

import math
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import fft

from latentinv.pytrees import pytree

POLYNOMIAL_ERROR = 1e-4
"""Greatest error of the polynomial, for an f of at most 1."""
NODES = 8192
VARIANCE_NODES = 9
"""Number of cells, from the least to the greatest range, at which the variance is computed if ranges vary."""
WAVES_PER_AXIS = {2: 1024, 3: 160}
"""Number of waves over which the variance on cells is summed."""


@final
@pytree("tensor", "amplitude", "coefficients", "bound")
class Stencil:
    """The stencil of one grid with its polynomial.

    Parameters
    ----------
    tensor
        H in array axes, in square metres, over the cells, or for one where all are alike.
    spacing
        Edge lengths of a cell along the array axes, in metres.
    alpha
        Exponent α of the operator.
    """

    def __init__(self, tensor: Float[np.ndarray, "axis axis *#cells"], spacing: np.ndarray, alpha: float) -> None:
        ndim = len(spacing)
        self.tensor = tensor.astype(np.float32) / np.multiply.outer(spacing, spacing)[..., *(None,) * ndim]
        self.bound = _largest_eigenvalue(self.tensor)
        self.coefficients = chebyshev_coefficients(alpha, self.bound).astype(np.float32)
        determinant = np.linalg.det(np.moveaxis(tensor, (0, 1), (-2, -1)))
        on_cells = _variance_on_cells(tensor, determinant, spacing, alpha) * np.ones(determinant.shape)
        self.amplitude = (determinant**0.25 / np.sqrt(on_cells * spacing.prod())).astype(np.float32)
        self.mixed = tuple((a, b) for a in range(ndim) for b in range(a) if np.any(self.tensor[a, b]))
        """Pairs of axes with mixed terms; those that are zero everywhere, as along the grid's axes, cost nothing."""

    @property
    def degree(self) -> int:
        """Degree of the polynomial: how many cells away a cell's noise has an effect."""
        return len(self.coefficients) - 1

    def scores(self, noise: Float[Array, "*cells"]) -> Float[Array, "*cells"]:
        """The scores from white noise. Gradients are with respect to the noise only."""
        return _polynomial(jax.lax.stop_gradient(self), self.amplitude * noise)


@jax.jit  # without compilation it would take seconds
def _chebyshev(stencil: Stencil, field: Array) -> Array:
    """f(L) of a field."""

    def step(carry: tuple[Array, Array, Array], coefficient: Array) -> tuple[tuple[Array, Array, Array], None]:
        before, now, total = carry
        return (now, 2 * shifted(now) - before, total + coefficient * now), None

    shifted = lambda u: (2 / stencil.bound) * apply_stencil(stencil, u) - u  # noqa: E731
    coefficients = jnp.asarray(stencil.coefficients, field.dtype)
    start = (shifted(field), field, jnp.zeros_like(field))  # T₋₁ = T₁, so that the recursion gives T₁ = t T₀
    return jax.lax.scan(step, start, coefficients)[0][2]


@jax.custom_vjp
def _polynomial(stencil: Stencil, field: Array) -> Array:
    """f(L) of a field; its gradient is f(L) again, since L is symmetric."""
    return _chebyshev(stencil, field)


def _forward(stencil: Stencil, field: Array) -> tuple[Array, Stencil]:
    return _chebyshev(stencil, field), stencil


def _backward(stencil: Stencil, gradient: Array) -> tuple[Any, Array]:
    return jax.tree.map(jnp.zeros_like, stencil), _chebyshev(stencil, gradient)


_polynomial.defvjp(_forward, _backward)


def apply_stencil(stencil: Stencil, field: Float[Array, "*cells"]) -> Float[Array, "*cells"]:
    """−∇·H∇ of a field on cells of unit size: the gradient of its energy.

    Along an axis the energy takes the differences across faces, which sees every wave; its mixed terms take
    differences averaged to where four cells meet. Since an average's square is at most the mean of the squares, the
    energy is never negative.
    """
    return jax.grad(lambda u: _energy(stencil, u))(field)


def _energy(stencil: Stencil, field: Array) -> Array:
    tensor, total = stencil.tensor, jnp.zeros((), field.dtype)
    for a in range(field.ndim):
        total += 0.5 * jnp.sum(_mean(tensor[a, a], a) * jnp.diff(field, axis=a) ** 2)
    for a, b in stencil.mixed:
        across, along = _mean(jnp.diff(field, axis=a), b), _mean(jnp.diff(field, axis=b), a)
        total += jnp.sum(_mean(_mean(tensor[a, b], a), b) * across * along)
    return total


def _mean(x: Any, axis: int) -> Array:
    """Mean of neighbours along an axis; an axis of length 1 stays as it is."""
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


def _variance_on_cells(
    tensor: Float[np.ndarray, "axis axis *#cells"],
    determinant: Float[np.ndarray, "*#cells"],
    spacing: np.ndarray,
    alpha: float,
) -> Float[np.ndarray, "*#cells"]:
    """Variance of the field for noise scaled by det(H)^¼: the sum of f² over the stencil's waves, at each cell's own H.

    In the continuum it is Γ(ν)/(Γ(α)(4π)^(d/2)) everywhere; on cells it falls with the range, and is summed at some
    cells and interpolated between them.
    """
    order = np.argsort(determinant, axis=None)
    chosen = order[np.linspace(0, len(order) - 1, VARIANCE_NODES if np.ptp(determinant) else 1).astype(int)]
    cells = tensor.reshape(*tensor.shape[:2], -1)
    sums = [_wave_sum(cells[..., cell], spacing, alpha) for cell in chosen]
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
    return float(math.sqrt(np.linalg.det(tensor)) / spacing.prod() * np.mean((1 + symbol) ** -alpha))


def _largest_eigenvalue(tensor: Float[np.ndarray, "axis axis *cells"]) -> float:
    """Bound on the eigenvalues of the stencil: face differences give 4, mixed terms at most 2 for each pair."""
    diagonal = sum(4 * tensor[a, a].max() for a in range(len(tensor)))
    mixed = sum(2 * np.abs(tensor[a, b]).max() for a in range(len(tensor)) for b in range(a))
    return float(diagonal + mixed)
