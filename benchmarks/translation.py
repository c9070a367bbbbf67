"""Fields of an object-based simulator in the style of a training image: what a translation keeps, and what it changes.

Channels of our simulator are read in some wells and reduced to coarse maps of blocks, which a prior makes finer in the
style of its own image (`latentinv.priors.translation_prior`). Its fields are drawn conditional to the wells, each one
of `--proposals` latent vectors, chosen by their weights (sampling importance resampling, Rubin 1987): every proposal
honours the wells, but how likely the prior is to draw it differs by many powers of ten. `effective_proposals` says how
many of them share the weight; where it is near 1, `sample` with `smc` draws more evenly, at a hundred times the cost.

What is kept is counted, beside what unrelated fields have in common. The style is the distance of simulator's fields,
and of translations, from patches of the prior's image, in times the floor (`latentinv.realism`). Few fields have a high
floor, so figures compare at one number of fields only. With `--back` each translation is translated again, by a prior
of the simulator's style, and compared with the field that it comes from.

With ``--cycle`` the translation is one that was learned (`latentinv.priors.CyclePrior`): networks translate fields of
the simulator as they are, there and back, with so much of the field around that no end is seen. A network honours no
wells, so the prior itself is conditioned to those of `--conditioned` fields, by `smc`.

Run ``python -m benchmarks.translation [--fields 32] [--wells 10] [--width 9] [--edges 8x16] [--back PRIOR.h5]``, or
``python -m benchmarks.translation --cycle PRIOR [--fields 32] [--wells 10] [--width 9] [--conditioned 3]``.
"""

import argparse
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from benchmarks._fields import draw_facies, facies_model
from benchmarks._report import run, say, show, show_rows
from latentinv import Grid, HardData, InputError, Posterior, TemperedSMC, load_prior, sample
from latentinv.posterior import map_batched
from latentinv.priors import AbstractPrior, CyclePrior, coarse_map, find_prior, translation_prior
from latentinv.realism import measure_statistics
from latentinv.training import ChannelSimulator, TrainingImage, parse_recipe, sample_patches

CELLS, BATCH = 96, 8
PARTICLES = 16
"""Draws of a learned translation that honour wells."""
STATISTICS = {
    "total variation": "total_variation",
    "connectivity along x": "connectivity_x",
    "connectivity along y": "connectivity_y",
    "local binary patterns, radius 1": "lbp1",
    "multiple-point patterns": "patterns",
}
"""What measures are called here."""


class Case(NamedTuple):
    """What is translated, and how."""

    prior: AbstractPrior
    edges: tuple[int, ...]
    wells: int
    proposals: int
    seed: int
    simulator: ChannelSimulator = ChannelSimulator()


class Translation(NamedTuple):
    """A field of the simulator, and what it became."""

    field: Int[np.ndarray, "row column"]
    translated: Int[np.ndarray, "row column"]
    wells_kept: float
    """Share of the wells that the translation honours."""
    effective: float
    """Effective number of proposals."""


def benchmark(case: Case, image: TrainingImage, fields: int, back: AbstractPrior | None) -> dict[str, Any]:
    """Translate fields, and measure what was kept and what changed."""
    begun = time.monotonic()
    done = []
    for number in range(fields):
        done.append(translate(case, number))
        say(
            f"field {number + 1} of {fields}: wells kept {done[-1].wells_kept:.2f}, effective proposals "
            f"{done[-1].effective:.1f}, {time.monotonic() - begun:.0f} s"
        )
    figures = kept(case, done) | cycle(case, done, back)
    rows = styles(case, done, image)
    return {**figures, **shown(figures, rows), "fields": fields, "minutes": (time.monotonic() - begun) / 60}


def learned(
    prior: CyclePrior, simulator: ChannelSimulator, image: TrainingImage, words: argparse.Namespace
) -> dict[str, Any]:
    """Translate fields by networks, condition their prior to wells, and measure what was kept and what changed."""
    begun = time.monotonic()
    pairs = [there_and_back(prior, simulator, words.seed, number) for number in range(words.fields)]
    fields, translated, again = (np.stack(each) for each in zip(*pairs, strict=True))
    say(f"{words.fields} fields translated there and back, {time.monotonic() - begun:.0f} s")
    kept = []
    for number, field in enumerate(fields[: words.conditioned]):
        kept.append(wells_kept(prior, field, words, number))
        say(f"wells of field {number + 1}: kept {kept[-1]:.2f}, {time.monotonic() - begun:.0f} s")
    figures = {
        "wells_kept": min(kept, default=None),
        "cells_kept": float(np.mean(translated == fields)),
        "cells_kept_by_chance": float(np.mean(translated == np.roll(fields, -1, axis=0))),
        "cycle_cells": float(np.mean(again == fields)),
    }
    grid = Grid((CELLS, CELLS))
    sets = {
        "before": fields,
        "after": translated,
        "prior": draw_facies(prior, grid, len(fields), words.seed),
        "source": draw_facies(prior.source, grid, len(fields), words.seed),
    }
    rows = distances(sets, image, words.seed)
    minutes = (time.monotonic() - begun) / 60
    return {**figures, **shown(figures, rows), "fields": len(fields), "minutes": minutes}


