"""`latentinv export` of a small run, and of what cannot be exported."""

import numpy as np
import pytest
import xarray

from latentinv import load_prior, load_run
from latentinv.inference.diagnostics._functionals import functionals
from latentinv.io.images import read_image

GRID = "24x30"


@pytest.fixture
def run(latentinv, folder):
    load_prior("prior.h5").named(("clay", "sand")).save("named.h5")
    header, first, *others = (folder / "wells.csv").read_text().splitlines()
    place, code = first.rsplit(",", 1)
    first = f"{place},{('Clay ', 'SAND')[int(code)]}"
    (folder / "wells.csv").write_text("\n".join([header, first, *others]))
    arguments = ("--grid", GRID, "--output", "run.h5", "--wells", "wells.csv", "--algorithm", "smc", "--seed", 4)
    settings = ("--set", "particles=8", "--set", "batch_size=8", "--set", "max_levels=40")
    outcome = latentinv("condition", "named.h5", *arguments, *settings)
    assert outcome.code == 0, outcome.err
    return load_run("run.h5")


def test_that_maps_and_realizations_of_a_run_are_written(latentinv, folder, run):
    written = latentinv("export", "run.h5", "--output", "run.nc")
    one = latentinv("export", "run.h5", "--output", "entropy.asc", "--layer", "entropy")
    shown = latentinv("show", "run.h5")
    again = latentinv("export", "run.h5", "--output", "run.nc")
    unknown = latentinv("export", "run.h5", "--output", "other.asc", "--layer", "age")

    assert written.code == one.code == 0, written.err + one.err
    assert "clay, sand" in shown.out
    layers = "probability of clay, probability of sand, most probable facies, entropy"
    assert written.out == f"{layers} and {len(run.realizations)} realizations in run.nc\n"
    shares = np.mean(run.realizations == 1, axis=0)
    with xarray.open_dataset("run.nc", engine="scipy") as data:
        np.testing.assert_allclose(data["probability_of_sand"], shares, rtol=1e-6)
        np.testing.assert_array_equal(data["realization"], run.realizations)
        assert data["realization"].attrs["flag_meanings"] == "clay sand"
        np.testing.assert_array_equal(data["most_probable_facies"].attrs["flag_values"], [0, 1])
    assert "share of sand" in functionals(run)
    bits = -sum(p * np.log2(np.where(p > 0, p, 1)) for p in (shares, 1 - shares))
    np.testing.assert_allclose(read_image("entropy.asc"), bits, atol=1e-6)
    data = run.to_xarray()
    np.testing.assert_array_equal(data["realization"], run.realizations)
    assert (again.code, unknown.code) == (1, 1)
    assert "run.nc exists already" in again.err
    assert "The run has no layer 'age'; it has probability of clay" in unknown.err
    assert latentinv("export", "run.h5", "--output", "run.docx").err.count("\n") == 1
