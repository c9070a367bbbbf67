"""``[[umbridge]]``: data that a model behind UM-Bridge predicts, asked over HTTP (``pip install latentinv[umbridge]``).

[[umbridge]]
url = "http://localhost:4242"    # of the server, or of the balancer before several
model = "heads"                  # the model's name there
config = {mesh = 2}              # what it is to be told besides the property; left out: nothing
of_facies = [1e-5, 1e-3]         # property of each facies; of a prior of its logarithm: logarithm = true
file = "heads.csv"               # value, sd and perhaps unit, in the order of the model's output; or values and sd
unit = "m"                       # of what the model gives and of values; data in another unit are converted
requests = 8                     # evaluations asked for at once; left out: 1
timeout = 600.0                  # seconds that an evaluation may take; left out: no limit
cache = "evaluations"            # a folder that keeps results, also for other runs; left out: none
retries = 0                      # how often a failed evaluation is asked for again
identity = "heads, 3rd version"  # names the results; left out: url, model and config do

The server must be there when the study is read: its model is asked how many numbers it takes and gives. It is asked to
evaluate nothing before the study is run.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, final

from latentinv.errors import InputError
from latentinv.forward import umbridge_model
from latentinv.io import TABLE, whole, words

from ._kind import NAMES, POSITIVE, PROPERTY, STUDY_DATA, VALUES, AbstractStudyData, Given, Place, needed
from ._outside import observed, predicted_by


@final
@STUDY_DATA.register("umbridge")
class UMBridgeModels(AbstractStudyData):
    """Data of models behind UM-Bridge."""

    rules: ClassVar = {
        **NAMES,
        **PROPERTY,
        "url": words("an address such as http://localhost:4242"),
        "model": words("the name of a model of the server"),
        "config": TABLE,
        "values": VALUES,
        "sd": POSITIVE,
        "unit": words("a unit"),
        "requests": whole(1, 1024),
        "timeout": POSITIVE,
        "cache": words("a folder"),
        "retries": whole(0, 100),
        "identity": words("a text"),
    }

    @staticmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make data of a server's model."""
        url, model = needed("umbridge", table, "url"), needed("umbridge", table, "model")
        settings = {key: table[key] for key in ("config", "requests", "timeout", "retries", "identity") if key in table}
        cache = place.folder / table["cache"] if "cache" in table else None
        try:
            forward = umbridge_model(url, model, place.grid, cache=cache, **settings)
        except InputError as error:
            raise InputError(f"The study's [[umbridge]] cannot be used: {error}") from error
        data = observed("umbridge", table, place.folder, forward.count)
        return predicted_by(forward, "umbridge", table, place, data, model)
