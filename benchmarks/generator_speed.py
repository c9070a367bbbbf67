"""The compact generator's forward and gradients, beside the same network in PyTorch on the same cores.

Forward, latent gradient and weight gradient of 16 fields of 128×128 cells, random weights, batch norm
folded away on both sides. Each round times ours and a matrix product, then torch's two memory formats, never at
once; a figure is the median over rounds, torch's that of its better format. Both sides use every core. A gradient
is that of ½ Σ field² and includes the forward pass. Torch runs in an environment of its own (README.md beside
this file); without it the ratios are null.

Run ``python -m benchmarks.generator_speed [--rounds 7]``. Nothing else should run on the machine meanwhile.
"""

import argparse
import functools
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks._rates import matrix_product, operations
from benchmarks._report import run, say, show
from benchmarks._torch_peer import TorchPeer, torch_python, write_case
from latentinv.networks import FoldedLayer, GeneratorArchitecture, generator_architecture, synthesize, to_folded_layer

FIELDS, CELLS = 16, 128
ROUNDS, REPETITIONS = 7, 5
LOOP, MATRIX = 4, 2048
PAUSE = 0.4
"""Seconds in which the threads of whoever has just finished stop spinning for more work."""
KINDS = ("forward", "latent_gradient", "weight_gradient")
ABSENT = (
    "PyTorch was not measured: there is no .venv-torch/bin/python; make it by `python -m venv .venv-torch && "
    ".venv-torch/bin/pip install torch==2.13.0 numpy`, or set LATENTINV_TORCH_PYTHON."
)


class Work(NamedTuple):
    """Floating-point operations of a forward pass and of the matrix product beside it."""

    forward: float
    product: float


class Subject(NamedTuple):
    """What is measured."""

    architecture: GeneratorArchitecture
    weights: list[tuple[np.ndarray, np.ndarray]]
    """Natural kernels ``[row, column, in, out]`` and biases."""
    z: jax.Array
    cells: int


def make_subject(fields: int, cells: int) -> Subject:
    """The compact generator with random weights that keep the size of activations, and latents."""
    architecture = generator_architecture("compact")
    rng = np.random.default_rng(40)
    weights, channels = [], architecture.latent_channels
    for layer in architecture.layers:
        taps = layer.window**2 / (4 if layer.kind == "up" else 1)
        kernel = rng.standard_normal((layer.window, layer.window, channels, layer.width)) * np.sqrt(
            2 / (taps * channels)
        )
        weights.append((kernel.astype(np.float32), 0.1 * rng.standard_normal(layer.width).astype(np.float32)))
        channels = layer.width
    z = rng.standard_normal((fields, *architecture.latent_shapes((cells, cells))[0])).astype(np.float32)
    return Subject(architecture, weights, jnp.asarray(z), cells)


def our_calls(subject: Subject) -> tuple[dict[str, Callable[[], Any]], Work]:
    """Compiled calls that block until done, and what they do; weights are arguments, in the form that a prior keeps
    them in.
    """
    architecture, weights, z, cells = subject
    layers = [
        to_folded_layer(layer, jnp.asarray(kernel), jnp.asarray(bias)).prepared()
        for layer, (kernel, bias) in zip(architecture.layers, weights, strict=True)
    ]

    def forward(layers: list[FoldedLayer], z: jax.Array) -> jax.Array:
        return synthesize(architecture, layers, [z], (cells, cells))

    def loss(layers: list[FoldedLayer], z: jax.Array) -> jax.Array:
        return 0.5 * jnp.sum(forward(layers, z) ** 2)

    gradient = jax.grad(loss, argnums=1)

    def descend(layers: list[FoldedLayer], z: jax.Array) -> jax.Array:
        return lax.scan(lambda z, _: (z - 1e-9 * gradient(layers, z), None), z, length=LOOP)[0]

    compiled = {
        "forward": (jax.jit(forward), (layers, z)),
        "latent_gradient": (jax.jit(gradient), (layers, z)),
        "weight_gradient": (jax.jit(jax.grad(loss)), (layers, z)),
        "latent_gradient_in_loop": (jax.jit(descend), (layers, z)),
    }
    product, counted = matrix_product(MATRIX)
    calls = {name: functools.partial(_blocking, call, given) for name, (call, given) in compiled.items()}
    work = Work(operations(compiled["forward"][0].lower(layers, z)), counted)
    return calls | {"product": lambda: jax.block_until_ready(product())}, work


