"""The training step of every architecture and loss, without compiling it; and the losses, written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from latentinv.networks import ARCHITECTURES, discriminator_architecture
from latentinv.training import LOSSES, parse_recipe
from latentinv.training._step import SHORT, initialise, make_step, over_maps, part_at, random_corner
from latentinv.training.modules import DiscriminatorNetwork, crisp, packed
from latentinv.training.modules._discriminator import pooled
from latentinv.training.objectives._patterns import image_frequencies
from tests.problems import slowly

RECIPE = """
[image.simulator]
shape = [64, 64]
seed = 0
[networks]
architecture = "{architecture}"
[training]
batch = 2
patch = [{cells}, {cells}]
loss = "{loss}"
"""
LEAST_PATCH = {name: discriminator_architecture(name).ratio for name in ARCHITECTURES}


MORE = {"networks": "discriminator_scales = 2\npacking = 2\n", "training": "gradient_penalty = 1\n"}

BOUNDED = {"networks": 'normalisation = "none"\n', "training": "gradient_penalty_between = 10\n"}
"""What a Wasserstein loss needs, so that the slope of its critic is bounded."""


@pytest.mark.parametrize(
    ("architecture", "loss", "more"),
    [
        ("compact", "non-saturating", ""),
        *(slowly(architecture, "non-saturating", "") for architecture in sorted({*LEAST_PATCH} - {"compact"})),
        *(
            slowly(architecture, loss, "")
            for architecture in LEAST_PATCH
            for loss in sorted({*LOSSES} - {"non-saturating"})
        ),
        *(slowly("compact", "non-saturating", more) for more in MORE),
    ],
)
def test_that_a_step_leaves_a_state_like_the_one_before_and_takes_over_its_memory(architecture, loss, more, tmp_path):
    cells = LEAST_PATCH[architecture] * (2 if more == "networks" else 1)
    text = RECIPE.format(architecture=architecture, loss=loss, cells=cells).replace(
        "[training]", "width = 0.1\n[training]"
    )
    if loss == "wasserstein":
        text = text.replace("[networks]", "[networks]\n" + BOUNDED["networks"]) + BOUNDED["training"]
    recipe = parse_recipe(text.replace(f"[{more}]\n", f"[{more}]\n{MORE.get(more)}"), tmp_path)
    networks, state = initialise(recipe, 2)
    real = jax.ShapeDtypeStruct((2, cells, cells, 1), jnp.float32)
    traced = jax.jit(make_step(recipe, networks, 2), donate_argnums=0).trace(state, real)
    after, losses = traced.out_info
    for name, before, behind in zip(state._fields, state, after, strict=True):
        expected, found = (jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree) for tree in (before, behind))
        assert found == expected, name
    assert [loss.shape for loss in losses] == [(), ()]
    (state_info, real_info), _ = traced.args_info
    assert all(leaf.donated for leaf in jax.tree.leaves(state_info))
    assert not real_info.donated
    memory = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state)]
    assert len(set(memory)) == len(memory)  # for an array can be donated once only


@pytest.mark.assure
def test_that_patterns_have_a_state_of_their_own_and_push_the_generator(tmp_path):
    text = RECIPE.format(architecture="compact", loss="hinge", cells=80)
    real = jnp.ones((2, 80, 80, 1))
    image = image_frequencies(np.eye(100, dtype=np.uint8))
    after = []
    for weight in (0.0, 10.0):
        recipe = parse_recipe(text.replace("[training]", f"width = 0.1\n[training]\npatterns = {weight}"), tmp_path)
        networks, state = initialise(recipe, 2)
        assert (state.frequencies is None) == (weight == 0)
        after.append(jax.jit(make_step(recipe, networks, 2, image))(state, real)[0])
    assert float(after[1].frequencies.rings.sum()) == pytest.approx(4, rel=1e-4)
    plain, pushed = (jax.tree.leaves(state.generator) for state in after)
    assert any(np.abs(one - other).max() > 1e-4 for one, other in zip(plain, pushed, strict=True))


@pytest.mark.parametrize("architecture", ["sgan", slowly("dsgan")])
def test_that_a_recipe_makes_both_networks_narrower(architecture, tmp_path):
    text = RECIPE.format(architecture=architecture, loss="non-saturating", cells=32)
    recipe = parse_recipe(text.replace("[training]", "width = 0.25\n[training]"), tmp_path)
    networks, state = initialise(recipe, 2)
    assert [layer.width for layer in networks.architecture.layers[:4]] == [128, 64, 32, 16]
    assert networks.architecture.layers[-1].width == 1
    kernels = [leaf.shape for leaf in jax.tree.leaves(state.discriminator) if leaf.ndim == 4]
    assert sorted(shape[-1] for shape in kernels) == [1, 16, 32, 64, 128]
    real = jax.ShapeDtypeStruct((2, 32, 32, 1), jnp.float32)
    jax.eval_shape(make_step(recipe, networks, 2), state, real)


def test_that_a_part_is_the_same_of_all_fields_and_lies_anywhere():
    fields = jnp.arange(2 * 70 * 40, dtype=jnp.float32).reshape(2, 70, 40, 1)
    corners = jax.vmap(lambda key: random_corner(key, (70, 40)))(jax.random.split(jax.random.key(0), 200))
    parts = jax.vmap(lambda corner: part_at(corner, fields))(corners)
    assert parts.shape == (200, 2, 64, 40, 1)
    np.testing.assert_array_equal(parts[:, 1], parts[:, 0] + 70 * 40)
    # Seven rows: one of them is missed 200 times with probability 3e-13
    assert {*np.unique(parts[:, 0, 0, 0, 0])} == {40.0 * row for row in range(7)}
    by_unit = jax.vmap(lambda key: random_corner(key, (96, 128), 8))(jax.random.split(jax.random.key(1), 500))
    assert {*map(tuple, np.asarray(by_unit).tolist())} == {(8 * i, 8 * j) for i in range(5) for j in range(9)}
    means = jnp.arange(24 * 32, dtype=jnp.float32).reshape(1, 24, 32, 1)
    np.testing.assert_array_equal(part_at(jnp.array([8, 16]), means, 4), means[:, 2:18, 4:20])


@pytest.mark.assure
@pytest.mark.parametrize("name", ["gradient_penalty", "gradient_penalty_generated"])
def test_that_half_a_gradient_penalty_weighs_the_squared_differences_of_scores(name, tmp_path):
    text = RECIPE.format(architecture="compact", loss="hinge", cells=32)
    text = text.replace("[training]", "width = 0.1\n[training]")
    real = jax.random.normal(jax.random.key(0), (2, 32, 32, 1))
    losses = {}
    for weight, every in ((0.0, 1), (3.0, 1), (3.0, 4), (6.0, 1)):
        recipe = parse_recipe(text + f"{name} = {weight}\npenalty_every = {every}\n", tmp_path)
        networks, state = initialise(recipe, 2)
        losses[weight, every] = float(jax.jit(make_step(recipe, networks, 2))(state, real)[1].discriminator)
    penalty = losses[3.0, 1] - losses[0.0, 1]
    assert losses[6.0, 1] - losses[0.0, 1] == pytest.approx(2 * penalty, rel=1e-3)
    assert losses[3.0, 4] - losses[0.0, 1] == pytest.approx(4 * penalty, rel=1e-3)  # the first step has it
    if name == "gradient_penalty":
        network = nnx.merge(networks.discriminator, state.discriminator, state.discriminator_statistics, copy=True)
        assert penalty == pytest.approx(1.5 * _mean_squared_gradient(network, real), rel=0.5)


def _mean_squared_gradient(network, fields, draws=200):
    """By differences along many directions, in the same mean over maps as losses."""
    parts = nnx.split(network)

    @jax.jit
    def one(key):
        noise = SHORT * jax.random.normal(key, fields.shape)
        pair = [nnx.merge(*parts, copy=True)(x) for x in (fields, fields + noise)]
        return over_maps(lambda a, b: jnp.mean(((b - a) / SHORT) ** 2), *pair)

    return float(jnp.mean(jax.lax.map(one, jax.random.split(jax.random.key(1), draws))))


def test_that_scales_and_packs_are_means_of_cells_and_fields_side_by_side():
    fields = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6, 1)
    packs = packed(jnp.asarray(fields), 2)
    np.testing.assert_array_equal(packs, np.stack([fields[[0, 2], ..., 0], fields[[1, 3], ..., 0]], axis=-1))
    means = fields[:, :4].reshape(4, 2, 2, 3, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(pooled(jnp.asarray(fields))[..., 0], means, rtol=1e-6)
    both = pooled(packs)
    np.testing.assert_allclose(both, packed(jnp.asarray(means[..., None]), 2), rtol=1e-6)


@pytest.mark.assure
def test_that_the_discriminator_scores_each_scale_by_a_tower_of_its_own():
    architecture = discriminator_architecture("compact", width=0.1, scales=2, packing=2)
    network, twin = (DiscriminatorNetwork(architecture, nnx.Rngs(0)) for _ in range(2))  # a call changes its norms
    packs = jnp.asarray(np.random.default_rng(0).standard_normal((1, 64, 64, 2)).astype(np.float32))
    fine, coarse = network(packs)
    assert [scores.shape[1] for scores in fine] == [32, 16, 8, 4]  # of every layer
    assert [scores.shape[1] for scores in coarse] == [16, 8, 4, 2]
    # Changes whose mean over each block of 2 × 2 cells is zero are seen at the fine scale alone.
    board = jnp.asarray((-1.0) ** np.indices((64, 64)).sum(axis=0), jnp.float32)[None, ..., None]
    fine_changed, coarse_changed = twin(packs + board)
    np.testing.assert_allclose(pooled(packs + board), pooled(packs), atol=1e-6)
    for before, after in zip(coarse, coarse_changed, strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-4)
    assert all(np.abs(after - before).max() > 1e-2 for before, after in zip(fine, fine_changed, strict=True))


@pytest.mark.parametrize(("map_", "window"), [(0, 8), (1, 18), (2, 38), (3, 78)])
def test_that_a_score_judges_a_window_that_grows_with_its_layer(map_, window):
    parts = nnx.split(DiscriminatorNetwork(discriminator_architecture("compact", width=0.1), nnx.Rngs(0)))
    rng = np.random.default_rng(0)
    fields = jnp.asarray(rng.standard_normal((1, 160, 160, 1)).astype(np.float32))
    middle = 80 // 2 ** (map_ + 1)
    seen = jax.grad(lambda x: nnx.merge(*parts, copy=True)(x)[0][map_][0, middle, middle, 0])(fields)[0, ..., 0]
    assert [np.ptp(cells) + 1 for cells in np.nonzero(seen)] == [window, window]


def test_that_the_largest_windows_count_as_much_as_all_smaller_ones_and_towers_alike():
    maps = tuple(tuple(jnp.full((2, 3), value) for value in tower) for tower in ((1.0, 3.0, 10.0), (4.0,)))
    assert float(over_maps(jnp.mean, maps)) == pytest.approx(((2 + 10) / 2 + 4) / 2)
    assert float(over_maps(lambda real, fake: jnp.mean(real - fake), maps, maps)) == 0


def test_that_crisp_levels_are_those_of_the_facies_with_the_gradient_of_the_levels():
    levels = jnp.asarray([[-0.9, -0.4, 0.2, 0.6, 1.0]])[..., None]
    np.testing.assert_array_equal(crisp(levels, 2)[..., 0], [[-1, -1, 1, 1, 1]])
    np.testing.assert_allclose(crisp(levels, 3)[..., 0], [[-1, 0, 0, 1, 1]], atol=1e-6)
    each = jnp.asarray([[0.2, 0.1, -0.9], [-0.5, -0.4, 0.3]])[None]
    np.testing.assert_array_equal(crisp(each, 3)[0], [[1, -1, -1], [-1, -1, 1]])
    weights = jnp.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    slope = jax.grad(lambda x: jnp.sum(weights * crisp(x, 3)[0] ** 2))(each)[0]
    np.testing.assert_allclose(slope, 2 * weights * crisp(each, 3)[0])


def test_that_a_crisp_tower_sees_the_facies_and_the_others_their_levels():
    architecture = discriminator_architecture("compact", width=0.1, channels=3, small=True)
    network = DiscriminatorNetwork(architecture, nnx.Rngs(0))
    rng = np.random.default_rng(0)
    soft, other, facies = (jnp.asarray(rng.uniform(-1, 1, (1, 32, 32, 3)), jnp.float32) for _ in range(3))
    towers = [nnx.merge(*nnx.split(network), copy=True)(*pair) for pair in ((soft, facies), (other, facies))]
    assert [len(tower) for tower in towers[0]] == [4, 3]
    for levels, crisp_tower in ((0, False), (1, True)):
        same = [bool(jnp.all(a == b)) for a, b in zip(towers[0][levels], towers[1][levels], strict=True)]
        assert same == [crisp_tower] * len(same)


@pytest.mark.parametrize(("map_", "window"), [(0, 3), (1, 6), (2, 10)])
def test_that_the_crisp_tower_judges_small_windows(map_, window):
    architecture = discriminator_architecture("compact", width=0.1, small=True)
    parts = nnx.split(DiscriminatorNetwork(architecture, nnx.Rngs(0)))
    fields = jnp.asarray(np.random.default_rng(0).standard_normal((1, 32, 32, 1)), jnp.float32)
    seen = jax.grad(lambda x: nnx.merge(*parts, copy=True)(fields, x)[1][map_][0, 8, 8, 0])(fields)[0, ..., 0]
    assert [np.ptp(cells) + 1 for cells in np.nonzero(seen)] == [window, window]


def test_that_the_relativistic_loss_compares_each_field_with_a_patch():
    real, fake = np.array([2.0, 0.5, -1.0]), np.array([-3.0, 0.25, 1.0])
    loss, probability = LOSSES["relativistic"], 1 / (1 + np.exp(fake - real))
    assert float(loss.discriminator(real, fake)) == pytest.approx(-np.log(probability).mean(), rel=1e-5)
    assert float(loss.generator(real, fake)) == pytest.approx(-np.log(1 - probability).mean(), rel=1e-5)


def test_that_the_hinge_loss_is_that_of_its_paper():
    real, fake = np.array([2.0, 0.5, -1.0]), np.array([-3.0, 0.25, 1.0])
    loss = LOSSES["hinge"]
    assert float(loss.discriminator(real, fake)) == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1.25 + 2) / 3)
    assert float(loss.generator(real, fake)) == pytest.approx((3 - 0.25 - 1) / 3)


def test_that_the_non_saturating_loss_is_the_negative_log_probability_of_the_right_answer():
    real, fake = np.array([2.0, 0.5, -1.0]), np.array([-3.0, 0.25, 1.0])
    probability = {name: 1 / (1 + np.exp(-scores)) for name, scores in (("real", real), ("fake", fake))}
    loss = LOSSES["non-saturating"]
    expected = -np.log(probability["real"]).mean() - np.log(1 - probability["fake"]).mean()
    assert float(loss.discriminator(real, fake)) == pytest.approx(expected, rel=1e-5)
    assert float(loss.generator(real, fake)) == pytest.approx(-np.log(probability["fake"]).mean(), rel=1e-5)
