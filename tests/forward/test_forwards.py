"""What every forward model keeps: layout, adjoint, Taylor remainder, batches, and a form that files hold."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from latentinv import Grid, InputError, StorageError
from latentinv.forward import (
    FORWARDS,
    Aquifer,
    BoxMeans,
    ConvolutionalSeismic,
    CurvedRays,
    FunctionForward,
    LinearForward,
    SteadyFlow,
    SteadyFlux,
    StraightRays,
    TransientFlow,
    TransientFlux,
    averaging,
    gravity,
    ricker,
)
from tests.problems import slowly_all

GRID = Grid((12, 15), spacing=(2.0, 3.0))
SECTION = Grid(GRID.shape, GRID.spacing, axes="xz", z_axis="depth")
BODY = Grid((4, 6, 5), spacing=(2.0, 3.0, 1.5))


def aquifer():
    """Heads fixed at both ends along x, a pumping well between."""
    heads = np.full(GRID.shape, np.nan)
    heads[:, 0], heads[:, -1] = 2.0, 1.0
    sources = np.zeros(GRID.shape)
    sources[6, 7] = -2e-3
    return Aquifer(GRID, heads, sources)


def body_aquifer():
    """Heads fixed at one end along x of a body, a pumping well at the other."""
    heads, sources = np.full(BODY.shape, np.nan), np.zeros(BODY.shape)
    heads[:, :, 0] = 2.0
    sources[1, 3, 4] = -2e-3
    return Aquifer(BODY, heads, sources)


def make_solid(kind):
    """A forward of each kind in three dimensions."""
    wells = np.array([[3.0, 5.0, 1.0], [9.0, 14.0, 4.0], [7.0, 9.0, 5.5]])
    if kind == "solid_steady_flow":
        return SteadyFlow(body_aquifer(), wells)
    if kind == "solid_transient_flow":
        return TransientFlow(body_aquifer(), wells, [50.0, 200.0], specific_storage=1e-2)
    if kind == "solid_curved_rays":
        return CurvedRays(BODY, wells, [[9.0, 1.0, 5.0], [1.0, 2.0, 1.0], [1.0, 17.0, 3.0]])
    assert kind == "solid_gravity"
    return gravity(BODY, [[4.0, 8.0, -1.0], [1.0, 2.0, -0.5]])


def make_forward(kind):
    """A forward of each kind on its grid."""
    if kind.startswith("solid"):
        return make_solid(kind)
    weights = np.random.default_rng(3).normal(size=(5, GRID.size)) * (np.random.default_rng(4).random(GRID.size) < 0.3)
    wells = np.array([[10.0, 5.0], [20.0, 30.0], [27.0, 17.0]])
    if kind == "linear":
        return LinearForward(weights, GRID)
    if kind == "sparse":
        return LinearForward(scipy.sparse.csr_matrix(weights), GRID)
    if kind == "steady_flow":
        return SteadyFlow(aquifer(), wells)
    if kind == "steady_drawdown":
        return SteadyFlow(aquifer(), wells, output="drawdown")
    zones = np.zeros((2, *GRID.shape), bool)
    zones[0, :, 0], zones[1, :7] = True, True
    if kind == "steady_flux":
        return SteadyFlux(aquifer(), zones)
    in_time = {"specific_storage": 1e-2, "initial_heads": np.ones(GRID.shape)}
    if kind == "transient_flow":
        return TransientFlow(aquifer(), wells, [50.0, 200.0, 800.0], **in_time)
    if kind == "pumping_test":
        return TransientFlow(aquifer(), wells, [50.0, 200.0, 800.0], specific_storage=1e-2, output="drawdown")
    if kind == "transient_flux":
        return TransientFlux(aquifer(), zones, [50.0, 200.0, 800.0], observed=[0, 2], **in_time)
    if kind == "straight_rays":
        return StraightRays(GRID, wells, [[1.0, 35.0], [3.0, 1.0], [10.0, 17.0]])
    if kind == "curved_rays":
        return CurvedRays(GRID, wells, [[1.0, 35.0], [3.0, 1.0], [10.0, 17.0]])
    if kind == "gravity":
        return gravity(SECTION, [[10.0, -1.0], [25.0, 4.0]])
    if kind == "box_means":
        return BoxMeans(GRID, [[3.0, 4.0], [0.0, 30.0]], [[12.0, 8.0], [30.0, 36.0]])
    if kind == "averaging":
        return averaging(GRID, (4, 5))
    if kind == "convolutional_seismic":
        return ConvolutionalSeismic(SECTION, ricker(40.0, 0.004))
    assert kind == "function"
    return FunctionForward(lambda field: jnp.stack([1e6 * field[3, 4] ** 2, 1e3 * jnp.sum(field[2])]), GRID)


KINDS = [
    *(kind for kind, forward in FORWARDS.items() if not forward.external),
    "sparse",
    "steady_drawdown",
    "pumping_test",
    "gravity",
    "averaging",
]
"""Simulators outside JAX have tests of their own, for they know no forward derivative."""
SOLIDS = [f"solid_{name}" for name in ("steady_flow", "transient_flow", "curved_rays", "gravity")]
SLOW = {"solid_curved_rays", "solid_transient_flow", "pumping_test", "steady_drawdown", "transient_flux"}
QUICK = (*sorted({*KINDS, *SOLIDS} - SLOW),)
DIFFERENTIABLE = slowly_all((*KINDS, *SOLIDS), QUICK)


def conductivity(seed, grid=GRID):
    """A positive property around 1e-3."""
    return jnp.exp(jax.random.normal(jax.random.key(seed), grid.shape) - 7)


# Programs take the model as an argument, so that all tests of one structure share them.
predict = jax.jit(lambda forward, log_field: forward.predict(jnp.exp(log_field)))


@jax.jit
def changed(forward, log_field, direction):
    """Predictions, and their derivative along a direction."""
    return jax.jvp(lambda k: forward.predict(jnp.exp(k)), (log_field,), (direction,))


@jax.jit
def pulled_back(forward, log_field, data):
    """The gradient of the predictions' product with data."""
    return jax.vjp(lambda k: forward.predict(jnp.exp(k)), log_field)[1](data)[0]


