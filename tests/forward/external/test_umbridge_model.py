"""Models behind UM-Bridge, asked of a server on this machine: layout, gradient, failures, cache, and refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import (
    ESMDA,
    MALA,
    CholeskyPrior,
    Covariance,
    Grid,
    IndirectData,
    InputError,
    Posterior,
    load_run,
    sample,
)
from latentinv.forward import umbridge_model
from tests.simulators.umbridge_server import server, sums, weights

umbridge = pytest.importorskip("umbridge", reason="umbridge, of the extra 'umbridge', is not installed")

GRID = Grid((3, 3))
FIELDS = jax.random.normal(jax.random.key(1), (6, 3, 3))
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def url():
    with server() as url:
        yield url


def failing(cell, number=-99.0):
    """A property for which the models fail: they look at its first cells."""
    return jnp.zeros(9).at[cell].set(number).reshape(3, 3)


def test_that_cells_are_sent_along_rows_the_southernmost_first(url):
    forward = umbridge_model(url, "sums", Grid((2, 3)), config={"cells": 6})
    assert (forward.count, forward.has_gradient) == (5, True)
    for row, column in np.ndindex(2, 3):
        field = np.zeros((2, 3), np.float32)
        field[row, column] = 2.0
        np.testing.assert_allclose(forward.predict(field), 4 * weights(6)[:, 3 * row + column], rtol=1e-6)


def test_that_predictions_are_the_same_alone_at_once_and_compiled_and_follow_the_config(url):
    one, many = (umbridge_model(url, "sums", GRID, config={"scale": 2.0}, requests=n) for n in (1, 4))
    expected = np.stack([sums(np.asarray(field, float), 2.0) for field in FIELDS])
    np.testing.assert_allclose(one.evaluate(FIELDS), expected, rtol=1e-5)
    np.testing.assert_array_equal(many.evaluate(FIELDS), one.evaluate(FIELDS))
    np.testing.assert_array_equal(jax.jit(jax.vmap(many.predict))(FIELDS), one.evaluate(FIELDS))


def test_that_the_gradient_is_the_adjoint_of_what_the_server_calls_its_jacobian(url):
    forward, served = umbridge_model(url, "sums", GRID), umbridge.HTTPModel(url, "sums")
    residual = jnp.asarray([0.3, -1.0, 2.0, 0.5, -0.7])
    gradient = jax.vjp(forward.predict, FIELDS[0])[1](residual)[0]
    parameters, direction = [np.ravel(FIELDS[0]).tolist()], np.ravel(FIELDS[1]).tolist()
    change = np.concatenate([served.apply_jacobian(number, 0, parameters, direction) for number in range(2)])
    assert np.vdot(gradient, FIELDS[1]) == pytest.approx(change @ np.asarray(residual), rel=1e-4)


def test_that_the_remainder_of_the_first_order_is_of_the_second(url):
    forward = umbridge_model(url, "sums", GRID)
    gradient = jax.grad(lambda p: forward.predict(p).sum())(FIELDS[0])
    steps = np.array([0.4, 0.2, 0.1])
    start, slope = float(forward.predict(FIELDS[0]).sum()), float(jnp.vdot(gradient, FIELDS[1]))
    ends = np.array([float(forward.predict(FIELDS[0] + step * FIELDS[1]).sum()) for step in steps])
    orders = np.diff(np.log(np.abs(ends - start - steps * slope))) / np.diff(np.log(steps))
    assert np.all((orders > 1.9) & (orders < 2.1)), orders


def test_that_evaluations_that_fail_are_counted_by_kind_and_the_others_go_on(url):
    forward = umbridge_model(url, "blind", GRID, requests=3, timeout=2.0)
    late = jnp.zeros(9).at[:2].set(jnp.array([99.0, 30.0])).reshape(3, 3)
    data = forward.evaluate(jnp.stack([failing(0), FIELDS[0], failing(1), failing(2), late, FIELDS[1]]))
    np.testing.assert_array_equal(np.isnan(data).all(axis=1), [True, False, True, True, True, False])
    counts = forward.take_counts()
    assert counts.tolist() == [6, 1, 1, 0, 0, 2, 0]  # the server refuses a short output, and no JSON is none
    assert not forward.has_gradient
    umbridge_model(url, "blind", GRID).predict(failing(0))
    assert np.isnan(forward.predict(failing(0))).all()
    assert "the answer of http://127.0.0.1" in forward.last_failure
    assert "500 Internal Server Error" in forward.last_failure


def test_that_a_server_that_goes_away_is_a_failed_simulation_and_its_results_stay_in_the_cache(tmp_path):
    with server() as gone:
        first = umbridge_model(gone, "blind", GRID, cache=tmp_path, identity="blind, version 1")
        expected = first.evaluate(FIELDS[:2])
    assert np.isnan(first.predict(FIELDS[2])).all()
    assert first.last_failure == f"no output: no server answers at {gone}"
    with server() as other:
        second = umbridge_model(other, "blind", GRID, cache=tmp_path, identity="blind, version 1")
        np.testing.assert_array_equal(second.evaluate(FIELDS[:2]), expected)
        assert np.isnan(second.predict(FIELDS[2])).all()
        second.forget_failures()
        assert np.isfinite(second.predict(FIELDS[2])).all()


@pytest.mark.parametrize(
    ("model", "settings", "words"),
    [
        ("tides", {}, r"has no model 'tides'; expected one of sums, blind, pair"),
        ("sums", {"config": {"cells": 4}}, r"takes 4 numbers with the config .*expected one vector of 9"),
        ("pair", {}, r"takes 9 and 9 numbers .*expected one vector of 9"),
        ("sums", {"config": {"a": FIELDS}}, r"The config of the model 'sums' cannot be sent"),
        ("sums", {"config": {"cells": "many"}}, r"does not say what sizes the model 'sums' has with the config"),
        ("sums", {"requests": 0}, r"Given 0 threads"),
    ],
)
def test_that_what_cannot_be_asked_is_refused_when_the_model_is_made(url, model, settings, words):
    with pytest.raises(InputError, match=words):
        umbridge_model(url, model, GRID, **settings)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (NOWHERE, rf"No UM-Bridge server answers at {NOWHERE} \(.*ConnectionError.*\); start it first"),
        ("localhost", r"The url of the UM-Bridge server is 'localhost'; expected one such as http://localhost:4242"),
    ],
)
def test_that_a_server_that_is_not_there_is_refused_in_one_sentence(url, words):
    with pytest.raises(InputError, match=words):
        umbridge_model(url, "sums", GRID)


@pytest.mark.parametrize(
    ("model", "algorithm"), [("blind", ESMDA(members=8, assimilations=1)), ("sums", MALA(chains=2, warmup=2, draws=4))]
)
def test_that_a_run_counts_what_it_asked_and_opens_without_the_server(url, tmp_path, model, algorithm):
    forward = umbridge_model(url, model, GRID, requests=4)
    data = IndirectData(GRID, forward, np.ones(5), 0.5, name="sums")
    posterior = Posterior(CholeskyPrior(Covariance("exponential", 2.0)), GRID, [data])
    run = sample(posterior, algorithm, seed=1, output=tmp_path / "run.h5")
    assert run.results["forward_failures"]["sums"]["simulations"] >= 4
    assert load_run(tmp_path / "run.h5").finished
