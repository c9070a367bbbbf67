"""An object-based simulator of meandering channels: our own training images, of any size and proportion.

Each channel follows a centreline: a straight line at a random place, displaced across the flow by meanders and by a
slow wander. Both are stationary Gaussian processes of narrow spectrum (the disturbed periodic view of meanders,
Ferguson 1976, doi:10.1002/esp.3290010403, applied to the displacement instead of the direction, so that its rms
amplitude is a parameter). The channel is all cells whose centre lies within half its width of the centreline. Channels
are added, each in the widest of a few gaps tried (the best-candidate sampling of Mitchell 1991,
doi:10.1145/122718.122736, which keeps them from clumping), until sand reaches the stated proportion. The border of the
image is not special. Along the flow, channels enter and leave beyond it. Across the flow, they live on a circle longer
than the image is high, so every place is equally likely. The proportion is counted on the whole circle, and the channel
that would pass the target is kept with the probability that makes the expected proportion exact.

Cost: O(cells covered, with overlaps) for discs stamped along the centrelines, a second for 1500 × 1500 cells.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Bool, Float, UInt8

from latentinv.errors import InputError

from ._training_image import TrainingImage

BANDWIDTH = 0.35
"""Standard deviation of the spectrum over its central frequency: bends vary but stay recognisable."""
WIDTH_VARIATION = 0.08
"""Standard deviation of the logarithm of the width, once between channels and once along each."""
WANDER_WAVELENGTH = 6.0
"""Wavelength of the slow wander, over that of the meanders."""
CANDIDATES = 4
"""Places tried for each channel; more would space the channels too evenly."""
STEPS_PER_WIDTH = 16
"""Discs per channel width along the flow: their union is within 1 % of a width of the outline at slopes up to 3."""

Discs = tuple[Float[np.ndarray, "disc"], Float[np.ndarray, "disc"], Float[np.ndarray, "disc"]]
"""Positions along and across the flow, and radii, in cells."""


@dataclass(frozen=True)
class ChannelSimulator:
    """Meandering sand channels (facies 1) in clay (facies 0).

    Parameters
    ----------
    proportion
        Expected share of sand, between 0 and 1.
    width
        Mean width of a channel across its own direction, in cells, at least 2.
    amplitude
        Root mean square of the meanders' displacement, in cells.
    wavelength
        Mean distance between bends to the same side, along the flow, in cells.
    azimuth
        Direction of the mean flow, in degrees clockwise from north (from y towards x): 90 is east, along the rows.
    spread_degrees
        Root mean square angle between the slow wander and the mean flow; it makes channels meet and part.

    Raises
    ------
    InputError
        If a parameter is outside its range.
    """

    proportion: float = 0.3
    width: float = 9.0
    amplitude: float = 6.0
    wavelength: float = 90.0
    azimuth: float = 90.0
    spread_degrees: float = 8.0

    def __post_init__(self) -> None:
        check("proportion", self.proportion, 0 < self.proportion < 1, "a share between 0 and 1")
        check("width", self.width, 2 <= self.width < np.inf, "at least 2 cells")
        check("amplitude", self.amplitude, 0 <= self.amplitude < np.inf, "0 or more cells")
        check(
            "wavelength",
            self.wavelength,
            2 * self.width <= self.wavelength < np.inf,
            "at least twice the width",
        )
        check("azimuth", self.azimuth, np.isfinite(self.azimuth), "a finite angle")
        check("spread_degrees", self.spread_degrees, 0 <= self.spread_degrees <= 30, "between 0 and 30 degrees")

    def simulate(self, rng: np.random.Generator, shape: tuple[int, int]) -> UInt8[np.ndarray, "row column"]:
        """Simulate one image.

        Parameters
        ----------
        rng
            Source of randomness.
        shape
            Rows and columns of the image.

        Raises
        ------
        InputError
            If the shape is not two positive counts.
        """
        if len(shape) != 2 or min(shape) < 1:
            raise InputError(
                f"The shape {shape} was given for a channel image; expected (rows, columns), both at least 1."
            )
        angle = np.deg2rad(90 - self.azimuth)
        along, across = _rotate(np.array(shape[1]), np.array(shape[0]), angle, absolute=True)
        circle = int(np.ceil(across + 6 * np.hypot(self.amplitude, self._wander) + 4 * self.width))
        image = np.zeros(shape, bool)
        for flow, offset, radius in self._channels(rng, int(np.ceil(along)), circle):
            column, row = _rotate(flow - 0.5 * np.ceil(along), offset - 0.5 * circle, angle)
            stamp(image, row + 0.5 * shape[0], column + 0.5 * shape[1], radius)
        return image.astype(np.uint8)

    def as_training_image(self, seed: int, shape: tuple[int, int]) -> TrainingImage:
        """Simulate a training image; the seed and the parameters determine it."""
        name = (
            f"channels (proportion {self.proportion:g}, width {self.width:g}, amplitude {self.amplitude:g}, "
            f"wavelength {self.wavelength:g}, azimuth {self.azimuth:g}, spread "
            f"{self.spread_degrees:g}, seed {seed})"
        )
        return TrainingImage.from_array(self.simulate(np.random.default_rng(seed), shape), name)

    @property
    def _wander(self) -> float:
        """Root mean square displacement of the slow wander, in cells: slope times wavelength over 2π."""
        return float(np.tan(np.deg2rad(self.spread_degrees))) * WANDER_WAVELENGTH * self.wavelength / (2 * np.pi)

    def _channels(self, rng: np.random.Generator, length: int, circle: int) -> list[Discs]:
        """Draw channels until the proportion is met on a cylinder of given length and circumference."""
        cover, places = np.zeros((circle, length), bool), np.zeros(0)
        channels: list[Discs] = []
        target, covered = self.proportion * cover.size, 0
        while covered < target:
            place = _widest_gap(rng, places, circle)
            flow, bends, radius = self._channel(rng, length)
            offset = (place + bends) % circle
            for turn in (-circle, 0, circle):
                stamp(cover, offset + turn, flow, radius)
            before, covered = covered, int(np.count_nonzero(cover))
            if covered > target and rng.random() * (covered - before) > target - before:
                break
            places = np.append(places, place)
            channels.append((flow, offset, radius))
        return channels

    def _channel(self, rng: np.random.Generator, length: int) -> Discs:
        """One channel: position along the flow, displacement across it and radius of each of its discs."""
        step = self.width / STEPS_PER_WIDTH
        flow = np.arange(-2 * self.width, length + 2 * self.width, step)
        period = self.wavelength / step
        bends = self.amplitude * process(rng, flow.size, period)
        bends += self._wander * process(rng, flow.size, WANDER_WAVELENGTH * period)
        swelling = rng.standard_normal() + process(rng, flow.size, 2 * period)
        # A lognormal of variance v has mean exp(v/2), and both parts of the swelling vary; so the stated
        # width is the mean.
        radius = 0.5 * self.width * np.exp(WIDTH_VARIATION * swelling - WIDTH_VARIATION**2)
        return flow, bends, radius


def _widest_gap(rng: np.random.Generator, places: Float[np.ndarray, "channel"], circle: int) -> float:
    """Of a few uniform random places on the circle, the one farthest from existing channels."""
    candidates = rng.uniform(0, circle, CANDIDATES)
    apart = np.abs(candidates[:, None] - places)
    return float(candidates[np.argmax(np.minimum(apart, circle - apart).min(axis=1, initial=circle))])


def process(rng: np.random.Generator, count: int, wavelength: float) -> Float[np.ndarray, "point"]:
    """A stationary Gaussian process of unit variance and a spectrum around one wavelength (in steps)."""
    period = scipy.fft.next_fast_len(
        int(count + 4 * wavelength), real=True
    )  # so that the two ends of the part that is kept are independent
    frequency = scipy.fft.rfftfreq(period)
    power = np.exp(-0.5 * ((frequency * wavelength - 1) / BANDWIDTH) ** 2)
    power[0] = 0.0
    noise = rng.standard_normal((2, frequency.size))
    coefficients = np.sqrt(power / power.sum()) * (noise[0] + 1j * noise[1])
    return scipy.fft.irfft(coefficients, period)[:count] * (0.5 * period)


def stamp(
    image: Bool[np.ndarray, "row column"],
    y: Float[np.ndarray, "disc"],
    x: Float[np.ndarray, "disc"],
    radius: Float[np.ndarray, "disc"],
) -> None:
    """Set the cells of an image whose centres lie within discs; cells outside the image are left out."""
    reach = int(np.ceil(radius.max())) + 1
    near = (y > -reach) & (y < image.shape[0] + reach) & (x > -reach) & (x < image.shape[1] + reach)
    y, x, radius = y[near, None, None], x[near, None, None], radius[near, None, None]
    box = np.arange(-reach, reach + 1)
    row, column = np.floor(y).astype(int) + box[:, None], np.floor(x).astype(int) + box
    inside = (row + 0.5 - y) ** 2 + (column + 0.5 - x) ** 2 <= radius**2
    inside &= (row >= 0) & (row < image.shape[0]) & (column >= 0) & (column < image.shape[1])
    image.reshape(-1)[(row * image.shape[1] + column)[inside]] = True


def _rotate(
    along: np.ndarray, across: np.ndarray, angle: float, *, absolute: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Turn positions by an angle from x towards y; if `absolute`, give a turned rectangle's extents."""
    cosine, sine = np.cos(angle), np.sin(angle)
    if absolute:
        return along * abs(cosine) + across * abs(sine), along * abs(sine) + across * abs(cosine)
    return along * cosine - across * sine, along * sine + across * cosine


def check(name: str, value: float, valid: bool | np.bool_, expected: str) -> None:
    if not valid:
        raise InputError(f"The channels' {name} is {value:g}; expected {expected}.")
