"""Beside multiple-point statistics: what a conditional draw costs, what it honours, and how it looks.

Wells are read at random cells of one field, and realizations of the same training image are conditioned to them: by
``choose_algorithm`` through the shipped prior `strebelle` (`latentinv`); by the networks of that prior alone, which see
the wells (`given`: each field honours them, but is distributed as networks have learned); and by DeeSse, SNESIM and
GENESIM from the image itself. One tool runs at a time, each on the same single processor. The field is a patch of the
image where the image is large enough, else an unconditioned one of DeeSse, or of our prior if DeeSse is missing.

Run ``python -m benchmarks.mps_peers [--sizes 128,250] [--wells 50] [--tools deesse,snesim] [--draws 64] [--seed 0]
[--minutes 12] [--geone PYTHON] [--mpslib PYTHON] [--prior strebelle]``.
"""

import argparse
import itertools
import json
import math
import os
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from benchmarks._data import data_file
from benchmarks._mps_fields import FIGURES, WINDOW, WINDOWS, honoured, realism
from benchmarks._mps_tools import PEERS, Drawn, Job, Run, draw_within, our_run, peer_python, peer_run
from benchmarks._report import run, say, show
from benchmarks.hard_data import Case, pixel_case
from latentinv.errors import InputError, StorageError
from latentinv.priors import find_prior
from latentinv.training import TrainingImage, read_training_image, sample_patches

IMAGE, OURS, GIVEN = "strebelle_250", "latentinv", "given"
TOOLS = (*PEERS, GIVEN, OURS)
SIZES, WELLS = (128, 250, 500, 1000), (50, 250, 1000)
"""The full cross: cells along an edge, and wells."""
USUAL = ((128, 50), (250, 250))
"""What is measured if nothing is named, in some three quarters of an hour."""
COSTS = ("processor_seconds_in_all", "draws", "seconds", "seconds_with_setup", "processor_seconds", "independent_draws")
KEYS = (
    *("tool", "version", "cells", "wells", "wells_from", *COSTS, "processor_seconds_an_independent_draw", "honoured"),
    *(name + which for which in ("", "_unconditioned") for name in FIGURES),
    "reason",
)
"""Of a row, as README.md explains them; null where there is no figure."""
TRUTH, CONDITIONED, UNCONDITIONED = 0, 1, 2
"""Streams of randomness."""


class Setting(NamedTuple):
    """What is the same for all cases."""

    image: TrainingImage
    runs: dict[str, Run]
    """By tool; those that can be run."""
    tools: tuple[str, ...]
    draws: int
    seed: int
    seconds: float
    """That a tool has for a case, and as many for unconditioned fields."""

    def job(self, edge: int, draws: int, stream: int, wells: Case | None = None) -> Job:
        """What a tool is asked for."""
        wells = wells or Case("none", np.zeros((0, 2), int), np.zeros(0, int))
        codes = np.asarray(self.image.categories)[self.image.facies]
        return Job(codes, wells.cells, wells.codes, edge, draws, 10 * self.seed + stream)


def chosen_cases(sizes: list[int] | None, wells: list[int] | None) -> list[tuple[int, int]]:
    """Pairs of cells along an edge and wells: every size with every number; a list that is not given is the full."""
    if sizes is None and wells is None:
        return list(USUAL)
    return list(itertools.product(sizes or SIZES, wells or WELLS))


def find_truth(setting: Setting, edge: int) -> tuple[Int[np.ndarray, "row column"], str]:
    """The field that wells are read from, and where it is from: the image, or a tool."""
    if edge <= min(setting.image.facies.shape):
        patch = sample_patches(np.random.default_rng([setting.seed, 2]), setting.image, (edge, edge), 1)[0]
        return np.asarray(setting.image.categories)[patch], "image"
    origin = "deesse" if "deesse" in setting.runs else OURS
    drawn = setting.runs[origin](setting.job(edge, 1, TRUTH), setting.seconds)
    if drawn is None:
        raise InputError(f"No field of {edge}×{edge} cells was drawn in time to read wells from; give more --minutes.")
    return drawn.fields[0], origin


