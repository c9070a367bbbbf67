"""Noise models, one distribution a file."""

from ._abstract import NOISES as NOISES
from ._abstract import AbstractNoise as AbstractNoise
from ._abstract import per_datum as per_datum
from ._correlated import CorrelatedNoise as CorrelatedNoise
from ._gaussian import GaussianNoise as GaussianNoise
from ._student import StudentNoise as StudentNoise
from ._unknown import UnknownNoise as UnknownNoise
