"""What a forward model is, and what it shows on a map."""

from ._forward import AbstractForward as AbstractForward
from ._marks import Boxes as Boxes
from ._marks import Lines as Lines
from ._marks import Mark as Mark
from ._marks import Points as Points