def unconditioned(setting: Setting, tool: str, edge: int) -> dict[str, Any]:
    """Realism of a tool's fields without wells: as many draws as give all windows."""
    count = min(setting.draws, math.ceil(WINDOWS / max(1, edge // WINDOW) ** 2))
    drawn = setting.runs[tool](setting.job(edge, count, UNCONDITIONED), setting.seconds)
    found = {} if drawn is None else realism(drawn.fields, setting.image, setting.draws, setting.seed)
    return {f"{name}_unconditioned": value for name, value in found.items()}


def condition(setting: Setting, tool: str, edge: int, wells: Case) -> dict[str, Any]:
    """A tool's draws given wells; of a posterior all particles, whose number is its own."""
    job, run_job = setting.job(edge, setting.draws, CONDITIONED, wells), setting.runs[tool]
    own = tool in (OURS, GIVEN)
    drawn = run_job(job, setting.seconds) if own else draw_within(run_job, job, setting.seconds)
    if drawn is None:
        minutes = f"{setting.seconds / 60:g} minutes"
        return {"reason": f"{tool} had no draw of {edge}×{edge} cells and {len(wells.codes)} wells in {minutes}."}
    sentences = json.loads(drawn.sentences)
    figures = {**costs(drawn), "honoured": honoured(drawn.fields, wells), "version": drawn.version}
    if sentences:
        figures["reason"] = " ".join(sentences)
    if len(drawn.fields):
        figures |= realism(drawn.fields, setting.image, setting.draws, setting.seed)
    return figures


def costs(drawn: Drawn) -> dict[str, float | int | None]:
    """Seconds a draw, on the wall and of processors."""
    count, in_all = len(drawn.fields), {"processor_seconds_in_all": drawn.processor_seconds}
    if not count:
        return {**in_all, "draws": 0}
    return {
        **in_all,
        "draws": count,
        "seconds": None if drawn.setup_seconds is None else (drawn.seconds - drawn.setup_seconds) / count,
        "seconds_with_setup": drawn.seconds / count,
        "processor_seconds": drawn.processor_seconds / count,
        "independent_draws": drawn.effective,
        "processor_seconds_an_independent_draw": drawn.processor_seconds / drawn.effective,
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """Our seconds over a peer's at the fewest wells of a size that both have; the least share of wells we honour."""

    def seconds(tool: str, edge: int) -> dict[int, float]:
        of = [row for row in rows if (row["tool"], row["cells"]) == (tool, edge)]
        return {row["wells"]: row["processor_seconds"] for row in of if row.get("processor_seconds")}

    def ratio(own: str, peer: str, edge: int) -> float | None:
        ours, theirs = seconds(own, edge), seconds(peer, edge)
        both = sorted(ours.keys() & theirs.keys())
        return ours[both[0]] / theirs[both[0]] if both else None

    shares = [row["honoured"] for row in rows if row["tool"] in (OURS, GIVEN) and row.get("honoured") is not None]
    return {
        "ratio_deesse_128": ratio(OURS, "deesse", 128),
        "ratio_deesse_1000": ratio(OURS, "deesse", 1000),
        "ratio_snesim_128": ratio(OURS, "snesim", 128),
        "given_ratio_deesse_128": ratio(GIVEN, "deesse", 128),
        "given_ratio_deesse_1000": ratio(GIVEN, "deesse", 1000),
        "given_ratio_snesim_128": ratio(GIVEN, "snesim", 128),
        "honoured": min(shares, default=None),
    }


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure all cases by all tools."""
    stay_on_one_processor()
    setting = prepare(arguments)
    cases = chosen_cases(arguments.sizes, arguments.wells)
    truths = {edge: find_truth(setting, edge) for edge in dict.fromkeys(edge for edge, _ in cases)}
    rows: list[dict[str, Any]] = []
    alone: dict[tuple[str, int], dict[str, Any]] = {}
    for edge, count in cases:
        truth, origin = truths[edge]
        wells = pixel_case(truth, count, setting.seed)
        for tool in setting.tools:
            say(f"{tool}, {edge}×{edge} cells, {count} wells …")
            row: dict[str, Any] = dict.fromkeys(KEYS)
            row |= {"tool": tool, "cells": edge, "wells": count, "wells_from": origin}
            try:
                row |= measure(setting, tool, edge, wells, alone)
            except StorageError as error:  # a peer that fails must not cost what others gave
                row["reason"] = str(error)
            rows.append(row)
            show(f"{tool}, {edge}×{edge} cells, {count} wells", row)
    figures = summary(rows)
    show("All cases", figures)
    return {**figures, "rows": rows}


def measure(
    setting: Setting, tool: str, edge: int, wells: Case, alone: dict[tuple[str, int], dict[str, Any]]
) -> dict[str, Any]:
    """All figures of a tool and case; those of unconditioned fields are kept for the next case of the size."""
    if tool not in setting.runs:
        return {"reason": missing(tool)}
    found = condition(setting, tool, edge, wells)
    # A peer whose first draw did not end in time is not asked for more.
    if (tool, edge) not in alone and (found.get("draws") or tool in (OURS, GIVEN)):
        alone[tool, edge] = unconditioned(setting, tool, edge)
    return found | alone.get((tool, edge), {})


def prepare(arguments: argparse.Namespace) -> Setting:
    """Find the tools."""
    named = {"deesse": arguments.geone, "snesim": arguments.mpslib, "genesim": arguments.mpslib}
    pythons = {name: peer_python(peer, named[name]) for name, peer in PEERS.items()}
    runs = {name: peer_run(PEERS[name], python) for name, python in pythons.items() if python}
    prior = find_prior(arguments.prior).resolve()
    runs |= {OURS: our_run(prior, "posterior"), GIVEN: our_run(prior, GIVEN)}
    image = read_training_image(data_file(f"training_images/{IMAGE}.npz"))
    return Setting(image, runs, tuple(arguments.tools), arguments.draws, arguments.seed, 60 * arguments.minutes)


def missing(tool: str) -> str:
    """Why a peer is not measured."""
    peer = PEERS[tool]
    return f"{peer.title} is not here; name a Python that has {peer.packages} in {peer.variable}."


def stay_on_one_processor() -> None:
    """Let this process and all that it starts have one processor, where the system can tell so (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mps_peers", description="Condition to wells beside multiple-point statistics."
    )
    parser.add_argument("--sizes", type=_counts, help="cells along an edge, such as 128,250")
    parser.add_argument("--wells", type=_counts, help="numbers of wells, such as 50,250")
    parser.add_argument("--tools", type=_tools, default=list(TOOLS), help=f"which of {', '.join(TOOLS)}")
    parser.add_argument("--draws", type=int, default=64, help="of each tool (default 64)")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    parser.add_argument("--minutes", type=float, default=12.0, help="for each tool and case")
    parser.add_argument("--geone", help="a Python that has geone, for DeeSse")
    parser.add_argument("--mpslib", help="a Python that has scikit-mps, for SNESIM and GENESIM")
    parser.add_argument("--prior", default="strebelle", help="a shipped prior's name, or a prior file")
    return parser.parse_args(words)


def _counts(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _tools(text: str) -> list[str]:
    unknown = sorted(set(text.split(",")) - set(TOOLS))
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no tool called '{unknown[0]}'; choose among {', '.join(TOOLS)}")
    return text.split(",")


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
