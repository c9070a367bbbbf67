"""Realizations by SNESIM or GENESIM of MPSlib (Hansen et al. 2016, doi:10.1016/j.softx.2016.07.001); with its Python.

``python _mpslib_peer.py METHOD JOB.npz RESULT.npz``, started by `benchmarks.mps_peers`; METHOD is ``mps_snesim_tree``
or ``mps_genesim``, job and result are those of `_deesse_peer`. scikit-mps writes the parameters, and the program of
the method that it brings along is run and timed, with its own reading and writing of text, one thread. SNESIM has the
settings of the library's example for this image (four grids, 49 nodes, a template of 10 cells on the coarsest grid and
5 on the finest), GENESIM the library's defaults, which make it direct sampling (16 nodes, the first event that fits).
It imports nothing of latentinv.
"""

import importlib.metadata
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

vars(np).setdefault("NaN", np.nan)  # scikit-mps still asks for it, and NumPy 2 no longer has it

from mpslib import eas, mpslib  # noqa: E402

SETTINGS: dict[str, dict[str, Any]] = {
    "mps_snesim_tree": {
        "n_multiple_grids": 4,
        "n_cond": 49,
        "template_size": np.array([[10, 5], [10, 5], [1, 1]]),
    },
    "mps_genesim": {},
}


def write(method: str, job: dict[str, np.ndarray]) -> str:
    """Write all files into the working folder, and give the program's place."""
    edge, cells, codes = int(job["edge"]), job["cells"], job["codes"]
    tool = mpslib(
        method=method,
        verbose_level=-1,
        n_real=int(job["draws"]),
        rseed=1 + int(job["seed"]),
        simulation_grid_size=np.array([edge, edge, 1]),
        parameter_filename="parameters.txt",
        **SETTINGS[method],
    )
    eas.write_mat(job["image"].T, "ti.dat")
    if len(codes):
        eas.write(np.stack([cells[:, 1], cells[:, 0], np.zeros(len(codes)), codes], axis=1), "hard.dat")
    tool.par_write()
    return str(tool.which(method))


def processors() -> float:
    """Seconds of processors that ended children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def simulate(method: str, job: dict[str, np.ndarray]) -> dict[str, Any]:
    """Draw all realizations by one run of the program, in the working folder."""
    program, begun = write(method, job), (time.perf_counter(), processors())
    subprocess.run([program, "parameters.txt"], check=True, stdout=subprocess.DEVNULL)
    seconds, processor = time.perf_counter() - begun[0], processors() - begun[1]
    edge = int(job["edge"])
    tables = [np.loadtxt(f"ti.dat_sg_{n}.gslib", skiprows=3) for n in range(int(job["draws"]))]
    fields = np.stack([table.reshape(edge, edge) for table in tables]).astype(np.int16)
    return {"fields": fields, "seconds": seconds, "processor_seconds": processor}


if __name__ == "__main__":
    with np.load(sys.argv[2], allow_pickle=False) as file:
        job = dict(file)
    result = os.path.abspath(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        found = simulate(sys.argv[1], job)
        os.chdir(os.path.dirname(result))
    np.savez(result, **found, version=importlib.metadata.version("scikit-mps"))
