"""13 A simulator that is a Python class without JAX; with its adjoint, algorithms have gradients.

Many simulators exist already, in NumPy, in C or behind a library, and will not be written again in JAX. A class with a
method `simulate` is enough. If it can also say how a weighted sum of the data changes with the property of every cell,
which is what adjoint codes compute, a method `adjoint` passes that on, and algorithms that follow gradients work as
they do with JAX. A test of the adjoint by finite differences, as in tests/examples, is worth its three lines. Here
radar pulses cross a section between two boreholes; how much of each arrives depends on the attenuation of the ground,
which is log-normal. Amplitudes are known to 0.01 of what was sent.

Writes output/own_class.png.
"""

from pathlib import Path

import numpy as np
from common import OUTPUT, Printer
from jaxtyping import Float

from latentinv import ContinuousProperty, Covariance, Grid, IndirectData, Posterior, Run, SpectralPrior, sample
from latentinv import RandomisedMaximumLikelihood as Algorithm
from latentinv.forward import ExternalForward, ray_lengths
from latentinv.plotting import plot_fields

SD = 0.01


class Amplitudes:
    """exp(−∫ attenuation) along straight rays, in NumPy."""

    def __init__(self, grid: Grid, depths: Float[np.ndarray, "depth"]) -> None:
        sources, receivers = (side.ravel() for side in np.meshgrid(depths, depths, indexing="ij"))
        width = np.full(sources.size, float(grid.shape[1]))
        self.lengths = ray_lengths(grid, np.stack([0 * width, sources], 1), np.stack([width, receivers], 1))

    def simulate(self, attenuation: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "ray"]:
        """Share of each pulse that arrives, from the attenuation of each cell in 1/m."""
        return np.exp(-self.lengths @ attenuation.ravel())

    def adjoint(self, attenuation: np.ndarray, residual: np.ndarray) -> Float[np.ndarray, "row column"]:
        """The gradient of residual · amplitudes with respect to the attenuation of each cell."""
        return -(self.lengths.T @ (residual * self.simulate(attenuation))).reshape(attenuation.shape)


def main(samples: int = 32, cells: int = 32, output: Path = OUTPUT) -> Run:
    """Measure a section drawn from the prior, sample, and show what the amplitudes add."""
    section = Grid((cells, cells), axes="xz", z_axis="depth")
    grid, prior = section, SpectralPrior(Covariance("gaussian", 10.0), waves=128, mean=-4.0)
    truth = np.asarray(prior.generate(np.random.default_rng(1).normal(size=prior.latent_size(grid)), grid))
    simulator = Amplitudes(grid, np.linspace(1.5, cells - 1.5, 10))
    observed = simulator.simulate(np.exp(truth)) + np.random.default_rng(2).normal(0.0, SD, 100)
    forward, reading = ExternalForward(simulator, grid, 100), ContinuousProperty("exp")
    data = IndirectData(grid, forward, observed, SD, property=reading, name="amplitudes")

    run = sample(Posterior(prior, grid, [data]), Algorithm(samples), seed=1, listener=Printer())
    print("\n".join(report.sentence for (report,) in run.reports()[:3]))
    output.mkdir(parents=True, exist_ok=True)
    names = ["truth, ln 1/m", "mean of draws", *(f"draw {n + 1}" for n in range(6))][: 2 + len(run.latents)]
    fields = np.stack([truth, run.realizations.mean(axis=0), *run.realizations[:6]])
    plot_fields(fields, grid, output / "own_class.png", names=names)
    return run


if __name__ == "__main__":
    main()
