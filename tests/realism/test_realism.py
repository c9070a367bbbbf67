"""The comparison of fields with patches: floors, bands and verdicts."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from latentinv import InputError
from latentinv.plotting import plot_realism
from latentinv.realism import measure_realism, measure_statistics
from latentinv.realism._patterns import pattern_size
from tests.problems import slowly

COUNT = 24


def _smooth(count, width, seed, shape=(48, 48)):
    """Gaussian fields of standard deviation 3 around 10."""
    noise = np.random.default_rng(seed).standard_normal((count, *shape))
    smooth = scipy.ndimage.gaussian_filter(noise, (0, *(width,) * len(shape)), mode="wrap")
    return (10 + 3 * smooth * (2 * np.sqrt(np.pi) * width) ** (len(shape) / 2)).astype(np.float32)


def _blobs(count, width, seed, shape=(48, 48)):
    return (_smooth(count, width, seed, shape) > 10).astype(np.uint8)


@pytest.fixture(scope="module")
def same():
    return measure_realism(_blobs(COUNT, 3, 1), _blobs(2 * COUNT, 3, 2), 2)


@pytest.fixture(scope="module")
def other():
    return measure_realism(_blobs(COUNT, 2, 1), _blobs(2 * COUNT, 3, 2), 2)


@pytest.fixture(scope="module")
def layered():
    """Blobs in three dimensions, of one distribution."""
    shape = (16, 20, 24)
    return measure_realism(_blobs(8, 2, 1, shape), _blobs(16, 2, 2, shape), 2)


@pytest.fixture(scope="module")
def continuous():
    """A Gaussian property of one distribution."""
    return measure_realism(_smooth(COUNT, 3, 1), _smooth(2 * COUNT, 3, 2), None)


@pytest.mark.parametrize("case", ["same", slowly("layered"), "continuous"])
def test_that_fields_of_the_same_distribution_are_near_the_floor(case, request):
    # The squared distance of a number from its expectation, over the floor, is at most as far out as a χ² of one
    # degree of freedom: beyond 25 with probability 6e-7, and fewer than 30 are looked at in each of three cases.
    # Distances that are no squares, and those of curves, are nearer. The floor is the mean of 32 splits.
    realism = request.getfixturevalue(case)
    assert max(measure.times_floor for measure in realism.measures) < 25
    assert np.median([measure.times_floor for measure in realism.measures]) < 3
    assert 0.5 < realism.anodi < 2


def test_that_fields_of_another_distribution_are_far_from_the_floor(same, other):
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


def test_that_large_multiples_of_the_floor_are_told_as_whole_numbers(other):
    one = other.measures[0]
    told = [one._replace(distance=times, floor=1.0).told for times in (0.66842, 21.32, 1346.2)]
    assert told == ["0.668", "21.3", "1346"]


def test_that_the_same_seed_gives_the_same_figures(same):
    again = measure_realism(_blobs(COUNT, 3, 1), _blobs(2 * COUNT, 3, 2), 2)
    assert [measure.times_floor for measure in again.measures] == [measure.times_floor for measure in same.measures]


def test_that_too_few_patches_are_refused():
    with pytest.raises(InputError, match="twice as many patches"):
        measure_realism(_blobs(8, 3, 1), _blobs(8, 3, 2), 2)


@pytest.mark.parametrize("case", ["other", slowly("layered"), "continuous"])
def test_that_a_page_is_drawn(case, request, tmp_path):
    facies = None if case == "continuous" else 2
    shape = (16, 20, 24) if case == "layered" else (48, 48)
    fields = (_smooth if facies is None else _blobs)(8, 2, 1, shape)
    plot_realism(request.getfixturevalue(case), fields, fields, tmp_path / "page.png", facies=facies, title="blobs")
    assert (tmp_path / "page.png").stat().st_size > 20_000


def test_that_what_does_not_apply_is_said(same, layered, continuous):
    assert any("Without neighbour differences and steps" in note for note in same.notes)
    assert any("are those of the layers" in note for note in layered.notes)
    assert any("the image's median" in note for note in continuous.notes)
    flat, solid, smooth = ({measure.name for measure in case.measures} for case in (same, layered, continuous))
    assert "facies share" in solid
    assert "facies share" not in smooth
    assert {"connectivity along z", "two-point probability along z"} <= solid - flat
    assert {"differences along x", "steps at edges", "kurtosis"} <= smooth - flat


def test_that_a_statistic_that_refuses_the_images_is_left_out_with_its_sentence():
    realism = measure_realism(_blobs(6, 1, 1, (12, 12)), _blobs(12, 1, 2, (12, 12)), 2)
    assert any(
        note.startswith("Without oriented gradients: ") and "at least 16 cells" in note for note in realism.notes
    )
    assert "oriented gradients" not in [measure.name for measure in realism.measures]


def test_that_the_distribution_of_a_continuous_property_is_given(continuous):
    # Differences of a Gaussian field are Gaussian: shape 2. Of n independent ones the log of the ratio of moments has
    # the variance 0.28 / n, and the shape changes 6 times as fast as it. 24 fields hold at least 24 · (48 / 6)² = 1536:
    # a standard error of 0.08, of which five are allowed (6e-7).
    shape, scale = continuous["differences along x"].fields
    assert shape == pytest.approx(2, abs=0.4)
    assert scale > 0
    values = _smooth(COUNT, 3, 1)
    assert continuous["skewness"].fields[0] == pytest.approx(scipy.stats.skew(values, axis=None), abs=1e-3)
    assert continuous["kurtosis"].fields[0] == pytest.approx(scipy.stats.kurtosis(values, axis=None), abs=1e-3)


def test_that_moments_of_shares_are_those_of_an_independent_implementation(same):
    shares = _blobs(COUNT, 3, 1).mean(axis=(1, 2))
    assert same["facies share"].fields[-1] == pytest.approx(shares.mean())
    assert same["spread of facies share"].fields[0] == pytest.approx(shares.std())
    assert same["skewness of facies share"].fields[0] == pytest.approx(scipy.stats.skew(shares))
    assert same["kurtosis of facies share"].fields[0] == pytest.approx(scipy.stats.kurtosis(shares))


@pytest.mark.assure
def test_that_a_generator_that_repeats_itself_is_found_out():
    fields = np.concatenate([_blobs(1, 3, 1)] * COUNT)
    realism = measure_realism(fields, _blobs(2 * COUNT, 3, 2), 2)
    assert realism["difference between fields"].distance == pytest.approx(1)
    assert realism["spread of facies share"].distance == pytest.approx(1)
    assert realism["difference between fields"].times_floor > 10
    assert realism.copied.fields > 0.5
    assert realism.copied.image == 0
    assert realism.anodi == 0
    assert realism.verdict().startswith("Poor")


def test_that_sharper_edges_of_a_property_are_found():
    fields = _smooth(COUNT, 3, 1)
    sharp = np.where(fields > 10, fields + 3, fields - 3).astype(np.float32)
    names = ("steps at edges", "differences along x")
    found = measure_statistics(sharp, _smooth(2 * COUNT, 3, 2), None, names)
    assert found["steps at edges"].times_floor > 20
    assert found["differences along x"].times_floor > 20
    assert found["differences along x"].fields[0] < found["differences along x"].image[0]


def test_that_chosen_measures_are_those_of_the_whole(same):
    names = ("windows, mean discrepancy", "total variation")
    found = measure_statistics(_blobs(COUNT, 3, 1), _blobs(2 * COUNT, 3, 2), 2, names)
    assert tuple(found) == names
    for name in names:
        assert (found[name].distance, found[name].floor) == (same[name].distance, same[name].floor)


def test_that_an_unknown_measure_is_refused_by_name():
    with pytest.raises(InputError, match=r"no measure called 'beauty'; choose among facies share"):
        measure_statistics(_blobs(8, 3, 1), _blobs(16, 3, 2), 2, ["beauty"])


def test_that_a_property_that_does_not_vary_is_refused():
    with pytest.raises(InputError, match="property is 1 nearly everywhere"):
        measure_realism(np.ones((4, 16, 16)), np.ones((8, 16, 16)), None)


@pytest.mark.parametrize(
    ("facies", "shape", "size", "levels"),
    [
        (2, (128, 128), 4, 3),
        (16, (128, 128), 4, 3),
        (2, (48, 48, 48), 4, 3),
        (4, (48, 48, 48), 3, 3),
        (2, (8, 8), 4, 2),
    ],
)
def test_that_patterns_are_as_large_as_can_be_told_apart(facies, shape, size, levels):
    assert pattern_size(facies, shape) == {"size": size, "levels": levels}


@pytest.mark.assure
def test_that_each_of_several_facies_has_its_curve(tmp_path):
    fields, patches = (np.digitize(_smooth(n, 3, n), [9, 11]).astype(np.uint8) for n in (8, 16))
    realism = measure_realism(fields, patches, 3)
    for name in ("connectivity along x", "two-point probability along y"):
        assert realism[name].fields.shape == (3 * 24,)
    plot_realism(realism, fields, patches, tmp_path / "page.png", facies=3)
    assert (tmp_path / "page.png").stat().st_size > 20_000


def test_that_the_share_of_each_facies_counts():
    rng = np.random.default_rng(5)
    fields, patches = (rng.choice(3, (60, 24, 24), p=p).astype(np.uint8) for p in ((0.1, 0.6, 0.3), (0.6, 0.1, 0.3)))
    share = measure_realism(fields, np.concatenate([patches, patches]), 3, seed=1)["facies share"]
    np.testing.assert_allclose(share.fields, [0.1, 0.6, 0.3], atol=0.02)
    assert share.times_floor > 20
