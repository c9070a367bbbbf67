"""Noise models."""

from ._noise import NOISES as NOISES
from ._noise import AbstractNoise as AbstractNoise
from ._noise import CorrelatedNoise as CorrelatedNoise
from ._noise import GaussianNoise as GaussianNoise
from ._noise import StudentNoise as StudentNoise
from ._noise import UnknownNoise as UnknownNoise
