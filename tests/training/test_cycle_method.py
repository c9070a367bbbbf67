"""Unpaired translations in training: losses by hand, resumed bit for bit, and recipes that cannot be used."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError, load_prior
from latentinv.errors import StorageError
from latentinv.networks import TranslatorArchitecture
from latentinv.training import ChannelSimulator, checkpoint_path, parse_recipe, resume_training, train
from latentinv.training import _cycle as cycle
from latentinv.training import _cycle_step as steps
from latentinv.training._method import Task
from latentinv.training.images import image_levels
from tests.interrupted import Interrupter, require_equal_after_interrupt
from tests.problems import random_dcgan_prior, random_generator_prior

RECIPE = """
[image]
file = "image.npy"

[networks]
family = "cycle"
width = 0.1

[cycle]
source = "source.h5"
widths = [4, 4]
dilations = [1]

[training]
steps = 8
batch = 2
patch = [40, 40]
evaluate_every = 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cycle")
    np.save(folder / "image.npy", ChannelSimulator().simulate(np.random.default_rng(0), (50, 61)))
    random_generator_prior().named(("clay", "sand")).save(folder / "source.h5")
    random_generator_prior(1, categories=(5, 6, 9), ordered=False).save(folder / "three.h5")
    random_generator_prior(ndim=3).save(folder / "volume.h5")
    random_dcgan_prior().save(folder / "one_size.h5")
    return folder


def _recipe(folder, *changes):
    text = RECIPE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_recipe(text, folder)


def _method(folder, *changes):
    recipe = _recipe(folder, *changes)
    image = recipe.load_image()
    return cycle.CycleMethod(Task(recipe, image, image_levels(image, 0.0, ordered=True)))


def _real(method, seed=0):
    return jnp.asarray(method.patches(np.random.default_rng(seed), 2))


def test_that_a_training_leaves_a_prior_that_goes_on_bit_for_bit_where_it_stopped(folder, tmp_path):
    prior = require_equal_after_interrupt(_recipe(folder), tmp_path)
    assert prior.family == "cycle"
    grid = Grid((10, 11))
    assert prior.generate(jnp.zeros(prior.latent_size(grid)), grid).shape == (10, 11)
    assert prior.source.fingerprint() == load_prior(folder / "source.h5").fingerprint()
    assert any(np.any(prior.there[name]) for name in ("last", "last.bias"))
    assert any(np.any(prior.back[name]) for name in ("last", "last.bias"))


def test_that_a_training_does_not_go_on_with_another_source(folder, tmp_path):
    random_generator_prior().save(tmp_path / "source.h5")
    np.save(tmp_path / "image.npy", np.load(folder / "image.npy"))
    with pytest.raises(KeyboardInterrupt):
        train(parse_recipe(RECIPE, tmp_path), tmp_path / "prior.h5", listener=Interrupter())
    random_generator_prior(7).save(tmp_path / "source.h5")
    with pytest.raises(InputError, match=r"The source source\.h5 has changed since this training began; restore"):
        resume_training(checkpoint_path(tmp_path / "prior.h5"))


def test_that_a_step_changes_all_four_networks_and_takes_over_the_memory(folder):
    method = _method(folder)
    state = method.initial_state()
    before = jax.tree.map(jnp.array, state)
    memory = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state)]
    assert len(set(memory)) == len(memory)
    state, losses = method.step(state, _real(method), 1.0)
    assert np.isfinite(losses).all()
    assert 0 < losses.cycle < 1
    assert 0 < losses.content < 1
    assert int(state.step) == 1
    for part in ("translators", "discriminators", "average"):
        for way in ("there", "back"):
            old, new = (getattr(each, part)[way] for each in (before, state))
            assert any(np.any(a != b) for a, b in zip(*map(jax.tree.leaves, (old, new)), strict=True))


def test_that_differences_are_shares_of_cells_by_hand():
    """Two facies of four cells, and three facies of which two stand for one."""
    net = TranslatorArchitecture(1, (0, 1), 2, (1, 1), (1,))
    fields, patches = jnp.array([1.0, -1.0, 1.0, -1.0]), jnp.array([-1.0, -1.0, -1.0, 1.0])
    column = lambda *values: jnp.array(values)[None, :, None]  # noqa: E731
    now = steps.Told(column(1, 1, 1, -1), column(-1, -1, -0.5, 1), column(1, 1, 1, 1), column(-1, -1, -1, 1))
    whole = [one[None, :, None] for one in (fields, patches)]
    assert float(steps.cycle_loss(now, *whole, 0)) == pytest.approx(0.5 * (2 / 4 + 0))
    assert float(steps.content_loss(net, now, *whole)) == pytest.approx(0.5 * (1 / 4 + 0.25 / 4))
    three = TranslatorArchitecture(1, (0, 1, 1), 2, (1, 1), (1,))
    index = jnp.array([[0, 1, 2, 2]])
    source = 2 * jax.nn.one_hot(index, 3) - 1
    told = steps.Told(column(-1, 1, 1, -1), source, None, None)
    assert float(steps.content_loss(three, told, source, column(-1, 1, 1, 1))) == pytest.approx(0.5 * (1 / 4 + 0))


