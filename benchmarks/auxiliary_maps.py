"""A prior that was trained with maps of direction and width beside its simulator, for maps that neither has seen.

The simulator of flow lines, by which the prior `flowlines` learned, draws fields for any maps of direction and width,
so what the prior's fields should be is known. Both draw fields for the same pairs of maps. Compared are the direction
of bodies at each place (of the structure tensor, averaged over fields and a window), their width (twice the area over
the length of banks), shares, and all statistics of realism, in times the floor of fields of the simulator. Fields of
the prior without maps are told beside them. Then 25 cells of a field of the simulator are given to the prior as wells,
with the maps.

Run ``python -m benchmarks.auxiliary_maps [--prior flowlines] [--pairs 6] [--fields 32] [--keep FOLDER]``.
"""

import argparse
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter

from benchmarks._fields import draw_facies, facies_model
from benchmarks._report import run, say, show
from latentinv import Grid, HardData, load_prior
from latentinv.errors import InputError
from latentinv.plotting import plot_fields
from latentinv.priors.learned import AbstractLearnedPrior
from latentinv.realism import measure_realism
from latentinv.training import FlowlineSimulator

GRID, WINDOW, MANY, SEED = Grid((160, 160)), 10.0, 25, 11
AROUND = 120
"""Cells around the grid on which the simulator draws, which has its proportion on the whole and not in every part."""
MAPS = ("azimuth", "width")


class Pair(NamedTuple):
    """Maps, and fields for them."""

    maps: Float[np.ndarray, "2 *grid"]
    simulated: Int[np.ndarray, "field *grid"]
    drawn: Int[np.ndarray, "field *grid"]
    honoured: float
    """Least share of wells in a field."""


def benchmark(name: str, pairs: int, count: int, keep: str | None) -> dict[str, Any]:
    """Draw for each pair of maps, and put them together."""
    prior = load_prior(name)
    if not isinstance(prior, AbstractLearnedPrior) or {one.name for one in prior.maps} != set(MAPS):
        raise InputError(f"The prior {name} was not trained with maps of {' and '.join(MAPS)}; give one that was.")
    each = [draw(prior, number, count, keep) for number in range(pairs)]
    free = draw_facies(prior, GRID, count, SEED)
    simulated, drawn = (np.concatenate([getattr(one, kind) for one in each]) for kind in ("simulated", "drawn"))
    half = len(drawn) // 2
    realism = measure_realism(drawn[:half], simulated, 2, seed=SEED)
    worst = max(realism.measures, key=lambda one: one.times_floor)
    within = [one.times_floor <= 2 for one in realism.measures]
    found = {
        **{f"direction_error_{who}": error for who, error in _directions(each, free).items()},
        **_widths(each),
        "share": float(drawn.mean()),
        "share_simulator": float(simulated.mean()),
        "share_error": float(np.mean([abs(one.drawn.mean() - one.simulated.mean()) for one in each])),
        "statistics_within_twice_the_floor": sum(within),
        "statistics": len(within),
        "worst_over_floor": worst.times_floor,
        "worst_statistic": worst.name,
        "wells_honoured": min(one.honoured for one in each),
    }
    show(f"{name}: {pairs} pairs of maps, {count} fields for each", found)
    return found


def draw(prior: AbstractLearnedPrior, number: int, count: int, keep: str | None) -> Pair:
    """Fields of both for a pair of maps."""
    simulator, rng = FlowlineSimulator(), np.random.default_rng([SEED, number])
    ranges = {one.name: one for one in prior.maps}
    rows, columns = (n + 2 * AROUND for n in GRID.shape)
    turn, wide = simulator.maps(rng, (rows, columns))
    whole = np.stack([turn, np.clip(wide, ranges["width"].least, ranges["width"].most)])
    inside = (slice(None), *(slice(AROUND, AROUND + n) for n in GRID.shape))
    simulated = np.stack([simulator.simulate(rng, whole)[inside[1:]] for _ in range(count)])
    maps = whole[inside]
    given = prior.given(**dict(zip(MAPS, maps, strict=True)))
    cells = np.stack(np.unravel_index(rng.permutation(GRID.size)[:MANY], GRID.shape), axis=1)
    codes, model = simulated[0][tuple(cells.T)].astype(int), facies_model(prior)
    wells = HardData(GRID, GRID.centres(cells), np.asarray(model.categories)[codes], model)
    met = draw_facies(given.given(wells=wells), GRID, count, SEED + 2)[(slice(None), *cells.T)] == codes
    drawn = draw_facies(given, GRID, count, SEED + 1)
    say(f"pair {number + 1}: share {drawn.mean():.3f}, of the simulator {simulated.mean():.3f}")
    if keep:
        path = Path(keep) / f"maps_{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        plot_fields(np.concatenate([simulated[:2], drawn[:2]]), GRID, path, categories=(0, 1))
        say(f"two fields of the simulator and two of the prior in {path}")
    return Pair(maps, simulated, drawn, float(met.mean(axis=1).min()))


