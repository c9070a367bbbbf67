"""19 Along a map: channels that fan out and grow thin, as maps of direction and width say, with the wells honoured.

A training image shows its geology in one direction. At a site channels may turn, and be wide at the head of a delta
and thin at its front; often a map says how, drawn from seismics, from dips, or by hand. The prior `flowlines` learned
from an image of our own simulator with two maps beside it, of the direction and the width of channels. So its networks
know what channels of any direction and width look like, and draw them for maps that nobody has seen.

Above, a delta that the simulator invented with its apex at the left: the two maps, the truth, and three draws of the
prior that are given both maps and the facies at 30 wells. Below, three draws given the maps alone, and three that are
given the wells alone. Look at whether channels leave the apex and grow thinner away from it in the first six, as in
the truth, and how little the wells alone say of that. Every field honours every well it is given.

A map may be a file, too: `latentinv generate flowlines --grid 96x128 --given azimuth=direction.asc`. How a prior is
trained with maps of your own image is told in "How to train on an image".

Writes output/along_a_map.png.
"""

from pathlib import Path

import jax
import numpy as np
from common import OUTPUT, Panel, draw

from latentinv import Grid, HardData, load_prior
from latentinv.training import FlowlineSimulator


def main(prior_name: str = "flowlines", rows: int = 96, columns: int = 128, output: Path = OUTPUT) -> None:
    """Invent a delta, draw for its maps and wells, and draw the sheet."""
    prior, grid = load_prior(prior_name), Grid((rows, columns))
    y, x = (np.arange(n) + 0.5 for n in grid.shape)
    x, y = x + 20, y - rows / 2
    azimuth = 90 - np.degrees(np.arctan2(y[:, None], x))
    width = np.interp(np.hypot(y[:, None], x), [20, 130], [13.0, 4.5])
    rng = np.random.default_rng(2)
    truth = FlowlineSimulator().simulate(rng, np.stack([azimuth, width]))
    cells = np.stack(np.unravel_index(rng.permutation(grid.size)[:30], grid.shape), axis=1)
    wells = HardData(grid, grid.centres(cells), truth[tuple(cells.T)], prior.facies_model)
    shown = np.column_stack([grid.centres(cells), wells.codes])

    maps = {"azimuth": azimuth, "width": width}
    kinds = {"maps and wells": {**maps, "wells": wells}, "maps": maps, "wells": {"wells": wells}}
    panels = [Panel("direction", azimuth, "degrees", 180.0), Panel("width", width, "cells", 14.0)]
    panels.append(Panel("truth", truth, wells=shown))
    for name, given in kinds.items():
        known = prior.given(**given)
        z = jax.random.normal(jax.random.key(1), (3, prior.latent_size(grid)))
        fields = jax.vmap(lambda one, known=known: known.realization(known.generate(one, grid)))(z)
        on = shown if "wells" in given else None
        panels += [Panel(f"given {name}" if n == 0 else "", np.asarray(one), wells=on) for n, one in enumerate(fields)]
    output.mkdir(parents=True, exist_ok=True)
    draw(output / "along_a_map.png", panels, columns=6)


if __name__ == "__main__":
    main()
