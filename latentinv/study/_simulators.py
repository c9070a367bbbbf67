"""``[[simulators]]``: data that an external program predicts, from input files with a placeholder.

[[simulators]]
template = "model"               # a folder of input files, or one file; {{property}} in them becomes the numbers of
                                 # the property, a line for each row of the grid, the southernmost first
command = ["flow", "model.in"]   # the program and its arguments, run in a copy of the template, without a shell
output = "heads.txt"             # the file that it writes, with a number for each datum
column = "head"                  # of a table: the column of the data; left out: all numbers of the file
of_facies = [1e-5, 1e-3]         # property of each facies; of a prior of its logarithm: logarithm = true
file = "heads.csv"               # value, sd and perhaps unit, in the order of the output; or values and sd
unit = "m"                       # of what the program gives and of values; data in another unit are converted
processes = 4                    # programs at a time; left out: 1
timeout = 600.0                  # seconds that the program may take; left out: no limit
cache = "evaluations"            # a folder that keeps results, also for other runs; left out: none
retries = 0                      # how often a failed simulation is tried again
keep_failed = false              # whether the folders of failed simulations are kept, in a folder beside the study

A study with such a table starts a program when it is run, and not when it is read or run with ``--dry``.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

from latentinv.errors import InputError
from latentinv.forward import ExternalForward
from latentinv.io import FLAG, Rule, whole, words
from latentinv.simulators import Executable, InProcess, Processes, read_numbers

from ._kind import NAMES, POSITIVE, PROPERTY, STUDY_DATA, VALUES, AbstractStudyData, Given, Place, needed
from ._outside import observed, predicted_by


def _is_command(value: Any) -> bool:
    return type(value) is list and bool(value) and all(type(word) is str and word for word in value)


COMMAND = Rule(_is_command, 'a list of the program and its arguments, without a shell, such as ["flow", "model.in"]')
FAILED = "failed simulations"
"""Folder of what failed simulations left."""


@final
@STUDY_DATA.register("simulators")
class Simulators(AbstractStudyData):
    """Data of external programs."""

    rules: ClassVar = {
        **NAMES,
        **PROPERTY,
        "template": words("a folder of input files, or a file"),
        "command": COMMAND,
        "output": words("the name of the file that the program writes"),
        "column": words("a column's name"),
        "values": VALUES,
        "count": whole(1, 10_000),
        "sd": POSITIVE,
        "unit": words("a unit"),
        "processes": whole(1, 1024),
        "timeout": POSITIVE,
        "cache": words("a folder"),
        "retries": whole(0, 100),
        "keep_failed": FLAG,
    }

    @staticmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make data of an external program."""
        output, processes = needed("simulators", table, "output"), table.get("processes", 1)
        data = observed("simulators", table, place.folder, table.get("count"))
        forward = ExternalForward(
            _program(table, place.folder),
            place.grid,
            len(data.values),
            executor=InProcess() if processes == 1 else Processes(processes),
            cache=place.folder / table["cache"] if "cache" in table else None,
            retries=table.get("retries", 0),
        )
        return predicted_by(forward, "simulators", table, place, data, Path(output).stem)


def _program(table: Mapping[str, Any], folder: Path) -> Executable:
    output = needed("simulators", table, "output")
    if Path(output).is_absolute() or ".." in Path(output).parts:
        raise InputError(
            f"The study's [[simulators]] read '{output}', which is outside the folder of a simulation; give the name "
            "of a file that the program writes in the folder where it runs."
        )
    template = folder / needed("simulators", table, "template")
    if template.is_dir() and folder.resolve().is_relative_to(template.resolve()):
        raise InputError(
            f"The study's [[simulators]] have the template '{table['template']}', a folder that holds the study itself "
            "and would be copied whole for each simulation; give the input files a folder of their own."
        )
    try:
        return Executable(
            list(needed("simulators", table, "command")),
            functools.partial(read_numbers, file=output, column=table.get("column")),
            template=template,
            timeout=table.get("timeout"),
            folder=folder / FAILED if table.get("keep_failed") else None,
            keep_failed=table.get("keep_failed", False),
        )
    except InputError as error:
        raise InputError(f"The study's [[simulators]] cannot be used: {error}") from error
