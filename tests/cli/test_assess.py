"""`latentinv assess`: figures, a page and a verdict; mistakes in one sentence."""

import json

import numpy as np
import pytest
import scipy.ndimage

from latentinv import Grid, load_prior
from latentinv.cli._assess_fields import fields_and_patches, read_reference
from latentinv.priors.learned import MapRange
from latentinv.priors.learned._provenance import Provenance
from latentinv.pytrees import replace
from tests.problems import LinearPrior, random_generator_prior, random_sequential_prior

GRID = Grid((32, 32))


@pytest.fixture
def image(folder):
    noise = np.random.default_rng(0).random((120, 120))
    np.save("image.npy", (noise > 0.5).astype(np.uint8))
    return folder / "image.npy"


def _assess(latentinv, *arguments):
    return latentinv(
        "assess",
        "prior.h5",
        "--image",
        "image.npy",
        "--count",
        16,
        "--grid",
        "32x32",
        "--output",
        "a.json",
        *arguments,
    )


def test_that_a_prior_is_assessed(latentinv, image):
    outcome = _assess(latentinv)
    assert outcome.code == 0, outcome.err
    figures = json.loads((image.parent / "a.json").read_text())
    assert figures["verdict"] in " ".join(outcome.out.split())
    assert figures["measures"]["total variation"]["times_floor"] > 0
    assert (image.parent / "a.png").exists()


def test_that_a_prior_that_sees_maps_is_assessed_with_those_of_its_image(latentinv, image):
    depth = np.linspace(10.0, 90.0, 120)[:, None] * np.ones(120)
    np.save("depth.npy", depth[::-1])
    recipe = '[image]\nfile = "image.npy"\nmaps = {depth = {file = "depth.npy", first_row = "north"}}\n'
    prior = random_sequential_prior(maps=(MapRange.of("depth", depth),))
    replace(prior, _provenance=Provenance({"recipe": recipe})).save("prior.h5")
    assert "Fields were drawn without maps" in " ".join(_assess(latentinv).out.split())
    prior = load_prior("prior.h5")
    reference = read_reference(prior, image, None, {"depth": "depth.npy"})
    fields, _, notes = fields_and_patches(prior, reference, GRID, 4, 0)
    assert (fields.shape, notes) == ((4, 32, 32), [])
    outcome = _assess(latentinv, "--output", "b.json", "--map", "width=depth.npy")
    assert "the prior sees depth; give all that it sees, or none" in outcome.err
    np.save("other.npy", depth + 1)
    outcome = _assess(latentinv, "--output", "b.json", "--map", "depth=other.npy")
    assert "has other values than the one that the prior was trained with (depth, 10 to 90)" in outcome.err
    np.testing.assert_array_equal(reference.maps[0].values, depth)


@pytest.mark.assure
def test_that_the_image_is_coarsened_as_for_the_training(latentinv, image):
    assert _assess(latentinv).code == 0
    np.save("image.npy", np.kron(np.load("image.npy"), np.ones((2, 2), np.uint8)))
    recipe = '[image]\nfile = "image.npy"\ncoarsen = 2\n'
    random_generator_prior(provenance={"recipe": recipe}).save("prior.h5")
    assert _assess(latentinv, "--output", "b.json").code == 0
    one, other = (json.loads((image.parent / name).read_text()) for name in ("a.json", "b.json"))
    assert one["measures"] == other["measures"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--output", "a.txt"), "use .json"),
        (("--grid", "8x8x8"), "The prior has 2 axes, but the grid 3"),
        (("--grid", "200x200"), "patch"),
    ],
)
def test_that_what_cannot_be_assessed_is_refused(latentinv, image, arguments, words):
    outcome = _assess(latentinv, *arguments)
    assert outcome.code == 1
    assert words in outcome.err
    assert not (image.parent / "a.json").exists()


