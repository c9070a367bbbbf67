"""A simulator nobody here wrote: OpenGeoSys finds the heads that our own flow model finds, through its files."""

import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from latentinv import Grid
from latentinv.forward import Aquifer, ExternalForward, steady_heads
from latentinv.simulators import Executable

TEMPLATE = Path(__file__).resolve().parents[2] / "examples" / "opengeosys"
OGS = shutil.which("ogs") or shutil.which("ogs", path=Path(sys.executable).parent)
pytestmark = pytest.mark.skipif(OGS is None, reason="OpenGeoSys is not installed: pip install latentinv[opengeosys]")


def heads_in_cells(folder):
    """The mean of each cell's corners; the raster's first row is the northernmost, the mesh's the southernmost."""
    arrays = ElementTree.parse(folder / "heads_1.vtu").iter("DataArray")
    text = next(array.text for array in arrays if array.get("Name") == "head")
    corners = np.array(text.split(), float).reshape(25, 25)[::-1]
    return (corners[1:, 1:] + corners[1:, :-1] + corners[:-1, 1:] + corners[:-1, :-1]).ravel() / 4


def ours(conductivity):
    """The same heads by finite volumes, with a column of hardly any resistance for each fixed head."""
    wide = np.pad(conductivity, ((0, 0), (1, 1)), constant_values=10.0)
    fixed, sources = np.full(wide.shape, np.nan), np.zeros(wide.shape)
    fixed[:, 0], fixed[:, -1] = 10.0, 9.0
    sources[11:13, 12:14] = -1e-3 / 4
    aquifer = Aquifer(Grid(wide.shape, 10.0), fixed, sources)
    return np.asarray(steady_heads(aquifer, jnp.asarray(wide, jnp.float32)))[:, 1:-1]


def test_that_opengeosys_finds_the_heads_that_our_flow_model_finds():
    rough = scipy.ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((24, 24)), 2.5)
    conductivity = np.exp(-7.0 + rough / rough.std())
    simulator = Executable([OGS, "flow.prj"], heads_in_cells, template=TEMPLATE, timeout=60.0)
    forward = ExternalForward(simulator, Grid((24, 24), 10.0), 576)
    found = np.asarray(forward.predict(jnp.asarray(conductivity, jnp.float32))).reshape(24, 24)
    expected = ours(conductivity)
    # Finite elements and finite volumes of one resolution differ by a hundredth of the range of heads.
    assert np.ptp(expected) > 1.0
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.01
    assert np.sqrt(np.mean((found[::-1] - expected) ** 2)) > 0.05
    assert np.sqrt(np.mean((found.T - expected) ** 2)) > 0.05
