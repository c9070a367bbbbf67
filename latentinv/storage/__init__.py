"""Prior files and run files."""

from ._atomic import atomic_file as atomic_file
from ._atomic import atomic_hdf5 as atomic_hdf5
from ._atomic import format_of as format_of
from ._atomic import open_hdf5 as open_hdf5
from ._atomic import require_new as require_new
from ._prior_file import PriorRecord as PriorRecord
from ._prior_file import digest as digest
from ._prior_file import read_prior as read_prior
from ._prior_file import read_prior_group as read_prior_group
from ._prior_file import write_prior as write_prior
from ._prior_file import write_prior_group as write_prior_group
from ._run_file import RunFile as RunFile
from ._run_file import predicted_name as predicted_name
from ._run_schema import ObservationRecord as ObservationRecord
from ._run_schema import RunHeader as RunHeader
from ._tree import read_tree as read_tree
from ._tree import write_tree as write_tree
