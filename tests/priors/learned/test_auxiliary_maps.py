"""Auxiliary maps of sequential simulations: what networks see of them, tiles, files, grids that turn, and mistakes."""

import jax
import numpy as np
import pytest

from latentinv import Grid, HardData, InputError, load_prior
from latentinv.priors.learned import MapRange
from latentinv.priors.learned._local_shares import answers
from tests.problems import generate, random_sequential_prior

GRID = Grid((21, 34))
DEPTH = MapRange("depth", 100.0, 300.0)
AZIMUTH = MapRange("azimuth", 0.0, 180.0, (True,) * 36)
ROWS, COLUMNS = np.mgrid[:21, :34]
MAPS = {"depth": 100.0 + 5 * COLUMNS, "azimuth": 4.0 * ROWS - 30}


def _prior(**settings):
    return random_sequential_prior(windows=(1, 1, 1), blocks=2, maps=(DEPTH, AZIMUTH), **settings)


def _z(prior, grid=GRID):
    return jax.random.normal(jax.random.key(0), (prior.latent_size(grid),))


def test_that_a_number_is_seen_by_its_place_in_the_range_of_the_image():
    found = DEPTH.encode(np.array([[100.0, 200.0], [300.0, np.nan]]))
    np.testing.assert_allclose(found, [[[-1, 1], [0, 1]], [[1, 1], [0, 0]]])


def test_that_a_direction_is_the_same_after_half_a_turn():
    found = AZIMUTH.encode(np.array([0.0, 180.0, -180.0, 45.0, 225.0, 90.0]))
    np.testing.assert_allclose(found[:3], np.tile([1, 0, 1], (3, 1)), atol=1e-6)
    np.testing.assert_allclose(found[3:5], np.tile([0, 1, 1], (2, 1)), atol=1e-6)
    np.testing.assert_allclose(found[5], [-1, 0, 1], atol=1e-6)


def test_that_fields_depend_on_maps_near_by_only():
    prior, z = _prior(), _z(_prior(), Grid((21, 90)))
    grid, flat = Grid((21, 90)), np.full((21, 90), 150.0)
    other = np.where(np.arange(90) < 4, 290.0, flat)
    pair = [np.asarray(generate(prior.given(depth=one), z, grid)) for one in (flat, other)]
    differ = np.any(pair[0] != pair[1], axis=0)
    assert differ[:8].any()
    assert not differ[4 + prior.architecture.around(0)[1] + 8 :].any()


@pytest.mark.parametrize("given", [{"depth": MAPS["depth"]}, MAPS])
def test_that_tiles_put_together_are_the_field(given):
    prior = _prior(sees=True).given(**given)
    z = _z(prior)
    field = np.full(GRID.shape, np.nan, np.float32)
    for place, tile in prior.tiles(np.asarray(z), GRID, tile=12):
        field[place] = tile
    np.testing.assert_allclose(field, generate(prior, z, GRID), atol=1e-4)


def test_that_maps_are_given_one_after_the_other_and_replaced():
    prior = _prior()
    both, z = prior.given(**MAPS), _z(prior)
    one = prior.given(depth=250.0).given(azimuth=MAPS["azimuth"]).given(depth=MAPS["depth"])
    np.testing.assert_array_equal(generate(one, z, GRID), generate(both, z, GRID))
    assert np.any(generate(one, z, GRID) != generate(prior, z, GRID))
    assert both.describe()["given"] == "a map of depth, a map of azimuth"


def test_that_curves_run_along_the_first_axis():
    prior = _prior()
    curve, z = np.linspace(100, 300, 21), _z(prior)
    whole = np.tile(curve[:, None], (1, 34))
    np.testing.assert_array_equal(
        generate(prior.given(depth=curve), z, GRID), generate(prior.given(depth=whole), z, GRID)
    )


def test_that_a_file_keeps_what_was_given(tmp_path):
    prior = _prior().given(**MAPS)
    prior.save(tmp_path / "given.h5")
    again, z = load_prior(tmp_path / "given.h5"), _z(prior)
    np.testing.assert_array_equal(generate(again, z, GRID), generate(prior, z, GRID))
    assert again.conditions == prior.conditions


