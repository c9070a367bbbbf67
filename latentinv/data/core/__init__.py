"""What an observation is, and the checks that all observations share."""

from ._checks import check_facies as check_facies
from ._checks import check_fit as check_fit
from ._checks import check_labels as check_labels
from ._checks import check_no_forward as check_no_forward
from ._checks import decimals as decimals
from ._checks import facies_words as facies_words
from ._checks import field_on as field_on
from ._checks import field_shape as field_shape
from ._checks import say_box as say_box
from ._checks import say_point as say_point
from ._checks import sentence as sentence
from ._observation import OBSERVATIONS as OBSERVATIONS
from ._observation import AbstractObservation as AbstractObservation
from ._observation import CertainFacies as CertainFacies
from ._observation import GaussianView as GaussianView
from ._observation import Report as Report
