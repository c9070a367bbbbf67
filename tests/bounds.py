"""Bounds on means over independent replicates.

A bound is fixed beforehand, from the number of replicates and the standard deviation that one of them may have, so it
does not widen with the noise of what is tested: a sampler that gets noisier fails.
"""

import numpy as np
from scipy.stats import norm

ALARM = 1e-4
"""Probability at most with which what is right, and as precise as is asked for, fails one call."""


def assert_mean_is(values, exact, sd):
    """The mean over replicates is as near to the exact numbers as replicates of that standard deviation bring it."""
    values = np.asarray(values, float)
    bound = norm.isf(ALARM / 2 / values[0].size) * np.asarray(sd) / np.sqrt(len(values))
    error = np.abs(values.mean(axis=0) - exact)
    assert np.all(error <= bound + 1e-6), f"{np.max(error / (bound + 1e-6)):.2f} times the bound"
