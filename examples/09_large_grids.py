"""09 Large grids: fields of any size from a prior that was trained on small pieces, tile by tile.

A trained prior is local and stationary: a cell depends on the latents near it and on nothing else, no statistic of the
field and no padding at its borders. The same network therefore makes a field of any size, and a tile made alone is the
tile of the whole field. `prior.tiles` goes through a field in this way in constant memory, and `latentinv generate
--grid 8192x8192 --output field.h5` writes it to a file as it goes. The script makes one field, and one of its tiles
again by itself, from the same latents. Conditioning also works on large grids, but costs as many generated fields as on
small ones, each larger: condition the part that the data inform, and see docs/how-to/large-grids.md.

Writes output/large.png: the whole, an eighth of each side, and a thirty-second.
"""

from pathlib import Path

import numpy as np
from common import OUTPUT, Panel, draw
from jaxtyping import UInt8

from latentinv import Grid, load_prior


def main(
    cells: int = 2048, tile: int = 512, prior: str = "meanders", output: Path = OUTPUT
) -> UInt8[np.ndarray, "*grid"]:
    """Make a large field in tiles, and a tile of it in smaller ones."""
    generator, grid = load_prior(prior), Grid((cells, cells))
    z = np.random.default_rng(1).standard_normal(generator.latent_size(grid), np.float32)
    field = np.zeros(grid.shape, np.float32)
    for place, values in generator.tiles(z, grid, tile):
        field[place] = values
        print(f"rows {place[0].start}–{place[0].stop}, columns {place[1].start}–{place[1].stop}", flush=True)
    place, values = next(iter(generator.tiles(z, grid, tile // 2)))
    print(f"largest difference of the first tile made in another size: {np.abs(values - field[place]).max():.1g}")

    facies = np.asarray(generator.facies(field), np.uint8)
    output.mkdir(parents=True, exist_ok=True)
    parts = [facies, facies[: cells // 8, : cells // 8], facies[: cells // 32, : cells // 32]]
    draw(output / "large.png", [Panel(f"{len(part)} × {len(part)} cells", part) for part in parts])
    return facies


if __name__ == "__main__":
    main()
