"""Block means: averages over the right cells, a normalised Gaussian likelihood, refusals by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from latentinv.data import BlockMeans, IndirectData
from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors import FaciesModel
from tests.data.reports import reported
from tests.problems import IdentityPrior

GRID = Grid((4, 6))
THREE = FaciesModel((0, 1, 2), (-0.5, 0.5))
LOWER = np.array([[0.0, 0.0], [2.0, 0.0], [0.5, 1.0]])
UPPER = np.array([[2.0, 2.0], [6.0, 1.0], [3.0, 3.5]])
LABELS = ("block 1 (x 0–2 m, y 0–2 m)", "block 2 (x 2–6 m, y 0–1 m)", "block 3 (x 0.5–3 m, y 1–3.5 m)")


@pytest.fixture
def shares():
    return BlockMeans(GRID, LOWER, UPPER, [0.3, 0.5, 0.2], [0.05, 0.1, 0.02], THREE, facies=[2, 1, 0], slope=4.0)


@pytest.fixture
def means():
    return BlockMeans(GRID, LOWER, UPPER, [0.3, -5.0, 12.0], [0.05, 0.1, 0.02], None)


@pytest.fixture
def field():
    return jnp.asarray(np.random.default_rng(0).normal(size=GRID.shape), jnp.float32)


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "zones.csv"
        path.write_text(text)
        return path

    return write


def test_that_a_unit_cell_gives_its_share_of_each_box(means):
    """Cells cut by the third box, 2.5 m by 2.5 m from (0.5, 1), count by the area inside."""
    third = np.outer([0.0, 1.0, 1.0, 0.5], [0.5, 1.0, 1.0, 0.0, 0.0, 0.0]) / 6.25
    for row, column in np.ndindex(*GRID.shape):
        field = np.zeros(GRID.shape)
        field[row, column] = 1.0
        first = 0.25 if row < 2 and column < 2 else 0.0
        second = 0.25 if row < 1 and column >= 2 else 0.0
        np.testing.assert_allclose(means.predict(field), [first, second, third[row, column]], rtol=1e-6)


def test_that_exact_shares_count_thresholded_cells(shares):
    field = np.zeros(GRID.shape)
    field[0, 0] = 1.0
    field[:, 2:] = -1.0
    field[0, 3] = 0.1
    np.testing.assert_allclose(shares.predict_exact(field), [0.25, 0.25, 2.5 / 6.25], rtol=1e-6)


def test_that_soft_shares_average_the_probability_and_end_in_the_exact_ones(shares, field):
    probability = np.exp(THREE.log_probability(field, 4.0))
    expected = [np.sum(GRID.box_weights(LOWER[i], UPPER[i]) * probability[..., k]) for i, k in enumerate((2, 1, 0))]
    np.testing.assert_allclose(shares.predict(field), expected, rtol=1e-5)
    steep = BlockMeans(GRID, LOWER, UPPER, [0.3, 0.5, 0.2], 0.1, THREE, facies=[2, 1, 0], slope=1e6)
    np.testing.assert_allclose(steep.predict(field), shares.predict_exact(field), atol=1e-5)


def test_that_the_highest_category_is_meant_unless_a_facies_is_given():
    blocks = BlockMeans(GRID, LOWER, UPPER, [0.3, 0.5, 0.2], 0.1, THREE)
    np.testing.assert_allclose(blocks.predict_exact(np.ones(GRID.shape)), 1.0, rtol=1e-6)
    one = BlockMeans(GRID, LOWER, UPPER, [0.3, 0.5, 0.2], 0.1, THREE, facies=1)
    np.testing.assert_allclose(one.predict_exact(np.zeros(GRID.shape)), 1.0, rtol=1e-6)


def test_that_a_continuous_prediction_is_the_same_read_softly_or_exactly(means, field):
    np.testing.assert_array_equal(means.predict(field), means.predict_exact(field))


def test_that_the_likelihood_is_the_normalised_gaussian(shares):
    prediction = np.array([0.25, 0.8, 0.2])
    expected = scipy.stats.norm.logpdf([0.3, 0.5, 0.2], prediction, [0.05, 0.1, 0.02]).sum()
    prediction = jnp.asarray(prediction, jnp.float32)
    np.testing.assert_allclose(shares.exact_log_likelihood(prediction), expected, rtol=1e-5)
    for t, factor in ((0.0, 0.0), (0.25, 0.25), (1.0, 1.0), (50.0, 1.0)):
        np.testing.assert_allclose(
            shares.tempered_log_likelihood(prediction, t), factor * expected, rtol=1e-5, atol=1e-7
        )


@pytest.mark.parametrize("t", [0.0, 1.0, 50.0])
@pytest.mark.parametrize("value", [-1e30, -1e4, 0.0, 1e4, 1e30])
def test_that_gradients_are_finite_at_extreme_fields(shares, t, value):
    def objective(field):
        return shares.tempered_log_likelihood(shares.predict(field), t)

    value, gradient = jax.value_and_grad(objective)(jnp.full(GRID.shape, value, jnp.float32))
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("kind", ["shares", "means"])
def test_that_the_gradient_is_the_slope_of_the_likelihood(kind, field, request):
    blocks = request.getfixturevalue(kind)
    direction = jnp.asarray(np.random.default_rng(1).normal(size=GRID.shape), jnp.float32)
    slope = jnp.vdot(jax.grad(blocks.log_likelihood)(field), direction)
    step = 1e-2
    ends = [blocks.log_likelihood(field + sign * step * direction) for sign in (1, -1)]
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * step), slope, rtol=1e-2)


@pytest.mark.parametrize("kind", ["shares", "means"])
def test_that_batches_and_compilation_change_nothing(kind, request):
    blocks = request.getfixturevalue(kind)
    fields = jnp.asarray(np.random.default_rng(2).normal(size=(5, *GRID.shape)), jnp.float32)
    for function in (blocks.predict, blocks.predict_exact, blocks.log_likelihood):
        batched = jax.jit(jax.vmap(function))(fields)
        np.testing.assert_allclose(batched, jnp.stack([function(field) for field in fields]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["shares", "means"])
def test_that_a_field_that_is_not_a_number_has_no_mean(kind, request):
    prediction = request.getfixturevalue(kind).predict_exact(jnp.full(GRID.shape, jnp.nan))
    assert np.all(np.isnan(prediction))


def test_that_the_report_counts_blocks_within_two_sd():
    blocks = BlockMeans(GRID, LOWER, UPPER, [1.5, 2.05, 4.0], [1.0, 0.03, 0.5], None, name="zones")
    report = reported(blocks, np.full(GRID.shape, 2.0))
    assert report.sentence == "rmse 1.2, stated 0.65 on average; 2 of 3 block means within two sd"
    assert (report.name, report.fulfilled, report.total) == ("zones", 2, 3)


def test_that_misfits_name_the_blocks_off_by_over_three_sd_worst_first():
    blocks = BlockMeans(
        GRID, [[0, 0], [0, 0], [2, 0]], [[2, 2], [6, 4], [3, 1.5]], [0.5, 0.3, 0.6], [0.1, 0.02, 0.025], THREE
    )
    draws = np.array([[0.7, 0.4, 0.5], [0.8, 0.5, 0.5]])
    assert blocks.misfits(draws) == [
        "blocks, block 2 (x 0–6 m, y 0–4 m): data 0.30 ± 0.02, draws 0.45",
        "blocks, block 3 (x 2–3 m, y 0–1.5 m): data 0.600 ± 0.025, draws 0.500",
    ]
    assert blocks.misfits(np.tile(blocks.observed, (4, 1))) == []
    assert len(blocks.misfits(np.full((2, 3), np.nan))) == 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"upper": [[2, 2], [2, 1]]}, r"Block 2: the box from \(2, 0\) to \(2, 1\) has no area"),
        ({"upper": [[2, 2], [7, 1]]}, r"Block 2: the box .* reaches outside the grid \(x 0–6 m, y 0–4 m\)"),
        ({"sd": [0.1, 0.0]}, "Block 2 has sd 0; expected a standard deviation above 0"),
        ({"sd": -0.1}, "Block 1 has sd -0.1"),
        ({"sd": np.nan}, "Block 1 has sd nan"),
        ({"sd": [0.1, 0.1, 0.1]}, "Given 3 values of the standard deviation for 2 data"),
        ({"mean": [0.3, 1.2]}, "Block 2 has mean 1.2; expected the share of a facies, between 0 and 1"),
        ({"mean": [0.3, np.nan]}, "Block 2 has mean nan; expected a finite number"),
        ({"mean": [0.3]}, "Given 2 lower corners, 2 upper corners and 1 means"),
        ({"mean": []}, "'blocks' contain no block"),
        ({"facies": [1, 4]}, "Block 2 has facies 4, which the prior does not have; use 0, 1, 2"),
        ({"facies_model": None, "facies": 1}, "name a facies, but the prior has a continuous property"),
        ({"slope": -1.0}, "slope -1 of 'blocks' is not positive"),
    ],
)
def test_that_blocks_that_cannot_be_used_are_refused_by_name(changes, sentence):
    arguments = {
        "lower": LOWER[:2],
        "upper": UPPER[:2],
        "mean": [0.3, 0.5],
        "sd": 0.1,
        "facies_model": THREE,
        **changes,
    }
    with pytest.raises(InputError, match=sentence):
        BlockMeans(GRID, **arguments)


def test_that_a_field_of_another_shape_is_refused(shares):
    with pytest.raises(InputError, match=r"The field has \(6, 4\) cells"):
        shares.predict(jnp.zeros((6, 4)))


HEADER = "x_min,y_min,x_max,y_max,mean,sd"


def test_that_a_csv_gives_the_same_blocks(write, shares):
    path = write(
        f"{HEADER},facies\n0,0,2,2,0.3,0.05,2\n2,0,6,1,0.5,0.1,1\n0.5,1,3,3.5,0.2,0.02,0\n",
    )
    blocks = BlockMeans.from_csv(path, GRID, IdentityPrior(THREE))
    assert (blocks.name, blocks.count) == ("zones", 3)
    for name in ("forward lower", "forward upper", "forward number", "data", "noise sd"):
        np.testing.assert_array_equal(blocks.to_arrays()[name], shares.to_arrays()[name])
    assert BlockMeans.from_csv(path, GRID, IdentityPrior(THREE), name="pumping").name == "pumping"


def test_that_a_csv_without_facies_means_the_highest_category_or_the_field_itself(write):
    path = write(f"{HEADER}\n0,0,2,2,0.3,0.05\n")
    assert BlockMeans.from_csv(path, GRID, IdentityPrior(THREE)).forward.number == [2]
    assert BlockMeans.from_csv(path, GRID, IdentityPrior(None)).forward.number is None


def test_that_a_csv_in_three_dimensions_has_depths(write):
    path = write("x_min,y_min,z_min,x_max,y_max,z_max,mean,sd\n0,0,1,1,1,2,0.3,0.05\n")
    blocks = BlockMeans.from_csv(path, Grid((2, 3, 4)), IdentityPrior(None))
    assert np.flatnonzero(blocks.seen()).tolist() == [12]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{HEADER}\n\n0,0,0,2,0.3,0.05\n", r"The block on line 3 of zones\.csv: the box .* has no area"),
        (f"{HEADER}\n0,0,9,2,0.3,0.05\n", r"The block on line 2 of zones\.csv: the box .* reaches outside"),
        (f"{HEADER}\n0,0,2,2,0.3,-1\n", r"The block on line 2 of zones\.csv has sd -1"),
        (f"{HEADER}\n0,0,2,2,0.3,nan\n", r"zones\.csv, line 2, column sd holds 'nan', which is not finite"),
        (f"{HEADER}\n0,0,2,2,30,1\n", r"The block on line 2 of zones\.csv has mean 30; expected the share"),
        (f"{HEADER},facies\n0,0,2,2,0.3,1,8\n", r"The block on line 2 of zones\.csv has facies 8"),
        ("x_min,y_min\n0,0\n", "has no column x_max, y_max, mean, sd"),
    ],
)
def test_that_a_csv_that_cannot_be_used_is_refused_by_its_line(write, text, sentence):
    with pytest.raises(InputError, match=sentence):
        BlockMeans.from_csv(write(text), GRID, IdentityPrior(THREE))


def test_that_the_check_accepts_its_own_grid_and_prior_only(shares, means):
    shares.check(IdentityPrior(THREE), Grid((4, 6)))
    means.check(IdentityPrior(None), GRID)
    with pytest.raises(InputError, match="'blocks' were placed on a grid"):
        shares.check(IdentityPrior(THREE), Grid((6, 4)))
    with pytest.raises(InputError, match="use the field as a property, but the prior has facies"):
        means.check(IdentityPrior(THREE), GRID)


@pytest.mark.parametrize(("kind", "model"), [("shares", THREE), ("means", None)])
def test_that_arrays_make_the_same_blocks_again_bit_for_bit(kind, model, field, request):
    blocks = request.getfixturevalue(kind)
    arrays = blocks.to_arrays()
    again = IndirectData.from_arrays("copy", arrays, GRID, IdentityPrior(model))
    assert again.name == "copy"
    assert arrays.keys() == again.to_arrays().keys()
    for name, array in arrays.items():
        assert array.dtype == again.to_arrays()[name].dtype
        np.testing.assert_array_equal(array, again.to_arrays()[name])
    assert blocks.labels == again.labels == LABELS
    assert blocks.log_likelihood(field) == again.log_likelihood(field)


def test_that_maps_show_the_boxes(shares):
    (boxes,) = shares.marks()
    np.testing.assert_array_equal(boxes.lower, LOWER)
    np.testing.assert_array_equal(boxes.upper, UPPER)


def test_that_rows_put_the_draws_beside_each_block(shares):
    rows = shares.beside(np.array([[0.2, 0.5, 0.1], [0.4, 0.5, 0.1]]))
    assert rows[0] == (LABELS[0], "data 0.3 ± 0.05, draws 0.3 ± 0.1")
    assert [label for label, _ in rows] == list(LABELS)
