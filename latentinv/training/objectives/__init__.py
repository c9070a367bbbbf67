"""Objectives of a generator's training: adversarial losses, frequencies of small patterns, and structure functions."""

from ._losses import LOSSES as LOSSES
from ._losses import AbstractAdversarialLoss as AbstractAdversarialLoss
from ._patterns import Frequencies as Frequencies
from ._patterns import field_gradient as field_gradient
from ._patterns import image_frequencies as image_frequencies
from ._patterns import least_patch as least_patch
from ._patterns import no_frequencies as no_frequencies
from ._patterns import running_frequencies as running_frequencies
from ._structure import Structure as Structure
from ._structure import no_structure as no_structure
from ._structure import running_structure as running_structure
from ._structure import structure_distance as structure_distance
from ._structure import structure_gradient as structure_gradient
from ._wasserstein import slope_penalty as slope_penalty
