"""The console program `latentinv`."""

from ._app import main as main
