"""The benchmark of the Gaussian priors."""

import json

import jax
import numpy as np
import pytest
from scipy import stats

from benchmarks import _gaussian_exactness, gaussian
from benchmarks._report import last_line
from latentinv.errors import StorageError
from latentinv.priors import Kriging

pytestmark = pytest.mark.assure

KEYS = {
    *("covariance_error", "kriging_mean_error", "kriging_sd_error", "chebyshev_megapixel_seconds"),
    *("gstlearn_ratio", "gstools_ratio"),
}
SMALL = ["--cells=16", "--rounds=1", "--covariance-cells=5", "--kriging-cells=4", "--replicates=2", "--draws=4"]


@pytest.mark.assure  # a minute and a half, to compile for all the sizes
def test_that_every_figure_is_measured_and_a_missing_peer_is_null(capsys, monkeypatch):
    monkeypatch.setattr(gaussian, "RANGE", 4.0)
    monkeypatch.setattr(_gaussian_exactness, "COVARIANCES", _gaussian_exactness.COVARIANCES[2:4])
    figures = gaussian.benchmark(gaussian.parse(SMALL))
    assert figures.keys() >= KEYS
    assert [name for name in sorted(KEYS) if figures[name] is None] == ["gstlearn_ratio"]
    assert all(figures[name] > 0 for name in KEYS - {"gstlearn_ratio"})
    assert json.loads(last_line(figures))["covariance_error"] == max(
        figures[f"covariance_error_{name}"] for name in ("cholesky", "spectral", "spde")
    )
    assert "--peer-python" in capsys.readouterr().out


def test_that_errors_are_counted_in_their_own_standard_error():
    """64 independent replicates of the exact posterior: errors follow Student's distribution, 63 degrees of freedom."""
    kriging = Kriging(np.array([1.0, -2.0]), np.array([0.5, 2.0]), np.eye(2), 0.0)
    noise = np.asarray(jax.random.normal(jax.random.key(0), (64, 50, 2)), float)
    fields = kriging.mean + kriging.standard_deviation * noise
    limit = stats.t.isf(1e-4 / 8, 63)
    mean, deviation = _gaussian_exactness.errors_in_mcse(fields, kriging)
    assert np.abs([mean, deviation]).max() < limit
    wrong, _ = _gaussian_exactness.errors_in_mcse(fields + 0.2, kriging)
    _, wide = _gaussian_exactness.errors_in_mcse(1.1 * fields, Kriging(1.1 * kriging.mean, *kriging[1:]))
    assert wrong[0] > limit
    assert wide.min() > limit


def test_that_a_python_without_gstlearn_is_named():
    with pytest.raises(StorageError, match=r"/nowhere/python could not run gstlearn .* name a Python that has it"):
        gaussian.time_gstlearn("/nowhere/python", 8, 1)
