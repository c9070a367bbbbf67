"""Study files: one TOML file states prior, grid, data with their forward models, and algorithm."""

from ._file import StudyFile as StudyFile
from ._file import parse_study_file as parse_study_file
from ._file import read_study_file as read_study_file
from ._forecast_file import read_forecast_file as read_forecast_file
from ._given import bind as bind
from ._kind import STUDY_DATA as STUDY_DATA
from ._kind import AbstractStudyData as AbstractStudyData
from ._kind import Given as Given
from ._kind import Place as Place
from ._kind import Simulators as Simulators
