"""Where the reference data lie: ``$LATENTINV_DATA``, else ``../shared/data`` beside the repository.

The data are published by others and are no part of the project; README.md beside this file says where to
fetch each file. Rows of their arrays run downwards. The sections count depths, so they are taken as they are. So are
the maps (the flow case and the training image): row 0 becomes the south, and everything on one map, its wells, heads
and image, is turned over alike.
"""

import os
from pathlib import Path

import numpy as np

from latentinv.errors import StorageError
from latentinv.training import TrainingImage, read_training_image

ROOT = Path(__file__).resolve().parents[1]


def data_file(name: str) -> Path:
    """Find a reference file by its name relative to the data's folder.

    Raises
    ------
    StorageError
        If the file is missing.
    """
    folder = Path(os.environ["LATENTINV_DATA"]) if "LATENTINV_DATA" in os.environ else ROOT.parent / "shared" / "data"
    path = folder / name
    if not path.is_file():
        raise StorageError(
            f"The reference file {name} is not in {folder}; fetch it as "
            "benchmarks/README.md says and set LATENTINV_DATA to the data's folder."
        )
    return path


def channel_image() -> TrainingImage:
    """The channel image of Laloy et al. (2018, doi:10.1002/2017WR022148), 2500×2500 cells."""
    return read_training_image(data_file("training_images/channels_2500.npz"))


def steady_flow_case() -> dict[str, np.ndarray]:
    """The arrays of the flow case of Laloy et al. (2018): truth, MODFLOW's heads, and the observed ones."""
    return _arrays("steady_flow_125/case.npz")


def steady_flow_wells() -> tuple[np.ndarray, np.ndarray]:
    """Cells ``row, column`` and facies of the 49 wells of Laloy et al. (2018), 125×125 cells of 1 m."""
    case = steady_flow_case()
    return np.stack([case["well_row"], case["well_column"]], axis=1), case["well_facies"].astype(int)


def crosshole_case() -> dict[str, np.ndarray]:
    """The arrays of the radar case of Laloy et al. (2019): truth, noise, and times of a scrambled model."""
    return _arrays("crosshole_linear_125x60/case.npz")


def arrenaes_case() -> dict[str, np.ndarray]:
    """The radar travel times of Arrenæs (Hansen et al. 2013, doi:10.1016/j.cageo.2012.10.001) with their noise."""
    return _arrays("crosshole_field_am13/case.npz")


def _arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(data_file(name), allow_pickle=False) as case:
        return dict(case)
