"""An object-based simulator of channels whose direction and width vary from place to place.

Two smooth Gaussian fields give the direction and the width in each cell; they are the image's auxiliary maps. Each
channel follows a flow line of the directions from a random place both ways, over a part of its length, with meanders:
its own direction differs from that of the map by a stationary process (a sine-generated curve with a random spectrum,
Langbein and Leopold 1966, USGS Professional Paper 422-H). The channel is all cells whose centre lies within half the
local width of the line, and it tapers at both ends. Of a few channels the one is added that lies least on those that
are there already (the best-candidate sampling of Mitchell 1991, doi:10.1145/122718.122736), until sand reaches the
stated proportion: flow lines run together somewhere, and would leave other places without a channel if they had no
ends. Channels begin beyond the image, too, so that its border is not special.

The same simulator draws channels for maps that are given, which a prior learned from its image can be compared with.

Cost: a few seconds for 600 × 600 cells.
"""

import functools
from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import map_coordinates

from latentinv.errors import InputError

from ._auxiliary import AZIMUTH, AuxiliaryMap
from ._channels import check, process, stamp
from ._training_image import TrainingImage

CANDIDATES = 8
"""Channels of which the one that covers most new cells is taken."""
STEP = 0.5
"""Cells from one disc of a channel to the next, at most a quarter of a width."""
TAPER = 4.0
"""Length of a tapering end, over half the width."""


