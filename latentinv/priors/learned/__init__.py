"""Priors learned from training images."""

from ._generator import BOUND as BOUND
from ._generator import GeneratorPrior as GeneratorPrior
from ._generator import bounded as bounded
