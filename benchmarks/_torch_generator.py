"""The compact generator in PyTorch, timed on request; run by `benchmarks.generator_speed`.

``python _torch_generator.py FILE.npz`` is run with torch's own Python; it reads latents, natural kernels
and biases, the layers and our own results, then answers one JSON line for each JSON line on standard input:
first ``check`` (how far its results are from ours), then timings. The network is what one writes in torch:
`conv2d` for ``same`` layers, `conv_transpose2d` of stride 2 for ``up`` layers, ReLU between, rows and
columns beyond what the next layer needs cut off as ours are. It imports nothing of latentinv, and holds no
state but weights, so both memory formats can be tried.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn.functional import conv2d, conv_transpose2d, relu

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class Generator:
    """The network in one memory format."""

    def __init__(self, arrays: Any, memory_format: Any) -> None:
        self.layers = json.loads(str(arrays["layers"]))

        def tensor(values: np.ndarray, *order: int) -> Any:
            # Copied, because torch refuses the negative strides of a flipped array.
            return torch.from_numpy(values.transpose(order).copy()).contiguous(memory_format=memory_format)

        self.z = tensor(arrays["z"], 0, 3, 1, 2)
        self.weights = []
        for position, layer in enumerate(self.layers):
            kernel = arrays[f"kernel_{position}"]
            # Ours correlates, torch's transposed convolution scatters: the same with the window reversed.
            ordered = tensor(kernel[::-1, ::-1], 2, 3, 0, 1) if layer["kind"] == "up" else tensor(kernel, 3, 2, 0, 1)
            self.weights.append((ordered, torch.from_numpy(arrays[f"bias_{position}"])))

    def fields(self, z: Any) -> Any:
        """The fields of latents, ``[field, 1, row, column]``."""
        x = z
        for position, (layer, (weight, bias)) in enumerate(zip(self.layers, self.weights, strict=True)):
            if layer["kind"] == "up":
                x = conv_transpose2d(x, weight, bias, stride=2, padding=layer["window"] - 2)
            else:
                x = conv2d(x, weight, bias, dilation=layer["dilation"])
            if position < len(self.layers) - 1:
                x = relu(x)
            x = x[:, :, : layer["size"], : layer["size"]]
        return x

    def forward(self) -> Any:
        """Fields, without gradients."""
        with torch.inference_mode():
            return self.fields(self.z)

    def latent_gradient(self) -> Any:
        """Gradient of ½ Σ field² by the latents."""
        z = self.z.detach().requires_grad_()
        return torch.autograd.grad(0.5 * self.fields(z).square().sum(), z)[0]

    def weight_gradient(self) -> Any:
        """Gradient of ½ Σ field² by kernels and biases."""
        parameters = [part.requires_grad_() for pair in self.weights for part in pair]
        gradients = torch.autograd.grad(0.5 * self.fields(self.z).square().sum(), parameters)
        for part in parameters:
            part.requires_grad_(False)
        return gradients


def time_one(call: Callable[[], Any], repetitions: int) -> float:
    """Median milliseconds of a call, after one that warms up."""
    call()
    times = []
    for _ in range(repetitions):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return 1e3 * float(np.median(times))


def check(network: Generator, arrays: Any) -> float:
    """Largest relative difference from our fields, latent gradients and norms of weight gradients."""
    norms = np.array([float(gradient.norm()) for gradient in network.weight_gradient()])
    pairs = [
        (network.forward().permute(0, 2, 3, 1).numpy(), arrays["fields"]),
        (network.latent_gradient().permute(0, 2, 3, 1).numpy(), arrays["latent_gradient"]),
    ]
    differences = [float(np.abs(ours - theirs).max() / np.abs(ours).max()) for theirs, ours in pairs]
    return max(*differences, float(np.max(np.abs(norms / arrays["weight_gradient_norms"] - 1))))


def main(path: str) -> None:
    """Answer requests until standard input ends."""
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    arrays = np.load(path, allow_pickle=False)
    networks = {name: Generator(arrays, memory_format) for name, memory_format in FORMATS.items()}
    for line in sys.stdin:
        request = json.loads(line)
        if request["what"] == "check":
            difference = max(check(network, arrays) for network in networks.values())
            answer: dict[str, Any] = {"difference": difference, "version": torch.__version__}
        else:
            calls = {name: getattr(network, request["what"]) for name, network in networks.items()}
            answer = {name: time_one(call, request["repetitions"]) for name, call in calls.items()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
