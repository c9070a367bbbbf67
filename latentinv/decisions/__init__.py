"""What decisions need from the draws of a run: volumes, connections, the worth of more data, what each datum did."""

from ._bodies import connected_volume as connected_volume
from ._bodies import connection_probability as connection_probability
from ._bodies import connection_table as connection_table
from ._data_worth import DataWorth as DataWorth
from ._data_worth import map_worth as map_worth
from ._data_worth import target_worth as target_worth
from ._forecast import Forecast as Forecast
from ._forecast import forecast as forecast
from ._leverage import Leverage as Leverage
from ._leverage import leverage as leverage
from ._volumes import Quantiles as Quantiles
from ._volumes import inside as inside
from ._volumes import quantiles as quantiles
from ._volumes import share as share
from ._volumes import volume as volume
from ._volumes import within_polygon as within_polygon
