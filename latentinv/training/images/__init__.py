"""Training images: reading, coarsening and cutting them, and simulators that make channel images."""

from ._auxiliary import AuxiliaryMap as AuxiliaryMap
from ._channels import ChannelSimulator as ChannelSimulator
from ._coarsening import coarsen as coarsen
from ._flowlines import FlowlineSimulator as FlowlineSimulator
from ._levels import Levels as Levels
from ._levels import facies_levels as facies_levels
from ._levels import image_levels as image_levels
from ._levels import score_levels as score_levels
from ._levels import signed_levels as signed_levels
from ._open_patches import OpenPatches as OpenPatches
from ._patches import Places as Places
from ._patches import choose_places as choose_places
from ._patches import comparable_count as comparable_count
from ._patches import comparable_shape as comparable_shape
from ._patches import complete_places as complete_places
from ._patches import cuttable_shape as cuttable_shape
from ._patches import sample_patches as sample_patches
from ._patches import times as times
from ._reading import read_auxiliary_map as read_auxiliary_map
from ._reading import read_training_image as read_training_image
from ._training_image import TrainingImage as TrainingImage
from ._training_image import image_shares as image_shares
from ._training_image import slivers as slivers
