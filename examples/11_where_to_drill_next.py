"""11 Where to drill next: what a hole is expected to tell, before it is drilled.

The draws of a posterior are all grounds that agree with the data so far; here they are those of the first script. The
question shall be how much sand lies in a pit that is to be dug. For every place where a hole could be drilled, the
draws split into those with sand there and those with clay, and within each group the volume varies less than over all:
by that much the hole is expected to reduce the variance of the answer. The best place is not where the facies is least
known, but where it tells most of the volume. A forecast head, or whether two wells are connected, can take the place of
the volume: any one number per draw will do. The 64 draws of the first script show the method; a decision needs hundreds
of them, for with few the map is noisy and its highest place chosen by chance.

Reads output/demo.h5, and writes output/drill.png.
"""

from pathlib import Path

import numpy as np
from common import OUTPUT, Panel, draw, make_site, some_draws

from latentinv import load_run
from latentinv.decisions import DataWorth, inside, quantiles, target_worth, volume, within_polygon


def main(run_file: str = "demo.h5", output: Path = OUTPUT) -> DataWorth:
    """Ask a run for a volume, and map what a hole at each place would tell."""
    if not (output / run_file).exists():
        raise SystemExit("There is no run yet: python examples/01_first_conditioning.py makes it.")
    run = load_run(output / run_file)
    grid, cells = run.posterior.grid, run.posterior.grid.shape[0]
    site = make_site(output, cells)

    sand, low, high = inside(run, 1), 0.55 * cells, 0.9 * cells
    pit = within_polygon(grid, [[low, low], [high, low], [high, high], [low, high]])
    target, truth = volume(grid, sand, pit), volume(grid, site.truth[None] == 1, pit)[0]
    print(f"sand in the pit: {quantiles(target).words('m²')}; in truth {truth:.0f} m²")
    places = grid.centres(np.indices(grid.shape).reshape(2, -1).T)
    worth = target_worth(grid, run.realizations, target, places)
    x, y = worth.best
    print(f"drill at x {x:.1f} m, y {y:.1f} m: expected to remove {100 * worth.relative.max():.0f} % of the variance")

    told = np.clip(worth.relative, 0, None).reshape(grid.shape)
    panels = [
        Panel("truth and boreholes", site.truth),
        Panel("probability of sand", sand.mean(axis=0), "share of draws"),
        Panel("worth of a hole for the pit", told, "share of the variance", largest=float(told.max()) or 1.0),
        *some_draws(run, 1),
    ]
    draw(output / "drill.png", panels, site, outline=(low, low, high, high), star=worth.best)
    return worth


if __name__ == "__main__":
    main()
