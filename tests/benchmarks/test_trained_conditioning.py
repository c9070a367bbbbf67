"""The benchmark of conditioning in training: what it measures, of generators with random weights."""

import numpy as np
import pytest

from benchmarks import trained_conditioning as bench
from latentinv.priors import Anamorphosis
from latentinv.priors.learned import FaciesMeasure, FaciesMeasures
from latentinv.training import TrainingImage, measure_facies
from tests.problems import random_conditional_prior


@pytest.fixture(scope="module")
def image():
    return bench.recipe("generator", 0.0, 100).load_image()


def test_that_recipes_differ_in_what_they_see():
    plan = bench.recipe("conditional", 10.0, 100, "proportion = 1")
    assert (plan.networks.family, plan.conditioning.weight, plan.conditioning.proportion) == ("conditional", 10.0, 1)
    assert bench.recipe("conditional", 0.1, 100).conditioning.proportion is None


def test_that_fields_given_data_are_measured(image):
    each = bench.windows(2)
    assert [data.cells.shape for data in each] == [(bench.PIXELS, 2)] * 2
    row = bench.drawn(random_conditional_prior(), each, 3, image)
    assert row["over_floor"] >= 1
    assert 0 <= row["all_honoured"] <= row["honoured"] <= 1
    assert row["seconds_a_draw"] > 0


def test_that_data_honoured_are_counted():
    data = bench.Data(np.array([[0, 1], [2, 3]]), np.array([1, 0]))
    fields = np.zeros((2, 4, 5), int)
    fields[0, 0, 1] = 1
    assert bench.honoured([fields], [data]) == {"honoured": 0.75, "all_honoured": 0.5}


def test_that_proportions_told_and_found_are_listed():
    shares = FaciesMeasure("proportion", 1, Anamorphosis((-2.0, 2.0), (0.1, 0.6)))
    row = bench.told(random_conditional_prior(measures=FaciesMeasures([shares])))
    assert {*row} == {*bench.TOLD}
    assert [len(values) for values in row.values()] == [len(bench.SHARES)] * 3


def test_that_widths_told_and_found_are_compared():
    widths = FaciesMeasure("width", 1, Anamorphosis((-2.0, 2.0), (5.0, 20.0)))
    row = bench.told_widths(random_conditional_prior(measures=FaciesMeasures([widths])))
    assert row["given"] == [7.0, 10.0, 13.0]
    assert row["slope"] == pytest.approx(np.polyfit(row["given"], row["got"], 1)[0])
    assert -1 <= row["correlation"] <= 1


def test_that_the_mosaic_has_channels_of_all_widths_and_patches_of_one():
    image = TrainingImage.from_array(bench.mosaic(), "mosaic", missing=[-1])
    known = np.asarray(image.known)
    assert not known[bench.PIECE].any()
    assert known[: bench.PIECE, : bench.PIECE].all()
    pieces = [image.facies[: bench.PIECE, n * 129 : n * 129 + bench.PIECE] for n in range(11)]
    found = np.asarray(measure_facies("width", np.stack(pieces) == 1))
    assert np.corrcoef(found, list(bench.WIDTHS))[0, 1] > 0.9


def test_that_parts_are_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        bench.parse(["--parts", "lambdas,before"])
    assert "no part before" in capsys.readouterr().err
