"""The console program: its commands, and how mistakes are reported.

Each command is a file that imports heavy packages only when it needs them, so that help and wrong arguments are
answered at once. What a user can correct is one line on stderr and exit code 1, and so are data that could not be met,
with a line for each; a wrong option is 2; an interrupted run is 130, after a sentence on how to continue.
"""

import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated

import typer

from latentinv.errors import InputError, NonFiniteError, StorageError

from ._algorithms import algorithms
from ._assess import assess
from ._batch import batch
from ._calibrate import calibrate
from ._compare import compare
from ._compilations import VARIABLE, compilations_kept
from ._condition import condition
from ._export import export
from ._forecast import forecast
from ._generate import generate
from ._init import init
from ._memory import TOO_LARGE, fitting_in_memory
from ._priors import priors
from ._report import report
from ._resume import resume
from ._run import run
from ._show import show
from ._status import status
from ._train import train
from ._translate import translate
from ._walk import walk

app = typer.Typer(
    name="latentinv",
    help="Condition geology to data: train a prior on a training image, condition it to wells, block means and "
    "measurements, and quantify the uncertainty.",
    epilog=f"Compiled programs are kept in your cache folder, so that commands start sooner the second time (at most "
    f"1 GB). The environment variable {VARIABLE} names another folder, or turns this off: {VARIABLE}=off.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"latentinv {metadata.version('latentinv')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options of the program itself."""


for command in (
    init,
    run,
    batch,
    train,
    assess,
    generate,
    walk,
    translate,
    condition,
    resume,
    status,
    show,
    report,
    compare,
    export,
    forecast,
    priors,
    algorithms,
    calibrate,
):
    app.command()(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit.

    Parameters
    ----------
    arguments
        Arguments to parse; those of the command line if omitted.
    """
    # XLA logs a compilation of two minutes as an error, with advice on filing a bug; what does fail is raised.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with compilations_kept(), fitting_in_memory(lambda: TOO_LARGE):
            app(args=arguments, prog_name="latentinv")
    except (InputError, StorageError, NonFiniteError) as error:
        print("latentinv: " + " ".join(str(error).split()), file=sys.stderr)
        sys.exit(1)
    except (RuntimeError, AssertionError):
        if not _lacks_devices():
            raise
        asked = f"JAX_PLATFORMS is '{os.environ['JAX_PLATFORMS']}', and JAX finds no such device here"
        print(f"latentinv: {asked}; install JAX for it, or leave JAX_PLATFORMS out.", file=sys.stderr)
        sys.exit(1)


def _lacks_devices() -> bool:
    """Whether the user asks for a kind of device that JAX does not find."""
    if not os.environ.get("JAX_PLATFORMS"):
        return False
    import jax

    try:
        jax.devices()
    except (RuntimeError, AssertionError):
        return True
    return False
