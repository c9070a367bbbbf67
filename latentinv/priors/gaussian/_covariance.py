"""Covariance models of stationary Gaussian fields, with their spectral measures.

Models are functions of scaled distances: a separation (x, y(, z) in metres) is turned into the axes of the
anisotropy and divided by the range along each, giving a scaled distance h. With ranges in this sense

============  ==========================================  ================================================
exponential   exp(−3 h)                                   correlation 0.05 at the range
gaussian      exp(−3 h²)                                  correlation 0.05 at the range
matern        2^(1−ν)/Γ(ν) (√(8ν) h)^ν K_ν(√(8ν) h)       correlation about 0.13 at the range
spherical     1 − 1.5 h + 0.5 h³ for h < 1, else 0        no correlation from the range on
============  ==========================================  ================================================

The first two and the last follow Chilès and Delfiner (2012, doi:10.1002/9781118136188), the Matérn range is that of
Lindgren et al. (2011, doi:10.1111/j.1467-9868.2011.00777.x). A stationary covariance is the characteristic function of
a probability measure on wave vectors (Bochner); `Covariance.wave_vectors` maps uniform numbers to draws from it, which
is what the spectral method needs. Everything is float64 on the host.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from scipy import special

from latentinv.errors import InputError

Model = Literal["exponential", "gaussian", "matern", "spherical"]
MODELS: tuple[str, ...] = get_args(Model)


@dataclass(frozen=True)
class Covariance:
    """A stationary covariance, with geometric anisotropy.

    Parameters
    ----------
    model
        ``exponential``, ``gaussian``, ``matern`` or ``spherical``.
    ranges
        In metres along the principal axes: one number for all, or one for each axis, first that along the azimuth,
        then that across it (and in three dimensions the vertical one).
    standard_deviation
        Of the field, in its own unit.
    azimuth
        Direction in which the first range runs, in degrees clockwise from north (from y towards x; in a section from
        z towards x): 90 is east, along x.
    smoothness
        ν of the Matérn model; the others take none.

    Raises
    ------
    InputError
        If the model is unknown or a number cannot be used.
    """

    model: Model
    ranges: tuple[float, ...] | float
    standard_deviation: float = 1.0
    azimuth: float = 90.0
    smoothness: float | None = None

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise InputError(f"There is no covariance model '{self.model}'; choose one of {', '.join(MODELS)}.")
        ranges = np.atleast_1d(np.asarray(self.ranges, float))
        if ranges.ndim != 1 or len(ranges) not in (1, 2, 3) or not np.all(np.isfinite(ranges) & (ranges > 0)):
            raise InputError(
                f"The covariance has ranges {self.ranges}; give one positive length in metres, or one for each axis."
            )
        object.__setattr__(self, "ranges", tuple(ranges.tolist()))
        if not (math.isfinite(self.standard_deviation) and self.standard_deviation > 0):
            raise InputError(f"The covariance has standard deviation {self.standard_deviation}; give one above 0.")
        if not math.isfinite(self.azimuth):
            raise InputError(f"The covariance has azimuth {self.azimuth}; give degrees clockwise from north.")
        if (self.model == "matern") != (self.smoothness is not None):
            raise InputError(
                "Only the matern model has a smoothness, and it needs one; give it with that model and no other."
            )
        if self.smoothness is not None and not (math.isfinite(self.smoothness) and self.smoothness > 0):
            raise InputError(f"The covariance has smoothness {self.smoothness}; give a number above 0, such as 1.5.")

    def scaling(self, ndim: int) -> Float[np.ndarray, "axis axis"]:
        """The matrix that turns a separation x, y(, z) in metres into one whose length is the scaled distance.

        Raises
        ------
        InputError
            If the number of ranges is neither one nor `ndim`.
        """
        ranges = np.asarray(self.ranges)
        if len(ranges) not in (1, ndim):
            raise InputError(f"The covariance has {len(ranges)} ranges on {ndim} axes; give one, or one for each axis.")
        turn = np.eye(ndim)
        angle = math.radians(90 - self.azimuth)  # from x towards y
        turn[:2, :2] = [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
        return turn / np.broadcast_to(ranges, (ndim,))[:, None]

    def correlation(self, separations: Float[np.ndarray, "*pair axis"]) -> Float[np.ndarray, "*pair"]:
        """Correlation at separations x, y(, z) in metres."""
        separations = np.asarray(separations, float)
        distance = np.linalg.norm(separations @ self.scaling(separations.shape[-1]).T, axis=-1)
        if self.model == "exponential":
            return np.exp(-3 * distance)
        if self.model == "gaussian":
            return np.exp(-3 * distance**2)
        if self.model == "spherical":
            return np.where(distance < 1, 1 - 1.5 * distance + 0.5 * distance**3, 0.0)
        return matern(distance, float(self.smoothness or 0))

    def __call__(self, separations: Float[np.ndarray, "*pair axis"]) -> Float[np.ndarray, "*pair"]:
        """Covariance at separations x, y(, z) in metres."""
        return self.standard_deviation**2 * self.correlation(separations)

    def matrix(
        self, first: Float[np.ndarray, "first axis"], second: Float[np.ndarray, "second axis"]
    ) -> Float[np.ndarray, "first second"]:
        """Covariance between points, columns x, y(, z) in metres."""
        return self(np.asarray(first)[:, None] - np.asarray(second)[None])

    def wave_vectors(self, uniforms: Float[np.ndarray, "mode 3"], ndim: int) -> Float[np.ndarray, "mode axis"]:
        """Turn uniform numbers into wave vectors x, y(, z), in radians per metre, that follow the spectral measure.

        The first number gives the length, the others the direction. A Matérn measure is a multivariate Student
        distribution of 2ν degrees of freedom (the exponential is ν = ½), a Gaussian one is normal, and that of the
        spherical model in space is the squared Fourier transform of a ball, whose projection serves fewer axes. A wave
        and its opposite are the same, so directions fill half a turn, and evenly spaced numbers cover it more densely.
        """
        drawn = 3 if self.model == "spherical" else ndim
        number, angle = self._wave_numbers(uniforms[:, 0], drawn), np.pi * uniforms[:, 1]
        rise = 2 * uniforms[:, 2] - 1 if drawn == 3 else np.zeros(len(uniforms))
        level = np.sqrt(1 - rise**2)
        directions = np.stack([level * np.cos(angle), level * np.sin(angle), rise], axis=-1)
        return (number[:, None] * directions)[:, :ndim] @ self.scaling(ndim)

    def _wave_numbers(self, uniforms: Float[np.ndarray, "mode"], ndim: int) -> Float[np.ndarray, "mode"]:
        """Quantiles of the length of wave vectors on this number of axes, for a range of 1."""
        if self.model == "spherical":
            return np.interp(uniforms, *_ball_distribution())
        if self.model == "gaussian":
            return np.sqrt(12 * special.gammaincinv(ndim / 2, uniforms))  # χ² by its gamma function
        nu = 0.5 if self.smoothness is None else self.smoothness
        rate = 3.0 if self.smoothness is None else math.sqrt(8 * nu)
        return rate * np.sqrt(ndim / (2 * nu) * special.fdtri(ndim, 2 * nu, uniforms))


def matern(distance: Float[np.ndarray, "*pair"], smoothness: float) -> Float[np.ndarray, "*pair"]:
    """Matérn correlation at scaled distances, in logarithms so that it neither overflows nor cancels."""
    scaled = np.sqrt(8 * smoothness) * np.asarray(distance, float)
    far = np.where(scaled > 0, scaled, 1.0)
    with np.errstate(divide="ignore"):  # at such distances the correlation, the exponential of this logarithm, is zero
        logarithm = smoothness * np.log(far) + np.log(special.kve(smoothness, far)) - far
    scale = (1 - smoothness) * math.log(2) - special.gammaln(smoothness)
    return np.where(scaled > 0, np.exp(logarithm + scale), 1.0)


def _ball_distribution() -> tuple[Float[np.ndarray, "node"], Float[np.ndarray, "node"]]:
    """Distribution function of the length of a wave vector of the spherical model (range 1) in space, and lengths."""
    lengths = np.concatenate([np.linspace(0, 400, 200_001)[1:], np.geomspace(400, 4e5, 2_000)[1:]])
    half = lengths / 2
    density = ((np.sin(half) - half * np.cos(half)) / half**2) ** 2
    # Beyond the fine nodes the square of the cosine is replaced by its mean.
    density[lengths > 400] = 0.5 / half[lengths > 400] ** 2
    steps = np.diff(lengths, prepend=0.0)
    mass = np.cumsum(steps * (density + np.append(0.0, density[:-1])) / 2)
    return np.append(0.0, mass / mass[-1]), np.append(0.0, lengths)
