"""What other images of the same geology measure, beside what priors do."""

import numpy as np
import pytest

from benchmarks import strangers
from benchmarks._stranger_images import SIMULATORS
from latentinv.training import TrainingImage


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(strangers, "FIELDS", 12)


def test_that_images_made_here_are_compared_with_further_realizations(few):
    image = TrainingImage.from_array(SIMULATORS["thin_lines"](0), "thin_lines")
    found = strangers.reference("thin_lines", image, (48, 48))
    assert found["of"] == "further realizations"
    assert set(found["structure"]) == {"total variation", "largest body", "connectivity"}
    assert all(
        np.isfinite(value) and value >= 0 for value in (*found["structure"].values(), *found["texture"].values())
    )


def test_that_halves_of_a_published_image_that_differ_are_far_from_each_other(few):
    rng = np.random.default_rng(0)
    alike = (rng.random((60, 120)) < 0.4).astype(int)
    unlike = np.concatenate([alike[:, :60], np.repeat(np.repeat(alike[:15, :15], 4, axis=0), 4, axis=1)], axis=1)
    images = (TrainingImage.from_array(facies, "an image") for facies in (alike, unlike))
    near, far = (strangers.reference("an image", image, (24, 24)) for image in images)
    assert near["of"] == "one half of the image beside the other"
    assert far["structure"]["total variation"] > 10 * near["structure"]["total variation"]
