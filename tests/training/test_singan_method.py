"""SinGANs in training: scale after scale, resumed bit for bit, and only whole ones compete to be kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.networks import coarser, synthesize_scales
from latentinv.training import ChannelSimulator, TrainingImage, parse_recipe, train
from latentinv.training import _loop as loop
from latentinv.training import _singan as singan
from latentinv.training._method import Task
from latentinv.training.images import image_levels
from tests.interrupted import require_equal_after_interrupt
from tests.problems import slowly

RECIPE = """
[image]
file = "image.npy"

[networks]
family = "singan"

[singan]
widths = [4, 4]
layers = 2
shares = [5, 3]

[training]
steps = 8
batch = 2
patch = [16, 16]
loss = "relativistic"
gradient_penalty = 0.1
evaluate_every = 2
"""
WASSERSTEIN = ('loss = "relativistic"\ngradient_penalty = 0.1', 'loss = "wasserstein"\ngradient_penalty_between = 0.1')


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("singan")
    np.save(folder / "image.npy", ChannelSimulator().simulate(np.random.default_rng(0), (50, 61)))
    return folder


def _method(folder, *changes, image=None):
    text = RECIPE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    recipe = parse_recipe(text, folder)
    image = image or recipe.load_image()
    return singan.SinganMethod(Task(recipe, image, image_levels(image, 0.0, ordered=len(image.categories) == 2)))


def _real(method, seed=0):
    return jnp.asarray(method.patches(np.random.default_rng(seed), 2))


def _copy(state):
    return jax.tree.map(jnp.array, state)


def test_that_a_training_leaves_a_prior_that_goes_on_bit_for_bit_where_it_stopped(folder, tmp_path):
    """The interrupt comes at step 6, of the second scale, and the last state on disk is of the first."""
    prior = require_equal_after_interrupt(parse_recipe(RECIPE, folder), tmp_path)
    assert prior.family == "singan"
    grid = Grid((10, 11))
    assert prior.generate(jnp.zeros(prior.latent_size(grid)), grid).shape == (10, 11)
    assert prior.weights["noise"][0] == 1
    assert 0 < float(prior.weights["noise"][1]) < 0.2
    assert prior.provenance["kept"]["step"] > 5


def test_that_a_state_of_all_scales_is_kept_whatever_was_better_before(folder, tmp_path, monkeypatch):
    scores, compare = iter([5.0, 1.0, 9.0, 8.0, 8.5]), loop.compare
    monkeypatch.setattr(loop, "compare", lambda *given, **named: compare(*given, **named)._replace(score=next(scores)))
    text = RECIPE.replace("steps = 8", "steps = 10").replace("[5, 3]", "[4, 6]")
    kept = []

    class Listener:
        def on_step(self, step, losses):
            assert len(losses) == 3

        def on_comparison(self, step, comparison, better):
            kept.append(better)

    result = train(parse_recipe(text, folder), tmp_path / "prior.h5", listener=Listener())
    assert kept == [True, True, True, True, False]  # steps 2 and 4 are of the first scale, where the last one counts
    assert result.comparison.score == 8.0


def test_that_rates_fall_at_the_end_of_each_scale(folder):
    training = loop._Training.__new__(loop._Training)
    training.method = _method(folder, ("[5, 3]", "[1, 1]"), ("steps = 8", "steps = 8\ncool_down = 0.5"))
    training.recipe = training.method.task.recipe
    assert [training._rate(n) for n in range(8)] == [1, 1, 1, 0.5] * 2


@pytest.mark.parametrize("more", [(), (WASSERSTEIN,)], ids=["relativistic", "wasserstein"])
def test_that_a_step_changes_the_networks_of_its_scale_alone_and_takes_over_the_memory(more, folder):
    method = _method(folder, *more)
    state = method.initial_state()
    for number, scale in ((0, 0), (6, 1)):
        state = state._replace(step=jnp.int32(number))
        before = _copy(state)
        memory = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state)]
        assert len(set(memory)) == len(memory)
        state, losses = method.step(state, _real(method), 1.0)
        assert np.isfinite(losses).all()
        assert int(state.step) == number + 1
        for part in ("generator", "discriminator", "average"):
            old, new = getattr(before, part), getattr(state, part)
            changed = {name for name in new if np.any(np.asarray(old[name]) != np.asarray(new[name]))}
            assert changed
            assert all(name.startswith(f"{scale}.") for name in changed)
        pairs = zip(before.generator_optimizers, state.generator_optimizers, strict=True)
        moved = [any(np.any(a != b) for a, b in zip(*map(jax.tree.leaves, pair), strict=True)) for pair in pairs]
        assert moved == [scale == 0, scale == 1]


def test_that_a_scale_begins_with_the_networks_before_and_noise_by_what_the_image_lacks(folder):
    method = _method(folder)
    net, state = method.architecture, method.initial_state()
    before = _copy(state)
    after = singan.begun(net, 1, state, method.image, 0.1)
    for name in ("0.kernel", "0.bias"):
        np.testing.assert_array_equal(after.generator[f"1.{name}"], before.average[f"0.{name}"])
        np.testing.assert_array_equal(after.average[f"1.{name}"], before.average[f"0.{name}"])
    assert not after.generator["1.1.kernel"].any()
    np.testing.assert_array_equal(after.discriminator["1.1.kernel"], before.discriminator["0.1.kernel"])
    whole = method.image.part(net, 1, method.image.shape)
    assert method.image.shape == (50, 60)  # one column is no whole cell of the coarsest scale
    base = coarser(net, before.average, whole.noise[:-1], (50, 60))[:, 2:-2, 2:-2]
    expected = 0.1 * np.sqrt(np.mean((np.asarray(base) - np.asarray(whole.levels)) ** 2))
    assert float(after.average["noise"][1]) == pytest.approx(expected, rel=1e-4)
    memory = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(after)]
    assert len(set(memory)) == len(memory)


@pytest.mark.parametrize("scale", [0, 1])
def test_that_a_part_of_the_image_is_made_as_in_the_whole(scale, folder):
    method = _method(folder)
    net, image, weights = method.architecture, method.image, dict(method.initial_state().average)
    rng = np.random.default_rng(0)
    weights["1.1.kernel"] = jnp.asarray(rng.standard_normal(weights["1.1.kernel"].shape), jnp.float32)
    stride, corner = net.stride(scale), np.array([3, 11])
    whole, part = image.part(net, scale, image.shape), image.part(net, scale, (16, 20), jnp.asarray(corner))
    cut = (slice(None), *(slice(2 * c // stride, (2 * c + n) // stride) for c, n in zip(corner, (16, 20), strict=True)))
    np.testing.assert_array_equal(part.levels, np.asarray(whole.levels)[cut])
    found, expected = (synthesize_scales(net, weights, one.noise, one.levels.shape[1:-1]) for one in (part, whole))
    np.testing.assert_allclose(found, np.asarray(expected)[cut], atol=1e-4)
    levels = np.asarray(method.task.levels)[:50, :60, 0].reshape(50 // stride, stride, 60 // stride, stride)
    np.testing.assert_allclose(whole.levels[0, ..., 0], levels.mean(axis=(1, 3)), atol=1e-6)


def test_that_the_noise_that_is_fixed_is_the_same_for_all_scales(folder):
    """A map of the finer scale needs two cells more of it at each end."""
    net, image = _method(folder).architecture, _method(folder).image
    for place in ([0, 0], [3, 11]):
        coarse, fine = (image.part(net, scale, (16, 20), jnp.asarray(place)).noise[0] for scale in (0, 1))
        np.testing.assert_array_equal(coarse, np.asarray(fine)[:, 2:-2, 2:-2])


def test_that_weights_are_averaged_and_that_every_step_has_noise_of_its_own(folder):
    method = _method(folder)
    first, losses = method.step(method.initial_state(), _real(method), 1.0)
    again, same = method.step(method.initial_state(), _real(method), 1.0)
    other, others = method.step(method.initial_state()._replace(step=jnp.int32(1)), _real(method), 1.0)
    assert losses == same
    assert all(one != another for one, another in zip(losses, others, strict=True))
    del again, other
    before = {name: np.array(array) for name, array in first.average.items()}
    second, _ = method.step(first, _real(method), 1.0)
    for name, array in before.items():
        now = second.generator.get(name, array) if name.startswith("0.") else array
        expected = 2 / 11 * array + 9 / 11 * np.asarray(now)
        np.testing.assert_allclose(second.average[name], expected, atol=1e-6)


def test_that_cells_that_are_missing_do_not_count(folder):
    array = np.random.default_rng(0).integers(0, 2, (40, 40))
    array[3, 5] = -99
    method = _method(folder, image=TrainingImage.from_array(array, "image"))
    known = [np.asarray(method.image.part(method.architecture, n, (40, 40)).known)[0, ..., 0] for n in (0, 1)]
    assert np.argwhere(~known[0]).tolist() == [[1, 2]]
    assert np.argwhere(~known[1]).tolist() == [[3, 5]]


@pytest.mark.assure
def test_that_the_image_is_learned_from_the_noise_that_is_fixed(folder):
    method = _method(folder)
    state, missed = method.initial_state(), []
    for n in range(200):
        state = state._replace(step=jnp.int32(0))
        state, losses = method.step(state, _real(method, n), 1.0)
        missed.append(float(losses.reconstruction))
    assert np.mean(missed[-20:]) < 0.7 * np.mean(missed[:5])


@pytest.mark.parametrize(("ndim", "categories"), [slowly(3, 2), slowly(2, 3)])
def test_that_volumes_and_several_facies_train(ndim, categories, folder):
    array = np.kron(np.random.default_rng(0).integers(0, categories, (5,) * ndim), np.ones((6,) * ndim, int))
    patch = f"patch = {[10] * ndim}"
    method = _method(folder, ("patch = [16, 16]", patch), image=TrainingImage.from_array(array, "image"))
    state = method.initial_state()
    for number in (0, 6):
        state, losses = method.step(state._replace(step=jnp.int32(number)), _real(method), 1.0)
        assert np.isfinite(losses).all()


def test_that_steps_of_scales_are_not_chosen_by_the_pace_of_the_first(folder, tmp_path):
    with pytest.raises(InputError, match=r"family = 'singan'.*from scale to scale.*do not ask to fill the minutes"):
        train(parse_recipe(RECIPE, folder), tmp_path / "prior.h5", minutes=1, fill=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("patch = [16, 16]", "patch = [16, 15]"), "give patches of multiples of 2 cells, at least 10 along each axis"),
        (("patch = [16, 16]", "patch = [16, 8]"), "at least 10 along each axis, or fewer scales or layers"),
        (("shares = [5, 3]", "shares = [5]"), "shares = [5] in [singan]; expected one of each for every scale"),
        (("shares = [5, 3]", "shares = [5, 0]"), "shares = [5, 0]"),
        (("shares = [5, 3]", "shares = [50, 1]"), "steps = 8 in [training], too few for the 2 scales"),
        (("gradient_penalty = 0.1", ""), "nothing in [training] that bounds their slope"),
        (('loss = "relativistic"', 'loss = "wasserstein"'), "give gradient_penalty_between = 10"),
        (("steps = 8", "steps = 8\nkeep_discriminator = true\npatience = 3"), "which are of other generators"),
        (("steps = 8", "steps = 8\nkeep_discriminator = true"), "with patterns or keep_discriminator"),
        (("steps = 8", "steps = 8\nstructure = 1.0"), "of a generator or dcgan; leave it out"),
        (("layers = 2", "layers = 1"), "layers = 1"),
    ],
)
def test_that_a_recipe_that_makes_no_scales_is_refused(change, words, tmp_path):
    assert change[0] in RECIPE
    with pytest.raises(InputError) as refused:
        parse_recipe(RECIPE.replace(*change), tmp_path)
    assert words in str(refused.value)
    assert str(refused.value).count("\n") == 0