def test_that_an_image_of_other_facies_is_refused(latentinv, image):
    np.save("image.npy", 3 * np.load("image.npy"))
    outcome = _assess(latentinv)
    assert outcome.code == 1
    assert "facies (0, 3)" in outcome.err


@pytest.mark.assure
def test_that_a_prior_of_three_axes_is_assessed(latentinv, folder):
    prior = random_generator_prior(ndim=3)
    prior.save("solid.h5")
    noise = np.random.default_rng(0).standard_normal((24, 40, 40))
    np.save("solid.npy", (scipy.ndimage.gaussian_filter(noise, 1.5) > 0).astype(np.uint8))
    outcome = latentinv(
        *("assess", "solid.h5", "--image", "solid.npy", "--count", 16, "--grid", "12x16x16", "--output", "a.json")
    )
    assert outcome.code == 0, outcome.err
    assert "those of the layers" in " ".join(outcome.out.split())
    figures = json.loads((folder / "a.json").read_text())
    expected = {"connectivity along z", "local binary patterns, radius 1", "specific surface", "euler number"}
    expected |= {f"{name} along {axis}" for name in ("lineal path", "percolating share") for axis in "xyz"}
    assert expected <= set(figures["measures"])


@pytest.fixture
def property_prior(folder, monkeypatch):
    """A prior of a continuous property under the name that is asked for: smoothed noise of 20 by 20 cells."""
    unit = np.eye(400, dtype=np.float32).reshape(400, 20, 20)
    smooth = scipy.ndimage.gaussian_filter(unit, (0, 1.5, 1.5), mode="wrap").reshape(400, 400)
    monkeypatch.setattr("latentinv.priors.load_prior", lambda name: LinearPrior(smooth.T))
    noise = np.random.default_rng(0).standard_normal((80, 80))
    np.savez("property.npz", porosity=scipy.ndimage.gaussian_filter(noise, 1.5), depth=noise)
    return folder


def _assess_property(latentinv, *arguments):
    return latentinv(
        *("assess", "porosity", "--image", "property.npz", "--count", 16, "--grid", "20x20", "--output", "a.json"),
        *arguments,
    )


def test_that_a_prior_of_a_continuous_property_is_assessed(latentinv, property_prior):
    outcome = _assess_property(latentinv, "--key", "porosity")
    assert outcome.code == 0, outcome.err
    figures = json.loads((property_prior / "a.json").read_text())
    # Gaussian: shape 2, with a standard error of 0.12 (see tests/realism/test_realism.py; n = 16 · (20 / 3)²).
    assert figures["measures"]["differences along x"]["prior"][0] == pytest.approx(2, abs=0.7)
    assert "image's median" in " ".join(outcome.out.split())
    assert (property_prior / "a.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "holds the arrays porosity, depth, and no key was given; name the one to use with key"),
        (("--key", "nothing"), "holds the arrays porosity, depth"),
        (("--image", "image.jpg"), "There is no image file at image.jpg"),
        (("--image", "nowhere.npy"), "There is no image file at nowhere.npy"),
        (("--image", "words.npy"), "has shape (2,)"),
        (("--key", "porosity", "--grid", "90x90"), "smaller patch"),
    ],
)
def test_that_an_image_of_a_property_that_cannot_be_used_is_refused(latentinv, property_prior, arguments, words):
    np.save("words.npy", np.array(["a", "b"]))
    outcome = _assess_property(latentinv, *arguments)
    assert outcome.code == 1
    assert words in outcome.err
    assert not (property_prior / "a.json").exists()


def test_that_fields_are_as_large_as_a_quarter_of_a_small_image_unless_a_size_is_given(latentinv, image):
    outcome = latentinv("assess", "prior.h5", "--image", "image.npy", "--count", 16, "--output", "a.json")
    assert outcome.code == 0, outcome.err
    curve = json.loads((image.parent / "a.json").read_text())["measures"]["variogram along x"]
    assert len(curve["prior"]) == 32 // 2