def there_and_back(
    prior: CyclePrior, simulator: ChannelSimulator, seed: int, number: int
) -> tuple[Int[np.ndarray, "row column"], ...]:
    """Positions of facies of a field of the simulator, of its translation, and of the way back."""
    margin = prior.architecture.margin
    rng = np.random.default_rng([seed, number])
    whole = simulator.simulate(rng, (CELLS + 4 * margin,) * 2).astype(int)
    once, twice = (slice(margin, -margin),) * 2, (slice(2 * margin, -2 * margin),) * 2
    codes, own = np.asarray(source_codes(prior)), np.asarray(facies_model(prior).categories)
    there = prior.translate(codes[whole])[once]
    back = prior.translate_back(there)[once]
    return whole[twice], positions(own, there[once]), positions(codes, back)


def positions(codes: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Of the facies of each cell among codes in any order."""
    return np.argmax(field[..., None] == codes, axis=-1)


def source_codes(prior: CyclePrior) -> tuple[int, ...]:
    """Facies codes of the source, of which the simulator's are the positions."""
    return facies_model(prior.source).categories


def wells_kept(
    prior: CyclePrior, field: Int[np.ndarray, "row column"], words: argparse.Namespace, number: int
) -> float:
    """Share of wells, read from a field, that draws of the prior conditioned to them honour."""
    rng, grid = np.random.default_rng([words.seed, number, 1]), Grid((CELLS, CELLS))
    cells = np.stack(np.unravel_index(rng.choice(grid.size, words.wells, replace=False), grid.shape), axis=1)
    codes = np.asarray(facies_model(prior).categories)[field[tuple(cells.T)]]
    posterior = Posterior(prior, grid, [HardData(grid, grid.centres(cells), codes, facies_model(prior))])
    run = sample(posterior, TemperedSMC(particles=PARTICLES), seed=words.seed + number)
    return float(np.mean(np.asarray(run.realizations)[(slice(None), *cells.T)] == codes))


def shown(figures: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Print what was kept and the distances; the distances by column and statistic."""
    columns = [name for name in rows[0] if name not in ("name", "key")]
    show("Kept", {name.replace("_", " "): value for name, value in figures.items()})
    show_rows("Distance from the image, in times the floor", rows, tuple(columns))
    return {f"{when}_over_floor": {row["key"]: row[when] for row in rows} for when in columns}


def translate(case: Case, number: int) -> Translation:
    """Simulate a field, read wells from it, and draw one translation that honours them."""
    rng = np.random.default_rng([case.seed, number])
    grid = Grid((CELLS, CELLS))
    field = case.simulator.simulate(rng, (CELLS, CELLS)).astype(int)
    cells = np.stack(np.unravel_index(rng.choice(grid.size, case.wells, replace=False), grid.shape), axis=1)
    codes = field[tuple(cells.T)]
    assert case.prior.facies_model is not None
    wells = HardData(grid, grid.centres(cells), codes, case.prior.facies_model)
    posterior = Posterior(translation_prior(case.prior, field, case.edges), grid, [wells])
    key = jax.random.fold_in(jax.random.key(case.seed), number)
    latents = jax.random.normal(key, (case.proposals, posterior.latent_size))
    draws, logs = map(np.asarray, proposed(posterior, latents))
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    chosen = draws[rng.choice(len(draws), p=weights)]
    return Translation(field, chosen, float(np.mean(chosen[tuple(cells.T)] == codes)), float(1 / np.sum(weights**2)))


@jax.jit
def proposed(
    posterior: Posterior, latents: Float[Array, "proposal latent"]
) -> tuple[Int[Array, "proposal row column"], Float[Array, "proposal"]]:
    """Facies of latent vectors, and the logarithms of their weights; one program for all fields."""

    def one(z: Float[Array, "latent"]) -> tuple[Int[Array, "row column"], Float[Array, ""]]:
        predictions = posterior.predict(z)
        return jnp.asarray(predictions.realization), posterior.exact_log_likelihood(predictions)

    found: tuple[Any, Any] = map_batched(one, latents, BATCH)
    return found


def kept(case: Case, done: list[Translation]) -> dict[str, float]:
    """Least share of wells and blocks that are kept, and the share of cells, beside that of unrelated fields."""
    blocks = [
        np.mean(coarse_map(case.prior, one.translated, case.edges) == coarse_map(case.prior, one.field, case.edges))
        for one in done
    ]
    others = [*done[1:], *done[:1]]
    return {
        "wells_kept": min(one.wells_kept for one in done),
        "blocks_kept": float(min(blocks)),
        "cells_kept": float(np.mean([one.translated == one.field for one in done])),
        "cells_kept_by_chance": float(
            np.mean([one.translated == other.field for one, other in zip(done, others, strict=True)])
        ),
        "effective_proposals": float(np.median([one.effective for one in done])),
    }


def cycle(case: Case, done: list[Translation], back: AbstractPrior | None) -> dict[str, float | None]:
    """Least share of blocks, and the share of cells, that are the same after a translation back; null without it."""
    if back is None:
        return {"cycle_blocks": None, "cycle_cells": None}
    grid, blocks, cells = Grid((CELLS, CELLS)), [], []
    generate = jax.jit(lambda prior, z: prior.facies(prior.generate(z, grid)))
    for number, one in enumerate(done):
        prior = translation_prior(back, one.translated, case.edges)
        key = jax.random.fold_in(jax.random.key(case.seed + 1), number)
        again = np.asarray(generate(prior, jax.random.normal(key, (prior.latent_size(grid),))))
        blocks.append(np.mean(coarse_map(back, again, case.edges) == coarse_map(back, one.field, case.edges)))
        cells.append(np.mean(again == one.field))
    return {"cycle_blocks": float(min(blocks)), "cycle_cells": float(np.mean(cells))}


def styles(case: Case, done: list[Translation], image: TrainingImage) -> list[dict[str, Any]]:
    """A row for each statistic: distances of fields before and after, and of the prior's own fields."""
    sets = {
        "before": np.stack([one.field for one in done]),
        "after": np.stack([one.translated for one in done]),
        "prior": draw_facies(case.prior, Grid((CELLS, CELLS)), len(done), case.seed),
    }
    return distances(sets, image, case.seed)


def distances(
    sets: dict[str, Int[np.ndarray, "field row column"]], image: TrainingImage, seed: int
) -> list[dict[str, Any]]:
    """A row for each statistic: distances of sets of as many fields from patches of the image."""
    count = len(next(iter(sets.values())))
    patches = sample_patches(np.random.default_rng(seed), image, (CELLS, CELLS), 2 * count)
    found = {
        when: measure_statistics(fields, patches, len(image.categories), STATISTICS, seed=seed)
        for when, fields in sets.items()
    }
    return [
        {"name": name, "key": key, **{when: measures[name].times_floor for when, measures in found.items()}}
        for name, key in STATISTICS.items()
    ]


def edges(text: str) -> tuple[int, ...]:
    """Cells of a block along each axis."""
    return tuple(int(edge) for edge in text.split("x"))


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.translation", description=__doc__.splitlines()[0])
    parser.add_argument("--fields", type=int, default=32, help="fields that are translated")
    parser.add_argument("--wells", type=int, default=10, help="wells in each")
    parser.add_argument("--proposals", type=int, default=32, help="latent vectors of which one is chosen")
    parser.add_argument("--width", type=float, default=9.0, help="of the simulator's channels, in cells")
    parser.add_argument("--edges", type=edges, default=(8, 16), help="cells of a block, ROWSxCOLUMNS")
    parser.add_argument("--back", help="a prior of the simulator's style, with the same blocks and order")
    parser.add_argument("--prior", default="strebelle", help="the style to take")
    parser.add_argument("--cycle", help="a prior of family 'cycle', whose networks translate instead")
    parser.add_argument("--conditioned", type=int, default=3, help="fields to whose wells it is conditioned")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers")
    return parser.parse_args(words)


def main(words: argparse.Namespace) -> dict[str, Any]:
    """Find the image first, for it may be missing, and measure."""
    name = words.cycle or words.prior
    prior, simulator = load_prior(name), ChannelSimulator(width=words.width)
    image = parse_recipe(prior.provenance["recipe"], find_prior(name).parent).load_image()
    if words.cycle:
        if not isinstance(prior, CyclePrior):
            raise InputError(f"The prior {name} is of family '{prior.family}'; give one of family 'cycle'.")
        return learned(prior, simulator, image, words)
    case = Case(prior, words.edges, words.wells, words.proposals, words.seed, simulator)
    return benchmark(case, image, words.fields, None if words.back is None else load_prior(words.back))


if __name__ == "__main__":
    run(lambda: main(parse()))
