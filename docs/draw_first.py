"""Draw docs/first.png, the picture of README, from the run that `make demo` leaves: `python docs/draw_first.py`.

A site of our own channel simulator with its boreholes, three draws of the posterior, and the probability of sand.
"""

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "examples"))  # the gallery's own pictures and site


def main(path: Path = HERE / "first.png", file: Path = HERE.parent / "output" / "demo.h5") -> None:
    """Draw the picture."""
    from common import Panel, draw, make_site, some_draws

    from latentinv import load_run

    run = load_run(file)
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder), run.posterior.grid.shape[0])
        panels = [
            Panel("the ground, and what 49 boreholes see", site.truth),
            *some_draws(run, 3),
            Panel("probability of sand", (run.realizations == 1).mean(axis=0), "share of 64 draws"),
        ]
        draw(path, panels, site, columns=5)


if __name__ == "__main__":
    main()
