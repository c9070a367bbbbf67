"""Training images: reading, coarsening and cutting them, and a simulator that makes channel images."""

from ._channels import ChannelSimulator as ChannelSimulator
from ._images import TrainingImage as TrainingImage
from ._images import coarsen as coarsen
from ._images import cut_patches as cut_patches
from ._images import read_training_image as read_training_image
from ._images import sample_patches as sample_patches
from ._images import score_levels as score_levels
from ._images import signed_levels as signed_levels
