"""What every observation, noise model and property keeps: one program for all data of a shape, and its own answers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import (
    BlockMeans,
    ContinuousProperty,
    CorrelatedNoise,
    FaciesProperty,
    GaussianNoise,
    Grid,
    HardData,
    IndirectData,
    InputError,
    StudentNoise,
    UnknownNoise,
)
from latentinv.data import NOISES, OBSERVATIONS, PROPERTIES, AbstractObservation, FaciesShares
from latentinv.forward import LinearForward
from latentinv.priors import FaciesModel
from tests.problems import LinearPrior

GRID = Grid((2, 3), (10.0, 10.0))
TWO = FaciesModel((4, 7), (0.0,))
FIELD = jnp.asarray([[-1.0, 0.5, 0.02], [2.0, -0.3, 0.1]])
CELLS = np.array([[0, 0], [1, 0], [1, 2]])
WEIGHTS = np.random.default_rng(0).uniform(0.2, 1.0, (3, GRID.size))


def wells(error=0.1):
    return HardData(GRID, GRID.centres(CELLS), [4, 7, 7], TWO, error_probability=error, slope=3.0)


def blocks():
    corners = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 0.0]]), np.array([[20.0, 10.0], [30.0, 20.0], [10.0, 20.0]])
    return BlockMeans(GRID, *corners, [0.3, 0.5, 0.2], 0.1, TWO, facies=[7, 4, 7], slope=4.0)


def heads(noise=0.5, property=None, **settings):
    property = FaciesProperty(TWO, (3.0, 7.0), slope=4.0) if property is None else property
    return IndirectData(GRID, LinearForward(WEIGHTS, GRID), [3.0, 4.0, 5.0], noise, property=property, **settings)


NOISY = {
    "gaussian": GaussianNoise([0.5, 0.2, 0.1]),
    "correlated": CorrelatedNoise(np.eye(3) + 0.3, 0.1),
    "student": StudentNoise(0.5, 3.0),
    "unknown": UnknownNoise(0.5, 3.0),
}
READ = {
    "facies": FaciesProperty(TWO, (3.0, 7.0), mean="geometric", log_gradients=0.2),
    "facies_shares": FaciesShares(TWO, 4.0),
    "continuous": ContinuousProperty("exp"),
}
OBSERVED: dict[str, AbstractObservation] = {
    "hard_data": wells(),
    "block means": blocks(),
    **{f"{name} noise": heads(noise) for name, noise in NOISY.items()},
    **{f"{name} property": heads(property=READ[name]) for name in ("facies", "continuous")},
}
PRIORS = {True: LinearPrior(np.eye(6), TWO), False: LinearPrior(np.eye(6))}


def evaluated(observation, field, t):
    """All that samplers ask of an observation."""
    soft, exact = observation.predict_both(field)
    likelihoods = observation.tempered_log_likelihood(soft, t), observation.exact_log_likelihood(exact)
    drawn = observation.simulate(jax.random.key(0), field, exact=True)
    return soft, exact, likelihoods, drawn


def test_that_each_registered_kind_is_tried():
    assert {one.kind for one in OBSERVED.values()} == set(OBSERVATIONS)
    assert set(NOISY) == set(NOISES)
    assert set(READ) == set(PROPERTIES)
    for registry in (OBSERVATIONS, NOISES, PROPERTIES):
        assert all(name == part.kind for name, part in registry.items())


@pytest.mark.parametrize("kind", OBSERVED)
def test_that_one_program_serves_all_data_of_a_shape(kind):
    observation, traced = OBSERVED[kind], []

    @jax.jit
    def program(one, field):
        traced.append(one.name)
        return evaluated(one, field, 0.5)

    found = program(observation, FIELD)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(evaluated(observation, FIELD, 0.5)), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
    other = observation.with_data(np.asarray(observation.observed)[::-1].copy())
    program(other, FIELD)
    program(jax.tree.map(lambda leaf: leaf, other), FIELD)
    assert traced == [observation.name]
    assert not any(isinstance(leaf, (str, bool)) for leaf in jax.tree.leaves(observation))


@pytest.mark.parametrize("kind", OBSERVED)
def test_that_data_can_be_mapped_over(kind):
    observation = OBSERVED[kind]
    prediction = observation.predict_exact(FIELD)
    data = np.stack([np.asarray(observation.observed), np.asarray(observation.observed)[::-1]])
    mapped = jax.vmap(lambda one: observation.with_data(one).exact_log_likelihood(prediction))(jnp.asarray(data))
    alone = [observation.with_data(one).exact_log_likelihood(prediction) for one in data]
    np.testing.assert_allclose(mapped, np.stack(alone), rtol=1e-5)


@pytest.mark.parametrize("kind", OBSERVED)
def test_that_nothing_changes_in_place_and_copies_share_what_is_not_replaced(kind):
    observation = OBSERVED[kind]
    before = np.asarray(observation.observed).copy()
    other = observation.with_data(before[::-1].copy())
    np.testing.assert_array_equal(observation.observed, before)
    np.testing.assert_array_equal(other.observed, before[::-1])
    with pytest.raises(AttributeError, match="cannot be changed"):
        observation.observed = before


@pytest.mark.parametrize("kind", OBSERVED)
def test_that_files_keep_all_that_an_observation_is(kind):
    observation = OBSERVED[kind]
    arrays = observation.to_arrays()
    prior = PRIORS[kind != "continuous property"]
    again = OBSERVATIONS[observation.kind].from_arrays(observation.name, arrays, GRID, prior)
    assert jax.tree.structure(again) == jax.tree.structure(observation)
    for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(observation), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(InputError, match=r"leave it out|give no function for it"):
        type(observation).from_arrays(observation.name, arrays, GRID, prior, forward=lambda p: p)


@pytest.mark.parametrize("kind", OBSERVED)
def test_that_reports_misfits_and_quantities_come_from_stored_predictions(kind):
    observation = OBSERVED[kind]
    exact = np.asarray(observation.predict_exact(FIELD))
    table = np.stack([exact, exact])
    report = observation.report(exact)
    assert (report.name, report.total) == (observation.name, observation.count)
    assert report.sentence.endswith(f" of {observation.count} {observation.fulfilled}")
    assert len(observation.misfits(np.full((2, observation.count), np.nan))) in (0, observation.count)
    assert all(column.shape == (2,) for column in observation.quantities(table).values())
    drawn, observed = observation.compared(np.full((2, *GRID.shape), 7), table)
    assert drawn.shape == (2, *observed.shape)
    assert observation.seen().shape == GRID.shape
    assert observation.missing is None
    assert observation.simulator is None


def test_that_hard_data_say_that_they_are_hard_and_others_that_they_are_not():
    assert [one.hard for one in OBSERVED.values()] == [True] + [False] * (len(OBSERVED) - 1)
    assert (wells(0.0).certain, wells([0.0, 0.1, 0.1]).certain, wells().certain) == (True, True, False)
    assert (wells().sharpens, heads().sharpens) == (True, False)
    np.testing.assert_array_equal(wells().cells, CELLS)
    np.testing.assert_allclose(wells([0.0, 0.1, 0.2]).reliability, [1.0, 0.8, 0.6])
    assert heads().cells is heads().reliability is None
    assert np.argwhere(wells().seen()).tolist() == CELLS.tolist()
    assert wells().compared(np.arange(12).reshape(2, 2, 3), None)[0].tolist() == [[0, 3, 5], [6, 9, 11]]
    assert wells().compared(np.zeros((2, 2, 3)), None)[1].tolist() == [4, 7, 7]


def test_that_predictions_say_whether_they_are_linear_in_the_field():
    assert heads(property=ContinuousProperty()).linear
    assert not heads(property=ContinuousProperty("exp")).linear
    assert not heads().linear
    assert BlockMeans(GRID, [[0.0, 0.0]], [[10.0, 10.0]], [0.2], 0.1, None).linear


def test_that_many_data_are_watched_thinned_evenly():
    count = 1201
    data = IndirectData(GRID, lambda p: jnp.repeat(p.ravel(), count)[:count], np.zeros(count), 1.0, name="many")
    names = list(data.quantities(np.zeros((1, count))))
    assert (len(names), names[0], names[-1]) == (500, "many 1", "many 1201")


def test_that_data_with_gaussian_noise_stand_for_themselves_and_facies_have_a_surrogate():
    view = heads(NOISY["correlated"]).as_gaussian(0.3)
    assert (view.surrogate, view.noise.kind) == (False, "correlated")
    np.testing.assert_array_equal(view.observed, [3.0, 4.0, 5.0])
    np.testing.assert_array_equal(view.predict(FIELD, jnp.ones(3)), np.ones(3))
    with pytest.raises(InputError, match="'indirect' is not Gaussian, as this algorithm requires; use 'smc'"):
        heads(NOISY["student"]).as_gaussian(0.3)
    errors = np.array([0.0, 0.1, 0.2])
    index = jax.jit(lambda one, field: one.as_gaussian(0.3).predict(field, None))(wells(errors), FIELD)
    np.testing.assert_allclose(index, jax.nn.sigmoid(3.0 * FIELD[tuple(CELLS.T)]), rtol=1e-5)
    view = wells(errors).as_gaussian(0.3)
    assert view.surrogate
    np.testing.assert_allclose(view.noise.spread(3), np.sqrt(0.09 + errors * (1 - errors)), rtol=1e-6)
    np.testing.assert_array_equal(view.observed, [0, 1, 1])


def test_that_a_forward_model_that_is_no_pytree_is_refused_at_once():
    class Plain(type(LinearForward(WEIGHTS, GRID)).__base__):
        kind, count, grid = "plain", 3, GRID

        def predict(self, property):
            return property.ravel()[:3]

        def to_arrays(self):
            return {}

        @classmethod
        def from_arrays(cls, arrays, grid):
            return cls()

    with pytest.raises(InputError, match=r"is a Plain, which is no pytree; decorate the class with latentinv\.pytrees"):
        IndirectData(GRID, Plain(), np.zeros(3), 0.5)


def test_that_facies_known_for_certain_bound_any_linear_data():
    """Two known cells of six leave a sum of facies values between what the other four allow."""
    forward = LinearForward(np.array([[1.0, 1.0, 1.0, 1.0, 1.0, -1.0]]), GRID)
    certain = HardData(GRID, GRID.centres(CELLS[:2]), [4, 7], TWO)
    settings = {"property": FaciesProperty(TWO, (3.0, 7.0)), "name": "sums"}
    # 3 and 7 are known, three others add 3 to 7 each, the last takes 3 to 7 off.
    least, most = 3 + 7 + 9 - 7, 3 + 7 + 21 - 3
    known = certain.certain_facies()
    for value in (least - 0.5, most + 0.5):
        IndirectData(GRID, forward, [value], 0.1, **settings).check_agreement(known)
    with pytest.raises(InputError, match=r"Datum 1 of 'sums' is 28\.7 ± 0\.1, but .* allow at most 28, 7 sd away"):
        IndirectData(GRID, forward, [most + 0.7], 0.1, **settings).check_agreement(known)