@dataclass(frozen=True)
class FlowlineSimulator:
    """Sand channels (facies 1) in clay (facies 0), along a direction that varies.

    Parameters
    ----------
    proportion
        Expected share of sand, between 0 and 1.
    width
        Median width of a channel, in cells, at least 2.
    widening
        Standard deviation of the logarithm of the width over the image, at most 1.
    azimuth
        Mean direction, in degrees clockwise from north (from y towards x).
    turning
        Standard deviation of the direction over the image, in degrees.
    range
        Distance over which direction and width vary, in cells: that at which their correlation is exp(−1/2).
    meanders
        Root mean square angle between a channel and the direction of the map, in degrees.
    wavelength
        Mean distance between bends to the same side, in cells.
    length
        Mean length of a channel, in cells; they are between a half and one and a half times as long.

    Raises
    ------
    InputError
        If a parameter is outside its range.
    """

    proportion: float = 0.3
    width: float = 7.0
    widening: float = 0.35
    azimuth: float = 90.0
    turning: float = 60.0
    range: float = 90.0
    meanders: float = 20.0
    wavelength: float = 60.0
    length: float = 150.0

    def __post_init__(self) -> None:
        check("proportion", self.proportion, 0 < self.proportion < 1, "a share between 0 and 1")
        check("width", self.width, 2 <= self.width < np.inf, "at least 2 cells")
        check("widening", self.widening, 0 <= self.widening <= 1, "between 0 and 1")
        check("azimuth", self.azimuth, np.isfinite(self.azimuth), "a finite angle")
        check("turning", self.turning, 0 <= self.turning < np.inf, "0 or more degrees")
        check("range", self.range, 2 * self.width <= self.range < np.inf, "at least twice the width")
        check("meanders", self.meanders, 0 <= self.meanders <= 45, "between 0 and 45 degrees")
        check("wavelength", self.wavelength, 2 * self.width <= self.wavelength < np.inf, "at least twice the width")
        check("length", self.length, 2 * self.width <= self.length < np.inf, "at least twice the width")

    def maps(self, rng: np.random.Generator, shape: tuple[int, int]) -> Float[np.ndarray, "2 row column"]:
        """Draw a map of the direction, in degrees clockwise from north, and one of the width, in cells."""
        if len(shape) != 2 or min(shape) < 1:
            raise InputError(f"The shape {shape} was given for a channel image; expected (rows, columns), at least 1.")
        turn, wider = (_smooth(rng, shape, self.range) for _ in (0, 1))
        return np.stack([self.azimuth + self.turning * turn, self.width * np.exp(self.widening * wider)])

    def simulate(
        self, rng: np.random.Generator, maps: Float[np.ndarray, "2 row column"]
    ) -> UInt8[np.ndarray, "row column"]:
        """Simulate an image for maps of the direction, in degrees clockwise from north, and of the width, in cells."""
        image = np.zeros(maps.shape[1:], bool)
        target, covered = self.proportion * image.size, 0
        while covered < target:
            channel = max(self._channels(rng, maps), key=lambda one: np.count_nonzero(one & ~image) / np.sum(one))
            before, covered = covered, int(np.count_nonzero(image | channel))
            if covered > target and rng.random() * (covered - before) > target - before:
                break
            image |= channel
        return image.astype(np.uint8)

    def as_training_image(self, seed: int, shape: tuple[int, int]) -> TrainingImage:
        """Simulate a training image with its maps `azimuth` and `width`; the seed and the parameters determine it."""
        rng = np.random.default_rng(seed)
        maps = self.maps(rng, shape)
        name = (
            f"channels along a map (proportion {self.proportion:g}, width {self.width:g}, widening {self.widening:g}, "
            f"azimuth {self.azimuth:g}, turning {self.turning:g}, range {self.range:g}, meanders {self.meanders:g}, "
            f"wavelength {self.wavelength:g}, length {self.length:g}, seed {seed})"
        )
        named = [AuxiliaryMap.from_array(one, name) for name, one in zip((AZIMUTH, "width"), maps, strict=True)]
        return TrainingImage.from_array(self.simulate(rng, maps), name).with_maps(named)

    def _channels(
        self, rng: np.random.Generator, maps: Float[np.ndarray, "2 row column"]
    ) -> list[Bool[np.ndarray, "row column"]]:
        """The cells of some channels, of those that meet the image."""
        shape = np.asarray(maps.shape[1:])
        lengths = self.length * rng.uniform(0.5, 1.5, CANDIDATES)
        steps = int(np.ceil(0.75 * self.length / STEP))
        # Between cells whose directions are half a turn apart, there is no turn.
        angles = np.radians(90 - np.unwrap(np.unwrap(maps[0], axis=1, period=180), axis=0, period=180))
        bends = np.stack([process(rng, 2 * steps + 1, self.wavelength / STEP) for _ in range(CANDIDATES)], axis=1)
        bends = np.radians(self.meanders) * bends
        beyond = 0.75 * self.length
        start = rng.uniform(-beyond, shape[:, None] + beyond, (2, CANDIDATES))
        sides = []
        for sign in (1, -1):
            place, path = start, [start]
            for n in range(steps):
                # Beyond the image the maps are what they are at its border.
                angle = map_coordinates(angles, place - 0.5, order=1, mode="nearest") + bends[steps + sign * n]
                place = place + sign * STEP * np.stack([np.sin(angle), np.cos(angle)])
                path.append(place)
            sides.append(np.stack(path))
        whole = np.concatenate([sides[1][:0:-1], sides[0]])
        radius = 0.5 * np.stack([map_coordinates(maps[1], one - 0.5, order=1, mode="nearest") for one in whole])
        ahead = 0.5 * lengths - STEP * np.abs(np.arange(-steps, steps + 1))[:, None]
        radius = radius * np.sqrt(np.clip(ahead / (TAPER * radius), 0, 1))
        images = np.zeros((CANDIDATES, *maps.shape[1:]), bool)
        for n, image in enumerate(images):
            stamp(image, whole[:, 0, n], whole[:, 1, n], radius[:, n])
        met = list(images[images.any(axis=(1, 2))])
        return met or self._channels(rng, maps)


def _smooth(rng: np.random.Generator, shape: tuple[int, int], length: float) -> Float[np.ndarray, "row column"]:
    """A Gaussian field of unit variance with a Gaussian correlation, not periodic in the shape."""
    whole = tuple(scipy.fft.next_fast_len(int(n + 4 * length)) for n in shape)
    each = [np.exp(-0.25 * (2 * np.pi * length * scipy.fft.fftfreq(n)) ** 2) for n in whole]
    power = functools.reduce(np.multiply.outer, each)
    noise = scipy.fft.fft2(rng.standard_normal(whole))
    field: np.ndarray = scipy.fft.ifft2(noise * power).real / np.sqrt(np.mean(power**2))
    return field[: shape[0], : shape[1]]
