"""Training images, losses, recipes and the loop that trains a prior."""

from ._evaluation import Comparison as Comparison
from ._loop import TrainingListener as TrainingListener
from ._loop import TrainingPlan as TrainingPlan
from ._loop import TrainingResult as TrainingResult
from ._loop import checkpoint_path as checkpoint_path
from ._loop import read_plan as read_plan
from ._loop import require_new_training as require_new_training
from ._loop import resume_training as resume_training
from ._loop import sheet_path as sheet_path
from ._loop import train as train
from ._recipe import Recipe as Recipe
from ._recipe import parse_recipe as parse_recipe
from ._recipe import read_recipe as read_recipe
from ._step import Losses as Losses
from .images import ChannelSimulator as ChannelSimulator
from .images import TrainingImage as TrainingImage
from .images import coarsen as coarsen
from .images import read_training_image as read_training_image
from .images import sample_patches as sample_patches
from .objectives import LOSSES as LOSSES
from .objectives import AbstractAdversarialLoss as AbstractAdversarialLoss
