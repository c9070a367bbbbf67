"""Priors learned from training images."""

from ._abstract import AbstractLearnedPrior as AbstractLearnedPrior
from ._autoencoder import AutoencoderPrior as AutoencoderPrior
from ._calibration import BOUND as BOUND
from ._calibration import Calibration as Calibration
from ._calibration import bounded as bounded
from ._certain_wells import WELLS as WELLS
from ._conditional import ConditionalPrior as ConditionalPrior
from ._cycle import CyclePrior as CyclePrior
from ._cycle import soft_levels as soft_levels
from ._cycle import source_facies as source_facies
from ._dcgan import DcganPrior as DcganPrior
from ._facies_measures import MEASURES as MEASURES
from ._facies_measures import FaciesMeasure as FaciesMeasure
from ._facies_measures import FaciesMeasures as FaciesMeasures
from ._facies_measures import correlations as correlations
from ._flow import FlowPrior as FlowPrior
from ._flow import flow as flow
from ._generator import GeneratorPrior as GeneratorPrior
from ._honoured_cells import looking_ahead as looking_ahead
from ._known_blocks import BLOCKS as BLOCKS
from ._sequential import SequentialPrior as SequentialPrior
from ._singan import SinganPrior as SinganPrior
from ._translation import coarse_map as coarse_map
from ._translation import translation_prior as translation_prior
