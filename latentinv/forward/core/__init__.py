"""What a forward model is, its marks on maps, and a placeholder for one that no file can hold."""

from ._absent import AbsentForward as AbsentForward
from ._extents import Extents as Extents
from ._extents import whole_extents as whole_extents
from ._forward import FORWARDS as FORWARDS
from ._forward import AbstractForward as AbstractForward
from ._forward import GivenAgain as GivenAgain
from ._identity import ByIdentity as ByIdentity
from ._marks import Boxes as Boxes
from ._marks import Lines as Lines
from ._marks import Mark as Mark
from ._marks import Points as Points