def directions(fields: Int[np.ndarray, "field *grid"]) -> Float[np.ndarray, "*grid"]:
    """Direction of bodies at each place, in degrees clockwise from north."""
    y, x = np.gradient(gaussian_filter(fields.astype(float), (0, 1, 1)), axis=(1, 2))
    xx, xy, yy = (gaussian_filter(one.mean(axis=0), WINDOW) for one in (x * x, x * y, y * y))
    across = 0.5 * np.arctan2(2 * xy, xx - yy)
    found: np.ndarray = np.mod(180 - np.degrees(across), 180)
    return found


def apart(one: Float[np.ndarray, "*grid"], other: Float[np.ndarray, "*grid"]) -> float:
    """Mean angle between directions, in degrees; 45 by chance."""
    return float(np.mean(np.abs((one - other + 90) % 180 - 90)[_inside()]))


def _directions(each: list[Pair], free: Int[np.ndarray, "field *grid"]) -> dict[str, float]:
    found = {
        "degrees": [apart(directions(one.drawn), one.maps[0]) for one in each],
        "simulator": [apart(directions(one.simulated), one.maps[0]) for one in each],
        "without_maps": [apart(directions(free), one.maps[0]) for one in each],
    }
    return {name: float(np.mean(values)) for name, values in found.items()}


def _widths(each: list[Pair]) -> dict[str, float]:
    """Widths of bodies where the map is in its lowest and its highest quarter, as both draw them."""
    maps = np.stack([one.maps[1] for one in each])
    low, high = np.quantile(maps, [0.25, 0.75])
    found = {}
    for name, where in (("narrow", maps <= low), ("wide", maps >= high)):
        found[f"{name}_asked"] = float(maps[where].mean())
        for kind, who in (("drawn", ""), ("simulated", "_simulator")):
            fields = [getattr(one, kind) for one in each]
            found[f"{name}{who}"] = width(fields, list(where))
    return found


def width(fields: list[Int[np.ndarray, "field *grid"]], where: list[Bool[np.ndarray, "*grid"]]) -> float:
    """Twice the area of bodies over the length of their banks, in cells."""
    area = banks = 0.0
    for some, inside in zip(fields, where, strict=True):
        area += float(np.sum(some[:, inside]))
        rows = np.sum((some[:, 1:] != some[:, :-1])[:, inside[1:]])
        columns = np.sum((some[:, :, 1:] != some[:, :, :-1])[:, inside[:, 1:]])
        # Of banks in all directions, the length is π/4 of that along rows and columns.
        banks += math.pi / 4 * float(rows + columns)
    return 2 * area / banks


def _inside() -> tuple[slice, ...]:
    return tuple(slice(8, n - 8) for n in GRID.shape)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.auxiliary_maps", description=__doc__.splitlines()[0])
    parser.add_argument("--prior", default="flowlines", help="a prior trained with the maps azimuth and width")
    parser.add_argument("--pairs", type=int, default=6, help="of maps (default 6)")
    parser.add_argument("--fields", type=int, default=32, help="for each pair (default 32)")
    parser.add_argument("--keep", help="folder for pictures")
    return parser.parse_args(words)


if __name__ == "__main__":
    arguments = parse()
    run(lambda: benchmark(arguments.prior, arguments.pairs, arguments.fields, arguments.keep))
