"""The training loop: resumed equals uninterrupted, bit for bit, and failures lose nothing."""

import h5py
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from PIL import Image

import latentinv.training._loop as loop
from latentinv import Grid, InputError, NonFiniteError, StorageError, load_prior
from latentinv.networks import generator_architecture
from latentinv.priors.learned import BOUND
from latentinv.storage import open_hdf5
from latentinv.training import Comparison, Losses, _checkpoint, checkpoint_path, parse_recipe, resume_training, train
from latentinv.training._adversarial import AdversarialMethod
from tests.problems import generate
from tests.workers import TRAINING, killed_workers

RECIPE = """
[image.simulator]
shape = [120, 120]
seed = 3

[networks]
width = 0.25

[training]
steps = 16
batch = 2
patch = [32, 32]
evaluate_every = 4
"""


class _Interrupter:
    """A listener that interrupts the training after a step."""

    def __init__(self, stop_at):
        self.stop_at = stop_at

    def on_step(self, step, losses):
        if step == self.stop_at:
            raise KeyboardInterrupt

    def on_comparison(self, step, comparison, kept): ...


class _Recorder:
    """A listener that keeps the losses."""

    def __init__(self):
        self.losses = []

    def on_step(self, step, losses):
        self.losses.append([float(loss) for loss in losses])

    def on_comparison(self, step, comparison, kept): ...


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return parse_recipe(RECIPE, tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def reference(recipe, tmp_path_factory):
    return train(recipe, tmp_path_factory.mktemp("reference") / "prior.h5")


def _assert_same_prior(path, reference):
    ours, theirs = load_prior(path).to_record(), reference.prior.to_record()
    assert load_prior(path).fingerprint() == reference.prior.fingerprint()
    for name, array in theirs.arrays.items():
        np.testing.assert_array_equal(ours.arrays[name], array)


def test_that_a_training_leaves_a_prior_a_checkpoint_and_a_sheet(recipe, tmp_path):
    result = train(recipe, tmp_path / "prior.h5", minutes=1e-6)
    assert result.steps == 1  # the time is looked at after each step
    assert load_prior(tmp_path / "prior.h5").fingerprint() == result.prior.fingerprint()
    assert checkpoint_path(tmp_path / "prior.h5").exists()
    with Image.open(tmp_path / "prior.samples.png") as sheet:
        assert min(sheet.size) > 100
    provenance = result.prior.provenance
    assert provenance["recipe"] == RECIPE
    assert len(provenance["image_sha256"]) == 64


def test_that_calibration_gives_the_share_of_the_image(reference, recipe):
    shares = np.mean(recipe.load_image().facies)
    from latentinv.inference import realize
    from latentinv.posterior import Posterior

    posterior = Posterior(reference.prior, Grid((32, 32)), [])
    z = np.random.default_rng(0).standard_normal((400, posterior.latent_size)).astype(np.float32)
    drawn = realize(posterior, z).reshape(400, -1).mean(axis=1)
    # the calibration's own 256 fields scatter too; five standard errors of both: false alarm below 1e-5
    error = drawn.std() * np.sqrt(1 / 400 + 1 / 256)
    assert abs(drawn.mean() - shares) < 5 * error


def test_that_a_training_interrupted_between_checkpoints_equals_one_that_was_not(recipe, reference, tmp_path):
    path = tmp_path / "prior.h5"
    with pytest.raises(KeyboardInterrupt):
        train(recipe, path, listener=_Interrupter(stop_at=6))
    resume_training(checkpoint_path(path))
    _assert_same_prior(path, reference)


@pytest.mark.assure
@pytest.mark.parametrize("count", [4, 10])
def test_that_kills_at_random_moments_change_no_bit(count, tmp_path):
    # A worker is killed before it has done four steps, so it saves more often than the other trainings.
    recipe = parse_recipe(RECIPE.replace("evaluate_every = 4", "evaluate_every = 2"), tmp_path)
    reference = train(recipe, tmp_path / "reference.h5")
    path = tmp_path / "prior.h5"
    with pytest.raises(KeyboardInterrupt):
        train(recipe, path, listener=_Interrupter(stop_at=1))
    checkpoint = checkpoint_path(path)
    kills = []
    for _ in killed_workers(TRAINING, checkpoint, seed=7, count=count):
        assert not path.exists()
        with open_hdf5(checkpoint, _checkpoint.FORMAT, _checkpoint.VERSION) as file:
            kills.append(int(file["state/.step"][()]))
    assert len(kills) == count
    assert kills[0] == 0
    assert kills == sorted(kills)
    assert kills[-1] > 0
    resume_training(checkpoint)
    _assert_same_prior(path, reference)


def test_that_a_loss_that_is_not_finite_leaves_the_last_good_state(recipe, tmp_path, monkeypatch):
    step = AdversarialMethod.step

    def poisoned(self, state, patches, rate):
        after, losses = step(self, state, patches, rate)
        return after, (losses if int(after.step) < 6 else Losses(losses.discriminator, np.float32(np.nan)))

    monkeypatch.setattr(AdversarialMethod, "step", poisoned)
    with pytest.raises(NonFiniteError, match=r"step 6.*was written to"):
        train(recipe, tmp_path / "prior.h5")
    assert load_prior(tmp_path / "prior.h5").provenance["kept"]["step"] == 4


@pytest.mark.parametrize(
    ("scores", "nearest", "steps", "kept"),
    [
        # Waiting begins at step 12, where the rates begin to fall.
        ([9, 4, 5, 4.1, 5, 5], [1] * 6, 24, 16),  # steps 8 and 16 are about as near: the later is kept
        ([9, 4, 5, 4.3, 5, 2], [1] * 6, 20, 8),
        ([9, 4, 4.15, 4.25, 5, 2], [1] * 6, 20, 12),  # that of step 16 is farther than the nearest, that of step 8
        ([9, 8, 7, 9, 9, 9], [1, 1, 0.5, 1, 1, 1], 20, 8),  # that of step 12 copies the image
        ([9, 8, 9, 7, 9, 9], [1] * 6, 24, 16),
    ],
)
def test_that_a_training_ends_when_it_no_longer_improves_and_keeps_no_copies(
    scores, nearest, steps, kept, tmp_path, monkeypatch
):
    found = iter(zip(scores, nearest, strict=True))

    def compare(*_, **__):
        score, ratio = next(found)
        return Comparison(float(score), 0.2, 0.2, 0.1, 0.1, 2.0, 2.0, 2.0, 2.0, float(ratio))

    monkeypatch.setattr(loop, "compare", compare)
    text = RECIPE.replace("steps = 16", "steps = 24\npatience = 2")
    result = train(parse_recipe(text, tmp_path), tmp_path / "prior.h5")
    assert (result.steps, result.ended_early) == (steps, True)
    assert result.prior.provenance["kept"]["step"] == kept


@pytest.mark.assure
def test_that_the_hinge_loss_trains(tmp_path):
    text = RECIPE.replace("steps = 16", 'steps = 2\nloss = "hinge"')
    result = train(parse_recipe(text, tmp_path), tmp_path / "prior.h5")
    assert result.steps == 2
    _assert_same_prior(tmp_path / "prior.h5", result)


@pytest.mark.assure  # the published widths take half a minute each, most of it to compile
@pytest.mark.parametrize("architecture", ["sgan", "dsgan"])
def test_that_the_published_architectures_train(architecture, tmp_path):
    text = RECIPE.replace("steps = 16", "steps = 2").replace("width = 0.25", f'architecture = "{architecture}"')
    recorder = _Recorder()
    result = train(parse_recipe(text, tmp_path), tmp_path / "prior.h5", listener=recorder)
    assert result.steps == 2
    assert np.isfinite(recorder.losses).all()
    prior, grid = load_prior(tmp_path / "prior.h5"), Grid((40, 33))
    assert prior.architecture == generator_architecture(architecture)
    z = np.random.default_rng(0).standard_normal((4, prior.latent_size(grid))).astype(np.float32)
    assert set(np.unique([prior.facies(generate(prior, jnp.asarray(one), grid)) for one in z])) == {0, 1}


@pytest.mark.assure
def test_that_a_training_that_fails_before_its_first_comparison_leaves_its_name_free(recipe, tmp_path):
    class Failing(_Interrupter):
        def on_step(self, step, losses):
            if step == self.stop_at:
                raise MemoryError

    with pytest.raises(MemoryError):
        train(recipe, tmp_path / "prior.h5", listener=Failing(stop_at=1))
    assert not list(tmp_path.iterdir())
    with pytest.raises(MemoryError):
        train(recipe, tmp_path / "prior.h5", listener=Failing(stop_at=5))
    assert checkpoint_path(tmp_path / "prior.h5").exists()


def test_that_patches_larger_than_the_image_are_refused_before_any_work(tmp_path):
    text = RECIPE.replace("[32, 32]", "[128, 128]")
    with pytest.raises(InputError, match="128"):
        train(parse_recipe(text, tmp_path), tmp_path / "prior.h5")
    assert not list(tmp_path.iterdir())


def test_that_a_flat_image_of_three_dimensions_is_refused_before_any_work(tmp_path):
    np.save(tmp_path / "image.npy", np.indices((12, 24, 24)).sum(axis=0) % 2)
    recipe = parse_recipe('[image]\nfile = "image.npy"\n[training]\npatch = [16, 16, 16]\n', tmp_path)
    with pytest.raises(InputError, match="cannot be cut"):
        train(recipe, tmp_path / "prior.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["image.npy"]


@pytest.mark.parametrize("name", ["prior.h5", "prior.training.h5", "prior.samples.png"])
def test_that_no_file_of_another_training_is_overwritten(recipe, tmp_path, name):
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(StorageError, match=f"{name} exists already"):
        train(recipe, tmp_path / "prior.h5")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"precious"


@pytest.mark.assure
def test_that_a_sheet_that_cannot_be_written_costs_no_checkpoint(recipe, reference, tmp_path, monkeypatch):
    def full(*_):
        raise StorageError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_sheet", full)
        with pytest.raises(StorageError, match="disk is full"):
            train(recipe, tmp_path / "prior.h5")
    checkpoint = checkpoint_path(tmp_path / "prior.h5")
    with open_hdf5(checkpoint, _checkpoint.FORMAT, _checkpoint.VERSION) as file:
        assert file.attrs["kept_step"] == 4
    resume_training(checkpoint)
    _assert_same_prior(tmp_path / "prior.h5", reference)


def test_that_a_resumed_training_has_what_is_left_of_its_time(recipe, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "prior.h5", minutes=60, listener=_Interrupter(stop_at=1))
    checkpoint = checkpoint_path(tmp_path / "prior.h5")
    with h5py.File(checkpoint, "r+") as file:
        assert 0 < file.attrs["seconds_left"] < 3600
        file.attrs["seconds_left"] = 0.0
    assert resume_training(checkpoint).steps == 1


def test_that_a_changed_image_is_not_trained_on(recipe, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "prior.h5", listener=_Interrupter(stop_at=1))
    original = _checkpoint.parse_recipe
    changed = RECIPE.replace("seed = 3", "seed = 4")
    monkeypatch.setattr(_checkpoint, "parse_recipe", lambda text, folder: original(changed, folder))
    with pytest.raises(InputError, match="or a map of it, has changed"):
        resume_training(checkpoint_path(tmp_path / "prior.h5"))


@pytest.mark.assure
def test_that_a_prior_takes_the_last_discriminator_if_asked(tmp_path):
    text = RECIPE.replace("width = 0.25", "width = 0.25\ndiscriminator_scales = 2") + "keep_discriminator = true\n"
    recipe = parse_recipe(text, tmp_path)
    prior = train(recipe, tmp_path / "prior.h5", minutes=1e-6).prior
    training = loop._Training(recipe, tmp_path / "prior.h5", loop.Silence())
    with open_hdf5(checkpoint_path(tmp_path / "prior.h5"), _checkpoint.FORMAT, _checkpoint.VERSION) as file:
        training.restore(file)
    grid = Grid((32, 40))
    z = np.random.default_rng(0).standard_normal(prior.latent_size(grid)).astype(np.float32)
    scores = load_prior(tmp_path / "prior.h5").discriminate(z, grid)
    assert scores.shape == (2, 2)  # of one place in 16 cells, along each axis, of whole ones
    state = training.state
    network = nnx.merge(
        training.method.networks.discriminator, state.discriminator, state.discriminator_statistics, copy=True
    )
    u = generate(prior, z, grid) / jnp.sqrt(1 - (generate(prior, z, grid) / BOUND) ** 2)
    field = jnp.tanh(prior.calibration.shift + prior.calibration.scale * u)
    fine = network(field[None, ..., None])[0]
    np.testing.assert_allclose(scores, fine[-1][0, ..., 0], rtol=1e-3, atol=1e-4)
