"""Statistics of fields, which tell how like its training image a prior is."""

from ._statistics import PatternHistogram as PatternHistogram
from ._statistics import chi_square as chi_square
from ._statistics import connectivity as connectivity
from ._statistics import facies_share as facies_share
from ._statistics import jensen_shannon as jensen_shannon
from ._statistics import local_binary_pattern_histogram as local_binary_pattern_histogram
from ._statistics import pattern_distance as pattern_distance
from ._statistics import pattern_histogram as pattern_histogram
from ._statistics import total_variation as total_variation
