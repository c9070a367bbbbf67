"""Laws of unknown numbers of a prior: maps from standard normal latents to a range, a direction, a mean.

A prior whose range is unknown has a latent for it before those of its field, so that every algorithm infers it with the
field. Each law is a smooth, growing function of one latent, except `AnyDirection`: a direction has no first and no last
value, so it is the angle of two latents, halved, which can turn for ever. Wherever a law is expected a plain number
stands for a known value.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.errors import InputError


def _require(holds: bool, law: Any, expected: str) -> None:
    if not (holds and all(map(math.isfinite, dataclasses.astuple(law)))):
        raise InputError(f"The law {law} cannot be used; {expected}.")


@final
@dataclass(frozen=True)
class Normal:
    """A number of which mean and standard deviation are guessed, in its own unit."""

    mean: float
    standard_deviation: float
    latents: ClassVar[int] = 1

    def __post_init__(self) -> None:
        _require(self.standard_deviation > 0, self, "give a standard deviation above 0")

    def __call__(self, z: Float[Array, "latent"]) -> Float[Array, ""]:
        """The number for its latent."""
        return self.mean + self.standard_deviation * z[0]

    def describe(self) -> str:
        """The law in words."""
        return f"unknown, normal with mean {self.mean:g} and standard deviation {self.standard_deviation:g}"


@final
@dataclass(frozen=True)
class LogNormal:
    """A positive number: median · exp(log_standard_deviation · latent). Of 0.5, nine tenths lie within a factor 2.3."""

    median: float
    log_standard_deviation: float
    latents: ClassVar[int] = 1

    def __post_init__(self) -> None:
        _require(min(self.median, self.log_standard_deviation) > 0, self, "give two numbers above 0")

    def __call__(self, z: Float[Array, "latent"]) -> Float[Array, ""]:
        """The number for its latent."""
        return self.median * jnp.exp(self.log_standard_deviation * z[0])

    def describe(self) -> str:
        """The law in words."""
        spread = f"log standard deviation {self.log_standard_deviation:g}"
        return f"unknown, log-normal with median {self.median:g} and {spread}"


@final
@dataclass(frozen=True)
class Uniform:
    """A number of which only the least and the greatest value are known; the normal distribution function of its
    latent.
    """

    low: float
    high: float
    latents: ClassVar[int] = 1

    def __post_init__(self) -> None:
        _require(self.low < self.high, self, "give the lower bound first")

    def __call__(self, z: Float[Array, "latent"]) -> Float[Array, ""]:
        """The number for its latent."""
        return self.low + (self.high - self.low) * jax.scipy.stats.norm.cdf(z[0])

    def describe(self) -> str:
        """The law in words."""
        return f"unknown, anything from {self.low:g} to {self.high:g}"


@final
@dataclass(frozen=True)
class AnyDirection:
    """An azimuth of which nothing is known: all directions of half a turn, in degrees, are as likely."""

    latents: ClassVar[int] = 2

    def __call__(self, z: Float[Array, "latent"]) -> Float[Array, ""]:
        """The azimuth for its two latents, from 0 to 180 degrees."""
        return jnp.mod(jnp.degrees(jnp.arctan2(z[0], z[1])) / 2, 180.0)

    def describe(self) -> str:
        """The law in words."""
        return "unknown, any direction"


Law = Normal | LogNormal | Uniform | AnyDirection
LAWS: dict[str, type[Law]] = {
    "normal": Normal, "log-normal": LogNormal, "uniform": Uniform, "any direction": AnyDirection,
}  # fmt: skip
"""By their names in files."""


def likely_greatest(value: float | LogNormal | Uniform) -> float:
    """A positive number, or one that an unknown number exceeds in less than three cases of a hundred."""
    if isinstance(value, LogNormal):
        return value.median * math.exp(2 * value.log_standard_deviation)
    return float(value.high if isinstance(value, Uniform) else value)


def in_words(value: float | Law) -> float | str:
    """A known number, or the law of an unknown one in words."""
    return value if isinstance(value, float | int) else value.describe()


def to_metadata(value: float | Law) -> Any:
    """A number, or a law's name and numbers, for a file."""
    if isinstance(value, float | int):
        return float(value)
    (name,) = (name for name, kind in LAWS.items() if type(value) is kind)
    return [name, *dataclasses.astuple(value)]


def from_metadata(content: Any) -> float | Law:
    """Restore what `to_metadata` gave."""
    return LAWS[content[0]](*content[1:]) if isinstance(content, list | tuple) else content
