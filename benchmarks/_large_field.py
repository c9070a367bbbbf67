"""Write one large field to HDF5 by tiles and print its seconds and peak memory, as one JSON line.

``python -m benchmarks._large_field PRIOR OUTPUT CELLS``; started by `benchmarks.generation` in a process of
its own, so that nothing else counts. Seconds include compilation, not the import of libraries. Latents of
the whole field are drawn at once: a number of them for every 64 cells.
"""

import json
import resource
import sys
import time

import h5py
import numpy as np

from latentinv import Grid, load_prior


def main(prior_file: str, output: str, cells: int) -> dict[str, float]:
    """Write the field and measure."""
    begun = time.perf_counter()
    prior, grid = load_prior(prior_file), Grid((cells, cells))
    z = np.random.default_rng(31).standard_normal(prior.latent_size(grid), dtype=np.float32)
    with h5py.File(output, "w") as file:
        field = file.create_dataset("field", grid.shape, np.float32)
        for place, values in prior.tiles(z, grid):
            field[place] = values
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes.
    return {"seconds": seconds, "peak_mb": peak * (1 if sys.platform == "darwin" else 1024) / 1e6}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
