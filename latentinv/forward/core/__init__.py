"""What a forward model is."""

from ._forward import AbstractForward as AbstractForward
