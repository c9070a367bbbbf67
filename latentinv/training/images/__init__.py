"""Training images: reading, coarsening and cutting them, and a simulator that makes channel images."""

from ._channels import ChannelSimulator as ChannelSimulator
from ._coarsening import coarsen as coarsen
from ._levels import score_levels as score_levels
from ._levels import signed_levels as signed_levels
from ._patches import cut_patches as cut_patches
from ._patches import sample_patches as sample_patches
from ._reading import read_training_image as read_training_image
from ._training_image import TrainingImage as TrainingImage
