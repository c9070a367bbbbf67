"""14 An external program, coupled by its files: OpenGeoSys, or a small program from this folder where that is missing.

A program needs nothing but files. Each simulation has a folder of its own, made from a template in which {{property}}
becomes the conductivities; then the command runs, and a function reads what it wrote. Simulations run side by side in
worker processes, with a time limit. Every result is kept in output/runs, so a run that was stopped repeats no
simulation, and a failed one is counted and never turned into a number. There are no gradients, so an ensemble method is
used, which needs the fewest simulations and is approximate. Groundwater flows past a pumping well; heads in 25 places
are known to 1 cm. An ensemble that is small beside the number of unknowns collapses: its members agree with each other
more than with the truth, as in the picture of the gallery, which was made with 24 members. Take as many as there is
time for, and compare runs of several seeds.

Writes output/own_program.png.
"""

import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from common import OUTPUT, Printer

from latentinv import ESMDA, ContinuousProperty, Covariance, Grid, IndirectData, Posterior, Run, SpectralPrior, sample
from latentinv.forward import ExternalForward
from latentinv.plotting import plot_fields
from latentinv.simulators import Executable, Processes

HERE, SD = Path(__file__).parent, 0.01


def heads_of_opengeosys(folder: Path) -> np.ndarray:
    """Heads at every fourth corner, southernmost row first.

    OpenGeoSys reads the raster with its first row in the north, so it solves the mirror image. The boundary conditions
    are symmetric, so reversing the rows of the heads undoes it; elsewhere, reverse the property in `write` instead.
    """
    arrays = ElementTree.parse(folder / "heads_1.vtu").iter("DataArray")
    text = next(array.text for array in arrays if array.get("Name") == "head")
    return np.array(text.split(), float).reshape(25, 25)[::-1][4:24:4, 4:24:4].ravel()


def heads_of_ours(folder: Path) -> np.ndarray:
    """Heads at every fourth corner."""
    return np.loadtxt(folder / "heads.txt")[4:24:4, 4:24:4].ravel()


def program() -> Executable:
    """The program that is available."""
    ogs = shutil.which("ogs") or shutil.which("ogs", path=Path(sys.executable).parent)
    if ogs:
        return Executable([ogs, "flow.prj"], heads_of_opengeosys, template=HERE / "opengeosys", timeout=60)
    return Executable([sys.executable, "flow.py"], heads_of_ours, template=HERE / "own_program", timeout=60)


def main(members: int = 64, assimilations: int = 4, output: Path = OUTPUT) -> Run:
    """Simulate heads of a field drawn from the prior, assimilate them, and show what they add."""
    grid, prior = Grid((24, 24), 10.0), SpectralPrior(Covariance("gaussian", 60.0), waves=128, mean=-7.0)
    truth = np.asarray(prior.generate(np.random.default_rng(3).normal(size=256), grid))
    observed = program().simulate(np.exp(truth)) + np.random.default_rng(4).normal(0.0, SD, 25)
    forward = ExternalForward(program(), grid, 25, executor=Processes(2), cache=output / "runs")
    heads = IndirectData(grid, forward, observed, SD, property=ContinuousProperty("exp"), name="heads", unit="m")
    algorithm = ESMDA(members=members, assimilations=assimilations, localised=False)  # every wave reaches every place
    run = sample(Posterior(prior, grid, [heads]), algorithm, seed=1, listener=Printer())
    print(f"{run.reports()[0][0].sentence}; by {program().command[-1]}: {run.results['forward_failures']['heads']}")
    names = ["truth, ln m/s", "mean of draws", *(f"draw {n + 1}" for n in range(6))]
    fields = np.stack([truth, run.realizations.mean(axis=0), *run.realizations[:6]])
    plot_fields(fields, grid, output / "own_program.png", names=names)
    return run


if __name__ == "__main__":
    main()
