"""What other images of the same geology measure, beside what priors do."""

import numpy as np
import pytest

from benchmarks import strangers
from benchmarks._fields import cut_patches
from benchmarks._stranger_images import SIMULATORS


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(strangers, "FIELDS", 12)


def test_that_images_made_here_are_compared_with_further_realizations(few):
    image = SIMULATORS["thin_lines"](0)
    found = strangers.reference("thin_lines", image, (48, 48), 2)
    assert found["of"] == "further realizations"
    assert set(found["structure"]) == {"total variation", "largest body", "connectivity"}
    assert all(
        np.isfinite(value) and value >= 0 for value in (*found["structure"].values(), *found["texture"].values())
    )


def test_that_halves_of_a_published_image_that_differ_are_far_from_each_other(few):
    rng = np.random.default_rng(0)
    alike = (rng.random((60, 120)) < 0.4).astype(int)
    unlike = np.concatenate([alike[:, :60], np.repeat(np.repeat(alike[:15, :15], 4, axis=0), 4, axis=1)], axis=1)
    near, far = (strangers.reference("an image", facies, (24, 24), 2) for facies in (alike, unlike))
    assert near["of"] == "one half of the image beside the other"
    assert far["structure"]["total variation"] > 10 * near["structure"]["total variation"]


def test_that_patches_lie_within_the_image():
    facies = np.arange(30).reshape(5, 6)
    patches = cut_patches(np.random.default_rng(1), facies, (5, 4), 50)
    assert patches.shape == (50, 5, 4)
    assert set(patches[:, 0, 0]) == {0, 1, 2}
    np.testing.assert_array_equal(patches - patches[:, :1, :1], np.broadcast_to(facies[:, :4], patches.shape))
