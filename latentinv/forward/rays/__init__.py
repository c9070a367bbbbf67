"""Travel times along straight and curved rays."""

from ._eikonal import CurvedRays as CurvedRays
from ._straight_rays import StraightRays as StraightRays
from ._straight_rays import ray_lengths as ray_lengths