def log_conductivity(forward, seed):
    """The logarithm of a property, in single precision."""
    return jnp.log(conductivity(seed, forward.grid))


@pytest.mark.parametrize("kind", DIFFERENTIABLE)
def test_that_the_gradient_is_the_adjoint_of_the_derivative(kind):
    forward = make_forward(kind)
    log_field, direction = log_conductivity(forward, 1), jax.random.normal(jax.random.key(2), forward.grid.shape)
    data = jax.random.normal(jax.random.key(3), (forward.count,))
    _, change = changed(forward, log_field, direction)
    left = float(jnp.vdot(change, data))
    right = float(jnp.vdot(direction, pulled_back(forward, log_field, data)))
    assert left == pytest.approx(right, rel=2e-3)


@pytest.mark.parametrize("kind", DIFFERENTIABLE)
def test_that_the_remainder_of_the_first_order_is_of_the_second(kind):
    forward = make_forward(kind)
    log_field, direction = log_conductivity(forward, 4), jax.random.normal(jax.random.key(5), forward.grid.shape)
    start, change = (np.asarray(x, float) for x in changed(forward, log_field, direction))
    # Near a well in a body the third order is felt at the longest step.
    steps = np.array([0.4, 0.2, 0.1]) * (0.5 if kind in SOLIDS else 1.0)
    ends = [np.asarray(predict(forward, log_field + h * direction), float) for h in steps]
    remainders = [np.linalg.norm(end - start - h * change) for end, h in zip(ends, steps, strict=True)]
    orders = np.diff(np.log(remainders)) / np.diff(np.log(steps))
    assert np.all((orders > 1.6) & (orders < 2.6)), orders


@pytest.mark.parametrize("kind", slowly_all(KINDS, QUICK))
def test_that_a_batch_predicts_what_each_field_does(kind):
    forward = make_forward(kind)
    fields = jnp.stack([log_conductivity(forward, n) for n in range(3)])
    each = np.stack([predict(forward, field) for field in fields])
    batch = jax.jit(jax.vmap(lambda one, field: one.predict(jnp.exp(field)), (None, 0)))(forward, fields)
    np.testing.assert_allclose(batch, each, rtol=2e-4, atol=2e-5 * np.abs(each).max())


