"""Help and slips in the arguments are told at once: nothing heavy is imported for them."""

import subprocess
import sys

import pytest

from latentinv.cli._parse import PICTURES
from latentinv.plotting import ENDINGS

HEAVY = {"numpy", "jax", "flax", "scipy", "h5py", "matplotlib"}
SCRIPT = """
import sys
from latentinv.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ending:
    code = ending.code
print(code, *sorted(sys.modules))
"""
PLACE = ("condition", "prior.h5", "--output", "run.h5")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--help",), 0),
        (("--version",), 0),
        (("condition", "--help"), 0),
        (("conditon",), 2),
        (PLACE, 2),
        ((*PLACE, "--grid", "24x30", "--colour", "red"), 2),
        ((*PLACE, "--grid", "24by30"), 1),
        (("walk", "prior.h5", "--grid", "24x30", "--output", "fields.txt"), 1),
    ],
)
def test_that_help_and_slips_wait_for_nothing_heavy(arguments, expected):
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    code, *modules = done.stdout.splitlines()[-1].split()
    assert int(code) == expected
    assert not HEAVY & set(modules)
    assert "Traceback" not in done.stderr


def test_that_the_extensions_of_pictures_are_those_that_are_drawn():
    assert PICTURES == ENDINGS


def test_that_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "latentinv", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("latentinv ")
