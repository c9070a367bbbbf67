"""What a prior is, how its fields are read as facies, and which families there are."""

from ._drawn_latents import DrawnLatents as DrawnLatents
from ._facies_model import AbstractFaciesModel as AbstractFaciesModel
from ._facies_model import FaciesModel as FaciesModel
from ._facies_names import facies_names as facies_names
from ._facies_names import plain_name as plain_name
from ._in_words import in_words as in_words
from ._latent_map import LatentMap as LatentMap
from ._latent_map import split_latents as split_latents
from ._latent_map import without_place as without_place
from ._log_weight import log_weight_in_field as log_weight_in_field
from ._log_weight import log_weight_of_field as log_weight_of_field
from ._pictures import PICTURES as PICTURES
from ._pictures import Picture as Picture
from ._pictures import inlined as inlined
from ._pictures import picture_of as picture_of
from ._prior import NO_DISCRIMINATOR as NO_DISCRIMINATOR
from ._prior import AbstractPrior as AbstractPrior
from ._registry import PRIORS as PRIORS
from ._registry import prior_from_record as prior_from_record
from ._unordered_facies import UnorderedFaciesModel as UnorderedFaciesModel
