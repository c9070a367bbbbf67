"""Indirect data: predictions, a likelihood that rejects failed simulations, reports, refusals, storage."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from latentinv import (
    ContinuousProperty,
    CorrelatedNoise,
    FaciesProperty,
    Grid,
    IndirectData,
    InputError,
    Posterior,
    StorageError,
    StudentNoise,
    UnknownNoise,
)
from latentinv.data import OBSERVATIONS
from latentinv.forward import LinearForward, StraightRays, gravity
from latentinv.priors import FaciesModel
from tests.data.reports import reported
from tests.problems import LinearPrior

GRID = Grid((2, 3), (10.0, 10.0))
TWO = FaciesModel((0, 1), (0.0,))
WEIGHTS = np.random.default_rng(0).uniform(0.2, 1.0, (4, 6))
FORWARD = LinearForward(WEIGHTS, GRID)
FIELD = jnp.array([[-1.0, 0.5, 0.02], [2.0, -0.3, 0.1]])
DATA = np.array([1.0, 2.0, 3.0, 4.0])
CONTINUOUS, FACIES = LinearPrior(np.eye(6)), LinearPrior(np.eye(6), TWO)


def heads(noise=0.5, forward=FORWARD, data=DATA, **settings):
    return IndirectData(GRID, forward, data, noise, name="heads", unit="m", **settings)


def fails_below(property):
    """A forward model that gives no number where the first cell is below zero."""
    return jnp.where(property[0, 0] < 0, jnp.nan, jnp.sqrt(property[0, 0])) * jnp.ones(4)


def test_that_one_cell_reaches_the_data_by_its_own_weights():
    for cell in range(6):
        field = jnp.zeros(6).at[cell].set(1.0).reshape(GRID.shape)
        np.testing.assert_allclose(heads().predict(field), WEIGHTS[:, cell], rtol=1e-6)


def test_that_facies_are_read_softly_and_exactly_before_the_forward_model():
    data = heads(property=FaciesProperty(TWO, (3.0, 7.0), slope=4.0))
    share = np.asarray(jax.nn.sigmoid(4.0 * FIELD.ravel()))
    np.testing.assert_allclose(data.predict(FIELD), WEIGHTS @ (3 + 4 * share), rtol=1e-5)
    np.testing.assert_allclose(data.predict_exact(FIELD), WEIGHTS @ np.where(FIELD.ravel() > 0, 7, 3), rtol=1e-5)
    soft, exact = data.predict_both(FIELD)
    np.testing.assert_array_equal(soft, data.predict(FIELD))
    np.testing.assert_array_equal(exact, data.predict_exact(FIELD))


def test_that_without_facies_the_forward_model_runs_once():
    calls = []

    def forward(property):
        calls.append(property)
        return property.ravel()[:4]

    data = heads(forward=forward)
    calls.clear()
    soft, exact = data.predict_both(FIELD)
    assert len(calls) == 1
    assert soft is exact


def test_that_the_likelihood_is_the_noise_models_and_scales_up_to_the_stated_model():
    covariance = 0.25 * np.exp(-np.abs(np.subtract.outer(np.arange(4), np.arange(4))))
    prediction = jnp.array([1.2, 1.9, 3.0, 4.6])
    for noise, expected in (
        (0.5, scipy.stats.norm(DATA, 0.5).logpdf(prediction).sum()),
        (CorrelatedNoise(covariance), scipy.stats.multivariate_normal(DATA, covariance).logpdf(prediction)),
        (StudentNoise(0.5, 3.0), scipy.stats.t(3.0, DATA, 0.5).logpdf(prediction).sum()),
    ):
        data = heads(noise)
        assert float(data.exact_log_likelihood(prediction)) == pytest.approx(expected, rel=1e-5)
        for t, power in ((0.0, 0.0), (0.3, 0.3), (1.0, 1.0), (50.0, 1.0)):
            assert float(data.tempered_log_likelihood(prediction, t)) == pytest.approx(power * expected, rel=1e-5)


def test_that_the_gradient_agrees_with_differences():
    data = heads(property=FaciesProperty(TWO, (3.0, 7.0), mean="geometric", slope=4.0))
    direction = jnp.asarray(np.random.default_rng(1).standard_normal(GRID.shape), jnp.float32)

    def along(step):
        return data.log_likelihood(FIELD + step * direction)

    difference = (along(1e-2) - along(-1e-2)) / 2e-2
    assert float(jax.grad(along)(0.0)) == pytest.approx(float(difference), rel=1e-2)


def test_that_a_failed_simulation_is_rejected_at_every_temperature_and_leaves_no_gradient_of_it():
    data = heads(forward=fails_below)
    prediction = data.predict(FIELD)
    for t in (0.0, 0.5, 1.0):
        assert float(data.tempered_log_likelihood(prediction, t)) == -np.inf
    assert float(data.exact_log_likelihood(prediction)) == -np.inf
    gradient = jax.grad(lambda p: data.tempered_log_likelihood(p, 1.0))(prediction)
    np.testing.assert_array_equal(gradient, np.zeros(4))
    assert np.isfinite(float(data.log_likelihood(-FIELD)))


def test_that_the_report_compares_the_rmse_with_the_stated_noise_in_the_unit():
    data = heads(0.5, data=np.asarray(FORWARD.predict(FIELD)) + np.array([0.3, -0.4, 0.0, 1.2]))
    report = reported(data, FIELD)
    assert report.sentence == "rmse 0.65 m, stated 0.5 m; 3 of 4 data within two sd"
    assert (report.name, report.fulfilled, report.total) == ("heads", 3, 4)
    assert report.rmse == pytest.approx(0.65, rel=1e-4)
    unequal = reported(heads([0.1, 0.7, 0.1, 0.7]), FIELD).sentence
    assert "stated 0.5 m on average" in unequal
    assert "stated scale 0.5 m" in reported(heads(StudentNoise(0.5, 3.0)), FIELD).sentence
    assert reported(heads(StudentNoise(0.5, 3.0)), FIELD).sentence.endswith("within two scales")


def test_that_the_report_tells_what_the_residuals_make_of_an_unknown_sd():
    data = np.asarray(FORWARD.predict(FIELD)) + np.array([0.3, -0.4, 0.0, 1.2])
    guess = UnknownNoise(0.1, 1.0)
    (inferred,) = set(guess.inferred_spread(np.array([0.3, -0.4, 0.0, 1.2])).round(6))
    sentence = reported(heads(guess, data=data), FIELD).sentence
    assert sentence == f"rmse 0.65 m, guessed 0.1 m, inferred {inferred:.2g} m; 4 of 4 data within two sd"


def test_that_data_are_held_against_the_sd_that_is_inferred_not_the_one_that_was_guessed():
    drawn = DATA + np.array([0.3, -0.4, 0.2, 0.5])
    assert heads(0.1).misfits(drawn[None])
    assert heads(UnknownNoise(0.1, 1.0)).misfits(drawn[None]) == []


def test_that_a_report_of_a_failed_simulation_says_so():
    report = reported(heads(forward=fails_below), FIELD)
    assert report.sentence == "the forward model gave no number for 4 of 4 data"
    assert (report.fulfilled, report.total, report.rmse) == (0, 4, None)


def test_that_data_far_from_the_draws_are_named_worst_first():
    data = heads(labels=["north", "east", "south", "west"])
    drawn = np.stack([DATA + np.array([0.0, -5.0 + shift, 1.0, 2.0]) for shift in (-1.0, 1.0)])
    assert data.misfits(drawn) == [
        "heads, east: data 2.0 ± 0.5 m, draws -3.0",
        "heads, west: data 4.0 ± 0.5 m, draws 6.0",
    ]
    assert len(heads().misfits(np.full((2, 4), np.nan))) == 4


@pytest.mark.parametrize(
    ("noise", "reading", "prior"),
    [
        (0.5, None, CONTINUOUS),
        ([0.1, 0.2, 0.3, 0.4], ContinuousProperty("exp"), CONTINUOUS),
        (StudentNoise(0.5, 3.0), FaciesProperty(TWO, (3.0, 7.0), mean="geometric"), FACIES),
        (CorrelatedNoise(np.eye(4) + 0.3, 0.1), FaciesProperty(TWO, (3.0, 7.0), log_gradients=0.5), FACIES),
    ],
)
def test_that_the_data_come_back_from_their_arrays(noise, reading, prior):
    data = heads(noise, property=reading, labels=["a", "b", "c", "ß"])
    again = OBSERVATIONS["indirect_data"].from_arrays("heads", data.to_arrays(), GRID, prior)
    assert (again.name, again.unit, again.labels) == ("heads", "m", ("a", "b", "c", "ß"))
    assert float(again.log_likelihood(FIELD)) == float(data.log_likelihood(FIELD))
    assert reported(again, FIELD) == reported(data, FIELD)


def test_that_a_function_is_asked_for_again_and_a_mistaken_one_is_refused():
    def function(property):
        return jnp.asarray(WEIGHTS, jnp.float32) @ property.ravel()

    data = heads(forward=function)
    arrays = data.to_arrays()
    assert "cannot hold; give it again" in str(arrays["forward note"])
    again = IndirectData.from_arrays("heads", arrays, GRID, CONTINUOUS, forward=function)
    assert float(again.log_likelihood(FIELD)) == float(data.log_likelihood(FIELD))
    with pytest.raises(InputError, match="'heads' predicts different data from the one the run was made with"):
        IndirectData.from_arrays("heads", arrays, GRID, CONTINUOUS, forward=lambda p: 2 * function(p))
    with pytest.raises(InputError, match="is in the run file; give no function for it"):
        IndirectData.from_arrays("heads", heads().to_arrays(), GRID, CONTINUOUS, forward=function)


def test_that_data_are_read_and_reported_without_the_function_that_predicts_them():
    data = heads(forward=lambda property: jnp.asarray(WEIGHTS, jnp.float32) @ property.ravel())
    arrays, exact = data.to_arrays(), data.predict_exact(FIELD)
    again = IndirectData.from_arrays("heads", arrays, GRID, CONTINUOUS)
    assert data.missing is None
    asks = r"a Python function, which a run file cannot hold; give it again, as in resume\(path, forwards={'heads': "
    assert re.search(asks, again.missing)
    with pytest.raises(InputError, match=asks):
        again.predict(FIELD)
    again.check(CONTINUOUS, GRID)
    assert again.report(exact) == data.report(exact)
    assert again.misfits(exact[None] + 9) == data.misfits(exact[None] + 9)
    assert (again.count, again.marks(), again.simulator) == (4, (), None)
    assert float(jax.jit(lambda o, p: o.exact_log_likelihood(p))(again, exact)) == float(
        data.exact_log_likelihood(exact)
    )
    for name, array in again.to_arrays().items():
        np.testing.assert_array_equal(array, arrays[name])


@pytest.mark.parametrize("part", ["noise", "property", "forward"])
def test_that_parts_of_a_kind_this_version_does_not_know_are_refused(part):
    arrays = heads().to_arrays() | {f"{part} kind": np.asarray("quantum")}
    with pytest.raises(StorageError, match=f"The {part} of the data 'heads' is of kind 'quantum'"):
        IndirectData.from_arrays("heads", arrays, GRID, CONTINUOUS)


def test_that_the_property_must_be_of_the_priors_fields():
    with pytest.raises(InputError, match="use the field as a property, but the prior has facies; say with Facies"):
        Posterior(FACIES, GRID, [heads()])
    with pytest.raises(InputError, match="but the prior has a continuous property"):
        Posterior(CONTINUOUS, GRID, [heads(property=FaciesProperty(TWO, (3.0, 7.0)))])
    with pytest.raises(InputError, match="use one grid for both"):
        Posterior(CONTINUOUS, Grid((2, 3)), [heads()])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: heads(data=DATA[:3]), "The forward model of 'heads' predicts 4 data, but there are 3"),
        (lambda: heads(data=[1.0, np.nan, 2.0, 3.0]), "Datum 2 of 'heads' is nan; give a finite number or remove it"),
        (lambda: heads(-1.0), "has a standard deviation of -1"),
        (lambda: heads([0.1, 0.2]), "2 values of the noise's standard deviation for 4 data"),
        (lambda: heads(CorrelatedNoise(np.eye(3))), "for 3 data, but there are 4"),
        (lambda: heads(labels=["a"]), "1 labels for 4 data"),
        (lambda: heads(forward=lambda p: p), "expected one array with one number per datum"),
        (lambda: heads(forward=lambda p: (p[0] > 0).sum()[None]), "numbers of type int32; expected floating-point"),
        (lambda: heads(forward=lambda p: np.asarray(p).ravel()[:4]), "write it with jax.numpy, or give it as"),
        (lambda: IndirectData(Grid((2, 3)), FORWARD, DATA, 0.5), "use one grid for both"),
    ],
)
def test_that_data_that_cannot_be_used_are_refused_in_words(make, words):
    with pytest.raises(InputError, match=words):
        make()


def written(tmp_path, text):
    (tmp_path / "heads.csv").write_text(text)
    return tmp_path / "heads.csv"


def at_cells(places):
    rows = np.zeros((len(places), GRID.size))
    rows[np.arange(len(places)), np.ravel_multi_index(tuple(GRID.cells(places).T), GRID.shape)] = 1.0
    return LinearForward(rows, GRID)


def test_that_a_table_gives_places_values_and_their_noise(tmp_path):
    path = written(tmp_path, "x,y,value,sd\n5,5,-0.9,0.1\n15,15,-0.5,0.2\n")
    data = IndirectData.from_csv(path, GRID, at_cells, unit="m")
    assert (data.name, data.unit, data.labels) == (
        "heads",
        "m",
        tuple(f"the datum on line {n} of heads.csv" for n in (2, 3)),
    )
    np.testing.assert_allclose(data.predict(FIELD), [-1.0, -0.3])
    expected = scipy.stats.norm([-1.0, -0.3], [0.1, 0.2]).logpdf([-0.9, -0.5]).sum()
    assert float(data.log_likelihood(FIELD)) == pytest.approx(expected, rel=1e-5)


def test_that_columns_that_are_named_say_where_and_when(tmp_path):
    text = "Source_x,source_y,receiver_x,receiver_y,value,sd\n1,2,25,12,9,1\n1,2,25,18,9,1\n"
    rays = ("source_x", "source_y", "receiver_x", "receiver_y")
    data = IndirectData.from_csv(
        written(tmp_path, text), GRID, lambda ends: StraightRays(GRID, ends[:, :2], ends[:, 2:]), columns=rays
    )
    np.testing.assert_array_equal(data.forward.receivers, [[25, 12], [25, 18]])
    stations = written(tmp_path, "x,y,value,sd\n5,-1,0.1,0.01\n")
    section = Grid(GRID.shape, GRID.spacing, GRID.origin, axes="xz", z_axis="depth")
    assert IndirectData.from_csv(stations, section, lambda at: gravity(section, at), columns=("x", "y")).count == 1
    with pytest.raises(InputError, match=r"line 2 of heads\.csv at x 5 m, y -1 m lies outside the grid"):
        IndirectData.from_csv(stations, GRID, lambda at: gravity(section, at))
    timed = written(tmp_path, "x,y,time,value,sd\n15,5,120,2,1\n5,5,60,1,1\n")
    names = ("x", "y", "time")  # of which the last alone decides where this forward model looks
    seen = IndirectData.from_csv(timed, GRID, lambda rows: at_cells(rows[:, -1:] * [0.2, 0.05]), columns=names)
    np.testing.assert_allclose(seen.predict(FIELD), [0.02, 0.5], rtol=1e-6)
    for columns in ((), "time", ("x", "x"), ("x", "value")):
        with pytest.raises(InputError, match="expected a list of different names"):
            IndirectData.from_csv(timed, GRID, at_cells, columns=columns)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x,y,head,sd\n5,5,1,1\n", r"heads\.csv has no column value; its columns are x, y, head, sd"),
        ("right,up,value,sd\n5,5,1,1\n", r"heads\.csv has no column x, y; .* If coordinates have other names"),
        ("x,y,value\n5,5,1\n", r"heads\.csv has no column sd"),
        ("x,y,value,sd\n5,5,1,0\n", r"line 2 of heads\.csv at x 5 m, y 5 m has sd 0; expected a standard deviation"),
        ("x,y,value,sd\n5,5,1,1\n95,5,1,1\n", r"line 3 of heads\.csv at x 95 m, y 5 m lies outside the grid"),
    ],
)
def test_that_a_table_that_cannot_be_used_is_refused_by_column_or_line(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        IndirectData.from_csv(written(tmp_path, text), GRID, at_cells)


def test_that_a_table_of_another_length_than_the_forward_model_predicts_is_refused(tmp_path):
    path = written(tmp_path, "x,y,value,sd\n5,5,1,1\n")
    with pytest.raises(InputError, match=r"heads\.csv has 1 data, but the forward model predicts 4; give one line a"):
        IndirectData.from_csv(path, GRID, lambda places: FORWARD)


def test_that_a_column_of_units_is_read_and_a_wrong_one_refused_by_file_and_line(tmp_path):
    path = written(tmp_path, "x,y,value,sd,unit\n5,5,1,1,m\n15,5,1,1, m \n")
    assert IndirectData.from_csv(path, GRID, at_cells).unit == "m"
    assert IndirectData.from_csv(path, GRID, at_cells, unit="m").unit == "m"
    with pytest.raises(
        InputError, match=r"heads\.csv, line 2, column unit holds 'm', but the data are in 'cm'; convert"
    ):
        IndirectData.from_csv(path, GRID, at_cells, unit="cm")
    mixed = written(tmp_path, "x,y,value,sd,unit\n5,5,1,1,m\n15,5,1,1,cm\n")
    with pytest.raises(InputError, match=r"line 3, column unit holds 'cm', but the data are in 'm'"):
        IndirectData.from_csv(mixed, GRID, at_cells)