def test_that_every_second_field_is_shown_as_facies():
    levels = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (5, 2, 2, 1)), jnp.float32)
    shown, pull = jax.vjp(lambda x: steps.half_crisp(x, 2), levels)
    np.testing.assert_array_equal(shown[0::2], levels[0::2])
    np.testing.assert_allclose(shown[1::2], np.sign(levels[1::2]), atol=1e-6)
    np.testing.assert_allclose(pull(jnp.ones_like(levels))[0], 1)


def test_that_facies_stand_for_each_other_by_order_or_as_stated(folder):
    image = _recipe(folder).load_image().named(("mud", "bar"))
    two, three = (load_prior(folder / name).facies_model for name in ("source.h5", "three.h5"))
    assert cycle.stands_of({}, two, image) == (0, 1)
    assert cycle.stands_of({"sand": "mud", "0": 1}, two, image) == (1, 0)
    assert cycle.stands_of({"5": 0, "9": "bar", "6": 0}, three, image) == (0, 0, 1)
    for stated, words in (
        ({}, r"source has the facies 5, 6, 9, and the image 0 \(mud\), 1 \(bar\)"),
        ({"5": 0, "6": 1}, "each of the source's once"),
        ({"5": 0, "6": 0, "9": 0}, "at least one that stands for it"),
        ({"5": 0, "6": 0, "9": 4}, r"the image 0 \(mud\), 1 \(bar\): give these by their codes or names"),
        ({"5": 0, "6": 0, "clay": 1}, "give these by their codes or names"),
    ):
        with pytest.raises(InputError, match=words):
            cycle.stands_of(stated, three, image)


def test_that_sources_are_shipped_or_beside_the_recipe(folder):
    assert cycle.source_of("source.h5", folder).family == "generator"
    assert cycle.source_of("meanders", folder).fingerprint() == load_prior("meanders").fingerprint()
    with pytest.raises(StorageError, match="nowhere"):
        cycle.source_of("nowhere", folder)
    with pytest.raises(StorageError, match=r"nowhere\.h5"):
        cycle.source_of("nowhere.h5", folder)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("three.h5", "do not stand for each other by their order"),
        ("volume.h5", "The source has 3 axes, but the image 2"),
        ("one_size.h5", "cells only"),
    ],
)
def test_that_a_source_that_cannot_be_used_is_refused_in_a_sentence(folder, source, words):
    with pytest.raises(InputError, match=words):
        _method(folder, ("source.h5", source))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('source = "source.h5"\n', ""), "no source in .cycle."),
        (('file = "image.npy"', 'file = "image.npy"\nordered = true'), "facies without order"),
        (('file = "image.npy"', 'file = "image.npy"\ncontinuous = true'), "facies without order"),
        (("[40, 40]", "[33, 40]"), r"networks see 8 cells .* at least 34 cells"),
        (("patch = [40, 40]", "patch = [80, 80]\npatterns = 1.0"), "gradient penalties, patterns"),
        (("batch = 2", "batch = 2\ngradient_penalty = 1.0"), "gradient penalties"),
        (("batch = 2", "batch = 2\ngenerator_every = 5"), "generator_every"),
        (("width = 0.1", 'width = 0.1\nnormalisation = "batch"'), "another normalisation"),
        (("width = 0.1", "width = 0.1\npacking = 3"), "multiple of packing"),
        (("batch = 2", "batch = 2\nkeep_discriminator = true"), "leave keep_discriminator out"),
        (("batch = 2", "batch = 1"), "batch = 1 .*every second field is shown as facies"),
        (("batch = 2", "batch = 2\nstructure = 1.0"), "leave it out"),
        (("dilations = [1]", "dilations = [1]\nfacies = {0 = 1.5}"), "facies of the image by those of the source"),
        (("dilations = [1]", "dilations = [0]"), "distances such as"),
    ],
)
def test_that_a_recipe_that_contradicts_itself_is_refused(folder, change, words):
    with pytest.raises(InputError, match=words):
        _recipe(folder, change)