@pytest.mark.parametrize("kind", slowly_all(sorted({*KINDS} - {"function"}), QUICK))
def test_that_a_model_read_back_predicts_the_same_by_the_same_program(kind):
    forward = make_forward(kind)
    again = FORWARDS[forward.kind].from_arrays(forward.to_arrays(), forward.grid)
    assert again.count == forward.count
    field = log_conductivity(forward, 6)
    expected, programs = predict(forward, field), predict._cache_size()
    np.testing.assert_array_equal(predict(again, field), expected)
    assert predict._cache_size() == programs


@pytest.mark.parametrize("kind", KINDS)
def test_that_a_model_is_a_frozen_tree_of_arrays(kind):
    forward = make_forward(kind)
    assert not jax.tree_util.all_leaves([forward])
    assert all(np.asarray(leaf).dtype.kind in "fib" for leaf in jax.tree.leaves(forward))
    with pytest.raises(AttributeError, match="cannot be changed"):
        forward.grid = BODY
    assert forward.seen().shape == forward.grid.shape
    assert all(len(mark[0]) for mark in forward.marks(np.zeros(forward.count)))


@pytest.mark.parametrize("sparse", [False, True])
def test_that_a_unit_cell_gives_its_column_of_the_operator(sparse):
    weights = np.arange(2.0 * GRID.size).reshape(2, *GRID.shape)
    given = scipy.sparse.csr_matrix(weights.reshape(2, -1)) if sparse else weights
    forward = LinearForward(given, GRID)
    field = np.zeros(GRID.shape, np.float32)
    field[7, 2] = 1
    np.testing.assert_array_equal(forward.predict(jnp.asarray(field)), weights[:, 7, 2])


def test_that_an_operator_of_another_grid_is_refused():
    with pytest.raises(InputError, match="expected a row for each datum of 180 cells"):
        LinearForward(np.ones((3, 7)), GRID)


def write_operator(path, weights):
    """Write an operator by its file's ending."""
    if path.suffix == ".npz":
        scipy.sparse.save_npz(path, scipy.sparse.csr_array(weights))
    elif path.suffix == ".npy":
        np.save(path, weights.reshape(-1, *GRID.shape))
    else:
        np.savetxt(path, weights, delimiter=",")


@pytest.mark.parametrize("ending", [".npz", ".npy", ".csv"])
def test_that_an_operator_is_read_from_a_file(tmp_path, ending):
    weights = np.random.default_rng(5).normal(size=(3, GRID.size))
    path = tmp_path / f"operator{ending}"
    write_operator(path, weights)
    np.testing.assert_allclose(LinearForward.from_file(path, GRID).matrix.toarray(), weights, rtol=1e-12)


def test_that_an_operators_file_that_cannot_be_used_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"kernel\.mat ends in '\.mat'; give one of"):
        LinearForward.from_file(tmp_path / "kernel.mat", GRID)
    with pytest.raises(StorageError, match=r"kernel\.npy cannot be read"):
        LinearForward.from_file(tmp_path / "kernel.npy", GRID)
    for ending, content in ((".csv", b""), (".csv", b"one,two\n"), (".npz", b"PK"), (".npy", b"\x93NUMPY")):
        (tmp_path / f"kernel{ending}").write_bytes(content)
        with pytest.raises(StorageError, match=rf"kernel\{ending} cannot be read"):
            LinearForward.from_file(tmp_path / f"kernel{ending}", GRID)
    write_operator(tmp_path / "other.csv", np.ones((3, 7)))
    with pytest.raises(InputError, match=r"other\.csv: The operator has shape \(3, 7\)"):
        LinearForward.from_file(tmp_path / "other.csv", GRID)


@pytest.mark.parametrize("kind", ["straight_rays", "curved_rays"])
@pytest.mark.parametrize("wrong", [-0.05, 0.0, np.nan])
def test_that_velocities_that_are_none_give_no_times(kind, wrong):
    velocity = conductivity(1).at[2, 1].set(wrong)
    assert np.isnan(make_forward(kind).predict(velocity)).all()
    assert np.isfinite(make_forward(kind).predict(conductivity(1))).all()
