"""Hard data: placed where the user said, honoured exactly in the limit, refused by name if they cannot be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.data import HardData
from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.priors import FaciesModel
from tests.data.reports import reported
from tests.problems import IdentityPrior

GRID = Grid((4, 6), spacing=(10.0, 5.0), origin=(100.0, 0.0))
THREE = FaciesModel((0, 1, 2), (-0.5, 0.5))
POINTS = np.array([[105.0, 2.5], [155.0, 2.5], [105.0, 17.5], [131.0, 8.0]])
CELLS = [[0, 0], [0, 5], [3, 0], [1, 3]]
FACIES = np.array([0, 1, 2, 1])


PRIOR = IdentityPrior(THREE)


@pytest.fixture
def wells():
    return HardData(GRID, POINTS, FACIES, THREE)


@pytest.fixture
def field():
    return jnp.asarray(np.random.default_rng(0).normal(size=GRID.shape), jnp.float32)


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "boreholes.csv"
        path.write_text(text)
        return path

    return write


def test_that_wells_sit_in_the_cells_of_their_coordinates(wells):
    np.testing.assert_array_equal(wells.cells, CELLS)
    np.testing.assert_array_equal(wells.codes, FACIES)
    np.testing.assert_allclose(wells.coordinates[3], [135.0, 7.5])
    assert (wells.count, wells.kind, wells.name) == (4, "hard_data", "wells")


def test_that_a_prediction_reads_the_cell_of_its_well_and_no_other(wells):
    for datum, cell in enumerate(CELLS):
        field = np.full(GRID.shape, -9.0)
        field[tuple(cell)] = 0.1
        others = wells.predict(np.full(GRID.shape, -9.0))
        changed = np.flatnonzero(np.asarray(wells.predict(field)) != np.asarray(others))
        np.testing.assert_array_equal(changed, [datum])


def test_that_the_prediction_is_the_margin_and_its_sign_the_exact_one(wells):
    field = np.zeros(GRID.shape)
    field[0, 0], field[0, 5], field[3, 0], field[1, 3] = -2.0, 0.25, -1.0, 0.5
    np.testing.assert_allclose(wells.predict(field), [1.5, 0.25, -1.5, 0.0])
    np.testing.assert_array_equal(wells.predict_exact(field), [1, 1, 0, 0])


def test_that_wells_in_three_dimensions_count_layers_by_z():
    grid = Grid((2, 3, 4), spacing=(1.0, 1.0, 10.0))
    wells = HardData(grid, [[3.5, 1.5, 15.0]], [1], THREE)
    np.testing.assert_array_equal(wells.cells, [[1, 1, 3]])


def test_that_the_likelihood_is_the_stated_formula():
    errors = np.array([0.0, 0.1, 0.25, 0.4])
    other = errors / 2  # of three facies, two are wrong
    wells = HardData(GRID, POINTS, FACIES, THREE, error_probability=errors, slope=3.0)
    margin = np.array([0.3, -0.2, 1.0, -2.0])
    for t in (0.0, 0.5, 1.0, 4.0):
        expected = np.sum(np.log(other + (1 - errors - other) / (1 + np.exp(-3.0 * t * margin))))
        result = wells.tempered_log_likelihood(jnp.asarray(margin, jnp.float32), t)
        np.testing.assert_allclose(result, expected, rtol=1e-5)


@pytest.mark.parametrize("error", [0.0, 0.2])
def test_that_no_field_is_preferred_at_inverse_temperature_zero(error, field):
    wells = HardData(GRID, POINTS, FACIES, THREE, error_probability=error)
    for scale in (-30.0, 1.0, 30.0):
        result = wells.tempered_log_likelihood(wells.predict(scale * field), 0.0)
        np.testing.assert_allclose(result, 4 * np.log(error / 2 + (1 - 1.5 * error) / 2), rtol=1e-6)


@pytest.mark.parametrize("error", [0.05, 0.2])
def test_that_the_tempered_likelihood_ends_in_the_exact_one(error, field):
    wells = HardData(GRID, POINTS, FACIES, THREE, error_probability=error)
    end = wells.tempered_log_likelihood(wells.predict(field), 1e6)
    np.testing.assert_allclose(end, wells.exact_log_likelihood(wells.predict_exact(field)), rtol=1e-5)


def test_that_a_certain_well_that_is_missed_has_no_likelihood_and_a_doubtful_one_has_some():
    hits = jnp.array([1.0, 1.0, 0.0, 1.0])
    assert HardData(GRID, POINTS, FACIES, THREE).exact_log_likelihood(hits) == -np.inf
    assert HardData(GRID, POINTS, FACIES, THREE).exact_log_likelihood(jnp.ones(4)) == 0.0
    doubtful = HardData(GRID, POINTS, FACIES, THREE, error_probability=[0.0, 0.1, 0.2, 0.0])
    np.testing.assert_allclose(doubtful.exact_log_likelihood(hits), np.log(0.9) + np.log(0.1), rtol=1e-6)
    assert doubtful.exact_log_likelihood(1 - hits) == -np.inf


@pytest.mark.parametrize("error", [0.0, 1e-7, 0.3])
@pytest.mark.parametrize("t", [0.0, 1.0, 1e5])
@pytest.mark.parametrize("value", [-1e30, -1e4, 0.0, 1e4, 1e30])
def test_that_gradients_are_finite_at_extreme_fields(error, t, value):
    wells = HardData(GRID, POINTS, FACIES, THREE, error_probability=error)

    def objective(field):
        return wells.tempered_log_likelihood(wells.predict(field), t)

    value, gradient = jax.value_and_grad(objective)(jnp.full(GRID.shape, value, jnp.float32))
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))


def test_that_a_certain_well_far_off_still_pulls_its_field_value_back(wells):
    gradient = jax.grad(lambda field: wells.log_likelihood(field))(jnp.full(GRID.shape, -50.0))
    np.testing.assert_allclose(gradient[3, 0], wells.slope, rtol=1e-6)


def test_that_the_gradient_is_the_slope_of_the_likelihood(field):
    wells = HardData(GRID, POINTS, FACIES, THREE, error_probability=0.1, slope=2.0)
    direction = jnp.asarray(np.random.default_rng(1).normal(size=GRID.shape), jnp.float32)
    slope = jnp.vdot(jax.grad(wells.log_likelihood)(field), direction)
    step = 1e-2
    ends = [wells.log_likelihood(field + sign * step * direction) for sign in (1, -1)]
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * step), slope, rtol=1e-2)


def test_that_batches_and_compilation_change_nothing(wells):
    fields = jnp.asarray(np.random.default_rng(2).normal(size=(5, *GRID.shape)), jnp.float32)
    for function in (wells.predict, wells.predict_exact, wells.log_likelihood):
        batched = jax.jit(jax.vmap(function))(fields)
        np.testing.assert_allclose(batched, jnp.stack([function(field) for field in fields]), rtol=1e-5, atol=1e-6)


def test_that_a_field_that_is_not_a_number_honours_no_well(wells):
    exact = wells.predict_exact(jnp.full(GRID.shape, jnp.nan))
    np.testing.assert_array_equal(exact, 0.0)
    assert wells.exact_log_likelihood(exact) == -np.inf
    assert np.isnan(wells.log_likelihood(jnp.full(GRID.shape, jnp.nan)))


def test_that_the_report_counts_honoured_pixels(wells):
    field = np.zeros(GRID.shape)
    field[0, 0] = -1.0
    report = reported(wells, field)
    assert report.sentence == "3 of 4 observed cells honoured"
    assert (report.name, report.fulfilled, report.total) == ("wells", 3, 4)


def test_that_misfits_name_the_wells_most_draws_miss_worst_first(wells):
    predictions = np.ones((100, 4))
    predictions[3:, 1] = 0.0
    predictions[:, 2] = 0.0
    predictions[60:, 3] = 0.0
    assert wells.misfits(predictions) == [
        "well at x 105 m, y 17.5 m (facies 2): honoured in 0 % of draws",
        "well at x 155 m, y 2.5 m (facies 1): honoured in 3 % of draws",
    ]
    assert wells.misfits(np.ones((10, 4))) == []


def test_that_wells_in_one_cell_that_agree_become_one_pixel_with_the_smaller_error():
    points = np.array([[101.0, 1.0], [155.0, 2.5], [109.0, 4.0]])
    wells = HardData(GRID, points, [1, 0, 1], THREE, error_probability=[0.2, 0.0, 0.1])
    assert wells.count == 2
    np.testing.assert_array_equal(wells.cells, [[0, 0], [0, 5]])
    np.testing.assert_array_equal(wells.error_probability, [0.1, 0.0])


def test_that_two_certain_wells_in_one_cell_that_disagree_are_refused_by_name():
    points = np.array([[101.0, 1.0], [155.0, 2.5], [109.0, 4.0]])
    sentence = "Well 1 at x 101 m, y 1 m shows facies 1, but well 3 at x 109 m, y 4 m shows facies 2 in the same"
    with pytest.raises(InputError, match=sentence):
        HardData(GRID, points, [1, 0, 2], THREE)


def test_that_a_doubtful_well_may_disagree_with_a_certain_one():
    wells = HardData(GRID, [[101.0, 1.0], [109.0, 4.0]], [1, 2], THREE, error_probability=[0.0, 0.1])
    assert wells.count == 2
    np.testing.assert_allclose(wells.exact_log_likelihood(jnp.array([1.0, 0.0])), np.log(0.05), rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"coordinates": [[105.0, 2.5], [200.0, 3.0]]},
            r"Well 2 at x 200 m, y 3 m lies outside the grid \(x 100–160",
        ),
        ({"facies": [0, 7]}, r"Well 2 at x 155 m, y 2.5 m has facies 7, which the prior .*; use 0, 1, 2"),
        ({"facies": [0, 0.5]}, "has facies 0.5, which the prior does not have"),
        ({"facies": [0, np.nan]}, "has facies nan, which the prior does not have"),
        (
            {"error_probability": [0.0, 0.5]},
            "Well 2 .* has error probability 0.5; expected at least 0 and below 0.5",
        ),
        ({"error_probability": -0.1}, "Well 1 .* has error probability -0.1"),
        ({"error_probability": np.nan}, "has error probability nan"),
        ({"error_probability": [0.1, 0.1, 0.1]}, "Given 3 values of the error probability for 2 data"),
        ({"facies": [0, 1, 1]}, "coordinates of 2 wells and 3 facies; expected equally many"),
        ({"facies": []}, "'wells' contain no well; give at least one"),
        ({"slope": 0.0}, "slope 0 of 'wells' is not positive"),
        ({"slope": np.nan}, "slope nan of 'wells' is not positive"),
        ({"labels": ["north"]}, "Given 1 labels for 2 data"),
        ({"labels": ["north", "south"], "facies": [0, 7]}, "South at x 155 m"),
    ],
)
def test_that_wells_that_cannot_be_used_are_refused_by_name(changes, sentence):
    arguments = {"coordinates": POINTS[:2], "facies": FACIES[:2], "facies_model": THREE, **changes}
    with pytest.raises(InputError, match=sentence):
        HardData(GRID, **arguments)


def test_that_a_field_of_another_shape_is_refused_rather_than_clamped(wells):
    with pytest.raises(InputError, match=r"The field has \(3, 3\) cells, but the data were placed on .* \(4, 6\)"):
        wells.predict(jnp.zeros((3, 3)))


def test_that_a_csv_gives_the_same_wells(write, wells):
    path = write("id;x;y;facies\nA;105;2.5;0\nB;155;2.5;1\nC;105;17.5;2\nD;131;8;1\n")
    read = HardData.from_csv(path, GRID, PRIOR)
    assert read.name == "boreholes"
    assert HardData.from_csv(path, GRID, PRIOR, name="cores").name == "cores"
    for name, array in wells.to_arrays().items():
        np.testing.assert_array_equal(read.to_arrays()[name], array)


def test_that_a_csv_may_give_error_probabilities_and_depths(write):
    grid = Grid((2, 3, 4))
    path = write("x,y,z,facies,error_probability\n0.5,1.5,1.5,2,0.1\n3.5,2.5,0.5,0,0\n")
    wells = HardData.from_csv(path, grid, PRIOR)
    np.testing.assert_array_equal(wells.cells, [[1, 1, 0], [0, 2, 3]])
    np.testing.assert_array_equal(wells.error_probability, [0.1, 0.0])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "x,y,facies\n\n900,2,0\n",
            r"The well on line 3 of boreholes\.csv at x 900 m, y 2 m lies outside the grid",
        ),
        ("x,y,facies\n105,2,4\n", r"The well on line 2 of boreholes\.csv .* has facies 4, .*; use 0, 1, 2"),
        (
            "x,y,facies\n105,2,0\n105,2,1\n",
            r"The well on line 2 .* but the well on line 3 of boreholes\.csv at",
        ),
        ("x,y,facies,error_probability\n105,2,0,0.7\n", r"line 2 of boreholes\.csv .* error probability 0.7"),
        ("x,facies\n105,0\n", "has no column y"),
    ],
)
def test_that_a_csv_that_cannot_be_used_is_refused_by_its_line(write, text, sentence):
    with pytest.raises(InputError, match=sentence):
        HardData.from_csv(write(text), GRID, PRIOR)


def test_that_a_missing_csv_and_a_prior_without_facies_are_refused(write, tmp_path):
    with pytest.raises(StorageError, match="There is no file"):
        HardData.from_csv(tmp_path / "absent.csv", GRID, PRIOR)
    with pytest.raises(InputError, match="are facies, but the prior has a continuous property"):
        HardData.from_csv(write("x,y,facies\n105,2,0\n"), GRID, IdentityPrior(None))


def test_that_the_check_accepts_its_own_grid_and_prior_only(wells):
    wells.check(PRIOR, Grid((4, 6), spacing=(10.0, 5.0), origin=(100.0, 0.0)))
    with pytest.raises(InputError, match=r"'wells' were placed on a grid of \(4, 6\) cells"):
        wells.check(PRIOR, Grid((4, 6)))
    with pytest.raises(InputError, match=r"made for facies \(0, 1, 2\) .*, but the prior has facies \(0, 1\)"):
        wells.check(IdentityPrior(FaciesModel((0, 1), (0.0,))), GRID)
    with pytest.raises(InputError, match="but the prior has a continuous property"):
        wells.check(IdentityPrior(None), GRID)


def test_that_arrays_make_the_same_wells_again_bit_for_bit(field):
    points = GRID.lower + np.random.default_rng(3).uniform(size=(30, 2)) * (GRID.upper - GRID.lower)
    wells = HardData(GRID, points, np.arange(30) % 3, THREE, error_probability=0.1 / 3, slope=6.1, name="logs")
    arrays = wells.to_arrays()
    again = HardData.from_arrays("logs", arrays, GRID, PRIOR)
    assert again.name == "logs"
    assert arrays.keys() == again.to_arrays().keys()
    for name, array in arrays.items():
        assert array.dtype == again.to_arrays()[name].dtype
        np.testing.assert_array_equal(array, again.to_arrays()[name])
    assert wells.log_likelihood(field) == again.log_likelihood(field)