def test_that_directions_are_those_of_north_on_a_grid_that_is_turned():
    prior = _prior()
    turned, z = Grid((21, 34), rotation=30.0), _z(prior)
    np.testing.assert_allclose(
        generate(prior.given(azimuth=MAPS["azimuth"]), z, turned),
        generate(prior.given(azimuth=MAPS["azimuth"] + 30.0), z, GRID),
        atol=1e-4,
    )


def test_that_wells_are_honoured_beside_maps():
    prior = _prior(sees=True).given(**MAPS)
    cells = np.array([[3, 4], [10, 20], [11, 20], [20, 33]])
    wells = HardData(GRID, GRID.centres(cells), np.array([1, 0, 1, 1]), prior.facies_model)
    given = prior.given(wells=wells)
    for seed in range(8):
        z = jax.random.normal(jax.random.key(seed), (prior.latent_size(GRID),))
        found = np.asarray(prior.realization(generate(given, z, GRID)))
        np.testing.assert_array_equal(found[tuple(cells.T)], [1, 0, 1, 1])


def test_that_a_map_without_values_of_the_image_is_refused():
    prior = _prior()
    with pytest.raises(InputError, match="depth has values from 50 to 200, that of the training image"):
        prior.given(depth=np.array([[50.0, 200.0]] * 21))
    with pytest.raises(InputError, match="depth lacks values in some cells; fill them"):
        prior.given(depth=np.where(COLUMNS == 3, np.nan, MAPS["depth"]))
    with pytest.raises(InputError, match=r"values of depth are for .* cells, the grid has"):
        generate(prior.given(depth=MAPS["depth"]), _z(prior, Grid((21, 20))), Grid((21, 20)))
    with pytest.raises(InputError, match="Given the condition 'height', but this prior"):
        prior.given(height=3.0)


def test_that_a_direction_far_from_those_of_the_image_is_refused():
    values = np.linspace(10.0, 80.0, 200).reshape(10, 20)
    east = MapRange.of("azimuth", values)
    prior = random_sequential_prior(maps=(east,))
    given = prior.given(azimuth=263.0)  # 83° after half a turn
    assert given.describe()["given"] == "a map of azimuth"
    generate(given, _z(prior), GRID)
    with pytest.raises(InputError, match=r"directions around 122.5°, which no place .* give some of 10–85"):
        generate(prior.given(azimuth=120.0), _z(prior), GRID)
    turned = Grid((21, 34), rotation=40.0)  # on which 120° is what 160° is in the image
    with pytest.raises(InputError, match="on a grid that is turned by 40°"):
        generate(prior.given(azimuth=120.0), _z(prior), turned)
    generate(prior.given(azimuth=165.0), _z(prior), turned)  # 205°, that is 25°
    with pytest.raises(InputError, match="on a vertical section"):
        generate(given, _z(prior), Grid((21, 34), axes="xz"))


def test_that_usual_shares_are_those_of_the_maps():
    prior = random_sequential_prior(windows=(1, 1), maps=(DEPTH,))
    shallow, deep = (prior.given(depth=one) for one in (100.0, 300.0))
    shares = [
        float(answers(one.architecture, one.weights, one.temperatures, one.given_here.maps, one.maps).usual[1])
        for one in (prior, shallow, deep)
    ]
    assert max(shares) - min(shares) > 0.02
    z = _z(prior)
    same = shallow.given(proportions={1: shares[1]})
    np.testing.assert_allclose(generate(same, z, GRID), generate(shallow, z, GRID), atol=1e-3)
    with pytest.raises(InputError, match="give maps first, or both at once"):
        same.given(depth=200.0)


def test_that_what_is_no_map_is_refused():
    for values in ({"sand": 3}, "deep", [1.0, "a"]):
        with pytest.raises(InputError, match="values of depth are no numbers"):
            _prior().given(depth=values)


def test_that_a_map_that_says_nothing_is_refused():
    with pytest.raises(InputError, match="map depth has one value everywhere"):
        MapRange.of("depth", np.full((4, 4), 3.0))
