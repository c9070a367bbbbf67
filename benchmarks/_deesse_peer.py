"""Realizations by DeeSse (Straubhaar and Renard 2021, doi:10.3390/math9121391); run with geone's own Python.

``python _deesse_peer.py JOB.npz RESULT.npz``, started by `benchmarks.mps_peers`. The job holds the image, the wells'
cells and codes (none for unconditioned fields), cells along an edge, the number of draws and a seed; the result the
draws, the seconds they took on the wall and of processors, and geone's version. Settings are the authors' usual ones:
24 neighbours, distance threshold 0.05, a quarter of the image scanned, one path of post-processing. One thread. It
imports nothing of latentinv.
"""

import sys
import time
from typing import Any

import geone
import numpy as np
from geone.deesseinterface import DeesseInput, deesseRun
from geone.img import Img, PointSet

SETTINGS: dict[str, Any] = {
    "distanceType": "categorical",
    "nneighboringNode": 24,
    "distanceThreshold": 0.05,
    "maxScanFraction": 0.25,
    "npostProcessingPathMax": 1,
}


def wells(cells: np.ndarray, codes: np.ndarray) -> dict[str, Any]:
    """The wells at the centres of their cells, as DeeSse takes them."""
    if not len(codes):
        return {}
    table = np.stack([cells[:, 1] + 0.5, cells[:, 0] + 0.5, np.full(len(codes), 0.5), codes])
    return {"dataPointSet": PointSet(npt=len(codes), nv=4, val=table, varname=["X", "Y", "Z", "code"])}


def simulate(job: dict[str, np.ndarray]) -> np.ndarray:
    """Draw all realizations in one call."""
    image, edge = job["image"].astype(float), int(job["edge"])
    rows, columns = image.shape
    training = Img(nx=columns, ny=rows, nz=1, nv=1, val=image[None, None], varname="code")
    task = DeesseInput(
        nx=edge,
        ny=edge,
        nz=1,
        nv=1,
        varname="code",
        TI=training,
        seed=1 + int(job["seed"]),
        nrealization=int(job["draws"]),
        **wells(job["cells"], job["codes"]),
        **SETTINGS,
    )
    done = deesseRun(task, nthreads=1, verbose=0)
    return np.stack([one.val[0, 0] for one in done["sim"]]).astype(np.int16)


if __name__ == "__main__":
    with np.load(sys.argv[1], allow_pickle=False) as file:
        job = dict(file)
    begun = time.perf_counter(), time.process_time()
    fields = simulate(job)
    seconds, processor = time.perf_counter() - begun[0], time.process_time() - begun[1]
    np.savez(sys.argv[2], fields=fields, seconds=seconds, processor_seconds=processor, version=geone.__version__)
