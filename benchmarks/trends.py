"""Trends of a facies given to priors that were trained on an image with one share: are shares as asked, wells honoured.

A sequential prior is given a trend of its rarest facies along x, from a fifth of its usual share to two and a half
times of it (`prior.given(proportions=...)`). Shares of fields are compared with it in bands of 24 columns, where those
of fields scatter too: the largest difference is told with its standard error. Then 25 wells, read from one such field,
are given beside the trend, if networks see wells. Last come shares that are the same everywhere, half and twice the
usual one.

Run ``python -m benchmarks.trends [--priors strebelle,braided] [--fields 48] [--keep FOLDER]``.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from benchmarks._fields import draw_facies, facies_model
from benchmarks._report import run, say, show
from latentinv import Grid, HardData, load_prior
from latentinv.plotting import plot_fields
from latentinv.priors import AbstractPrior
from latentinv.priors.learned import WELLS

GRID, BAND, MANY, SEED = Grid((96, 192)), 24, 25, 5
LEAST, MOST = 0.2, 2.5
"""Of the usual share, at both ends of the trend."""
UNIFORM = (0.5, 2.0)


def benchmark(names: list[str], count: int, keep: str | None) -> dict[str, Any]:
    """Measure each prior, and put the worst together."""
    rows = {name: measure(name, load_prior(name), count, keep) for name in names}
    found = [row["wells_honoured"] for row in rows.values() if row["wells_honoured"] is not None]
    return {
        "worst_band": max(row["worst_band"] for row in rows.values()),
        "wells_honoured": min(found) if found else None,
        "priors": rows,
    }


def measure(name: str, prior: AbstractPrior, count: int, keep: str | None) -> dict[str, Any]:
    """All figures of one prior."""
    codes = facies_model(prior).categories
    usual = np.bincount(draw_facies(prior, GRID, count, SEED).ravel(), minlength=len(codes)) / (count * GRID.size)
    facies = int(np.argmin(usual))
    asked = np.linspace(LEAST, MOST, GRID.shape[1]) * usual[facies]
    trending = prior.given(proportions={codes[facies]: np.tile(asked, (GRID.shape[0], 1))})
    fields = draw_facies(trending, GRID, count, SEED + 1)
    each = bands((fields == facies).mean(axis=1))
    found, wanted = each.mean(axis=0), bands(asked[None])[0]
    worst = int(np.argmax(np.abs(found - wanted)))
    cells = np.stack(np.unravel_index(np.random.default_rng(SEED).permutation(GRID.size)[:MANY], GRID.shape), axis=1)
    seen = np.asarray(codes)[fields[0][tuple(cells.T)]]
    least = None
    if WELLS in prior.conditions:
        given = trending.given(wells=HardData(GRID, GRID.centres(cells), seen, facies_model(prior)))
        honoured = np.asarray(codes)[draw_facies(given, GRID, count, SEED + 2)][(slice(None), *cells.T)] == seen
        least = float(honoured.mean(axis=1).min())
    row = {
        "usual": float(usual[facies]),
        "asked": wanted.tolist(),
        "found": found.tolist(),
        "worst_band": float(abs(found - wanted)[worst]),
        "its_standard_error": float(each.std(axis=0, ddof=1)[worst] / np.sqrt(count)),
        "uniform": {f"{times:g}": uniform(prior, facies, times * usual[facies], count) for times in UNIFORM},
        "wells_honoured": least,
    }
    show(f"{name}: shares of facies {codes[facies]} in bands along x", row)
    if keep:
        path = Path(keep) / f"{name}.trend.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        plot_fields(np.asarray(codes)[fields[:4]], GRID, path, categories=codes)
        say(f"four fields in {path}")
    return row


def bands(columns: Float[np.ndarray, "field column"]) -> Float[np.ndarray, "field band"]:
    """Means over bands of columns."""
    return columns.reshape(len(columns), -1, BAND).mean(axis=2)


def uniform(prior: AbstractPrior, facies: int, share: float, count: int) -> float:
    """The share of a facies that is asked to be the same everywhere."""
    given = prior.given(proportions={facies_model(prior).categories[facies]: share})
    return float(np.mean(draw_facies(given, GRID, count, SEED) == facies))


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trends", description=__doc__.splitlines()[0])
    parser.add_argument("--priors", type=lambda text: text.split(","), default=["strebelle", "braided"])
    parser.add_argument("--fields", type=int, default=48, help="of each case (default 48)")
    parser.add_argument("--keep", help="folder for pictures")
    return parser.parse_args(words)


if __name__ == "__main__":
    arguments = parse()
    run(lambda: benchmark(arguments.priors, arguments.fields, arguments.keep))
