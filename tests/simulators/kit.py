"""Simulators for tests, which worker processes import without JAX."""

import hashlib
import os
import time

import numpy as np

WEIGHTS = np.random.default_rng(8).uniform(-1.0, 1.0, (3, 9))
FAULTS = ("raises", "hangs", "not a number", "wrong length", "nothing", "dies")
OTHERS = tuple(fault for fault in FAULTS if fault != "hangs")
"""Faults that cost no time; hanging is rarer."""


def fault_of(property, share):
    """Which fault an input meets, by a digest of its numbers alone; None for most."""
    digest = hashlib.sha256(np.asarray(property, np.float32).tobytes()).digest()
    if int.from_bytes(digest[:4], "big") >= share * 2**32:
        return None
    return "hangs" if digest[4] % 8 == 0 else OTHERS[digest[5] % len(OTHERS)]


class Sums:
    """Three weighted sums of the squared property, as a simulator that works."""

    identity = "sums"

    def simulate(self, property):
        return WEIGHTS @ property.ravel() ** 2

    def adjoint(self, property, residual):
        return (2 * property.ravel() * (WEIGHTS.T @ residual)).reshape(property.shape)


class Blind:
    """The same without an adjoint, and not a number where `Faulty` fails."""

    def __init__(self, share=0.0):
        self.share, self.identity = share, f"blind {share}"

    def simulate(self, property):
        fails = fault_of(property, self.share) is not None
        return np.full(3, np.nan) if fails else WEIGHTS @ property.ravel() ** 2


class Faulty:
    """Fails in every way, on a share of all inputs."""

    def __init__(self, share):
        self.share, self.identity = share, f"faulty {share}"

    def simulate(self, property):
        fault = fault_of(property, self.share)
        values = WEIGHTS @ property.ravel() ** 2
        if fault is None:
            return values
        return getattr(self, fault.replace(" ", "_"))(values)

    def raises(self, values):
        raise ValueError("the mesh has a hole")

    def hangs(self, values):
        time.sleep(1e4)

    def not_a_number(self, values):
        return values * np.array([1.0, np.nan, 1.0])

    def wrong_length(self, values):
        return values[:2]

    def nothing(self, values):
        return None

    def dies(self, values):
        os._exit(9)


class By:
    """Does what the first number asks for."""

    def simulate(self, property):
        fault = FAULTS[int(property[0, 0])] if property[0, 0] >= 0 else None
        values = WEIGHTS @ property.ravel()
        return values if fault is None else getattr(Faulty(1.0), fault.replace(" ", "_"))(values)


class Unmakeable:
    """Can be sent, but not made again."""

    def __reduce__(self):
        return (_refuse, ())


def _refuse():
    raise RuntimeError("no licence here")