def _blocking(call: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    return jax.block_until_ready(call(*given))


def our_results(calls: dict[str, Callable[[], Any]]) -> dict[str, np.ndarray]:
    """What torch must reproduce; polyphase only reorders weights, so norms of their gradients agree."""
    gradient = calls["weight_gradient"]()
    norms = [float(jnp.linalg.norm(part.ravel())) for layer in gradient for part in (layer.kernel, layer.bias)]
    return {
        "fields": np.asarray(calls["forward"]()),
        "latent_gradient": np.asarray(calls["latent_gradient"]()),
        "weight_gradient_norms": np.array(norms),
    }


def milliseconds(call: Callable[[], Any], repetitions: int) -> float:
    """Median milliseconds of a call, after one that warms up."""
    call()
    times = []
    for _ in range(repetitions):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return 1e3 * float(np.median(times))


def measure(subject: Subject, rounds: int, repetitions: int) -> dict[str, Any]:
    """Time ours and torch's in turn."""
    (calls, work), python = our_calls(subject), torch_python()
    ours: dict[str, list[float]] = {name: [] for name in calls}
    theirs: dict[str, list[dict[str, float]]] = {name: [] for name in KINDS}
    with ExitStack() as stack:
        peer = None
        if python is None:
            say(ABSENT)
        else:
            case = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "case.npz"
            results = our_results(calls)
            write_case(
                case,
                subject.architecture,
                subject.cells,
                subject.weights,
                {"z": np.asarray(subject.z), **results},
            )
            peer = stack.enter_context(TorchPeer(python, case))
            say(f"PyTorch {peer.version} gives the same results to {peer.difference:.1e}.")
        for number in range(rounds):
            for name in calls:
                time.sleep(PAUSE)
                ours[name].append(milliseconds(calls[name], repetitions))
                if peer is not None and name in theirs:
                    time.sleep(PAUSE)
                    theirs[name].append(peer.milliseconds(name, repetitions))
            say(
                f"round {number + 1} of {rounds}: "
                + ", ".join(f"{name} {times[-1]:.0f} ms" for name, times in ours.items())
            )
        version = None if peer is None else peer.version
    return {**summary(ours, theirs, work), "torch_version": version}


def summary(ours: dict[str, list[float]], theirs: dict[str, list[dict[str, float]]], work: Work) -> dict[str, Any]:
    """Medians over rounds, and their ratios."""
    times = {name: float(np.median(rounds)) for name, rounds in ours.items()}
    times["latent_gradient_in_loop"] /= LOOP
    best: dict[str, float | None] = {}
    layout: dict[str, str | None] = {}
    for name, rounds in theirs.items():
        medians = {key: float(np.median([one[key] for one in rounds])) for key in (rounds[0] if rounds else ())}
        layout[name] = min(medians, key=medians.__getitem__) if medians else None
        best[name] = medians[layout[name] or ""] if medians else None
    ratios = {f"{name}_ratio_torch": None if time is None else times[name] / time for name, time in best.items()}
    return {
        **ratios,
        "in_loop_over_top_level": times["latent_gradient_in_loop"] / times["latent_gradient"],
        "peak_share": (work.forward / times["forward"]) / (work.product / times["product"]),
        "forward_gflops": work.forward / times["forward"] / 1e6,
        "gradient_over_forward": times["latent_gradient"] / times["forward"],
        **{f"{name}_ms": time for name, time in times.items()},
        **{f"{name}_ms_torch": time for name, time in best.items()},
        **{f"{name}_layout_torch": name_of for name, name_of in layout.items()},
    }


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the compact generator."""
    figures = measure(make_subject(FIELDS, CELLS), arguments.rounds, REPETITIONS)
    show(f"The compact generator, {FIELDS} fields of {CELLS}×{CELLS}", figures)
    return figures


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generator_speed", description="Time the generator beside PyTorch."
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often both sides are timed in turn")
    return parser.parse_args(words)


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
