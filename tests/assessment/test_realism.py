"""The comparison of fields with patches: floors, bands and verdicts."""

import numpy as np
import pytest
import scipy.ndimage

from latentinv import InputError
from latentinv.assessment import measure_realism
from latentinv.plotting import plot_realism

COUNT = 24


def _blobs(count, width, seed):
    noise = np.random.default_rng(seed).standard_normal((count, 48, 48))
    return (scipy.ndimage.gaussian_filter(noise, (0, width, width)) > 0).astype(np.uint8)


@pytest.fixture(scope="module")
def same():
    return measure_realism(_blobs(COUNT, 3, 1), _blobs(2 * COUNT, 3, 2), 2)


@pytest.fixture(scope="module")
def other():
    return measure_realism(_blobs(COUNT, 2, 1), _blobs(2 * COUNT, 3, 2), 2)


def test_that_fields_of_the_same_law_are_near_the_floor(same):
    # A distance of a curve from its law is at most a χ² of one degree of freedom times its mean, the floor of two
    # samples: beyond 16 times the mean with probability 6e-5 (16 is 4² standard deviations), and 13 are looked at.
    # The floor itself is the mean of 32 splits of 48 patches.
    assert max(measure.times_floor for measure in same.measures) < 20
    assert np.median([measure.times_floor for measure in same.measures]) < 3


def test_that_fields_of_another_law_are_far_from_the_floor(same, other):
    for name in ("total variation", "variogram along x", "local binary patterns, radius 1"):
        assert other[name].times_floor > 3 * max(1, same[name].times_floor)
    # In so few small fields most patterns of 16 cells occur once, so the floor is itself large.
    assert other["multiple-point patterns"].times_floor > 1.5 * same["multiple-point patterns"].times_floor
    assert other["total variation"].distance == pytest.approx(0.5, abs=0.15)  # blobs of two thirds the width


def test_that_distances_and_bands_are_in_order(other):
    for measure in other.measures:
        assert 0 <= measure.band[0] <= measure.band[1]
        assert measure.floor > 0
    variation = other["total variation"]
    assert variation.band[0] < variation.distance < variation.band[1]


def test_that_the_verdict_names_the_worst(other):
    worst = max(other.measures, key=lambda measure: measure.times_floor)
    assert other.verdict().startswith("Poor")
    assert worst.name in other.verdict()


def test_that_the_same_seed_gives_the_same_figures(same):
    again = measure_realism(_blobs(COUNT, 3, 1), _blobs(2 * COUNT, 3, 2), 2)
    assert [measure.times_floor for measure in again.measures] == [measure.times_floor for measure in same.measures]


def test_that_too_few_patches_are_refused():
    with pytest.raises(InputError, match="twice as many patches"):
        measure_realism(_blobs(8, 3, 1), _blobs(8, 3, 2), 2)


def test_that_a_page_is_drawn(other, tmp_path):
    plot_realism(other, _blobs(8, 2, 1), _blobs(8, 3, 2), tmp_path / "page.png", facies=2, title="blobs")
    assert (tmp_path / "page.png").stat().st_size > 20_000
