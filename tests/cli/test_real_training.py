"""`latentinv train` from a recipe to a prior that is drawn from, stopped in every way and resumed."""

import errno
import os

import numpy as np
import pytest

from latentinv import load_prior

RECIPE = """
[image.simulator]
shape = [120, 120]
seed = 3

[training]
steps = 24
batch = 2
patch = [32, 32]
evaluate_every = 2
"""


@pytest.mark.assure  # compiles the training three times
def test_that_a_training_stopped_and_resumed_on_the_command_line_is_the_one_that_was_not(
    latentinv, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "river.toml").write_text(RECIPE)

    def interrupt(self, step, losses):
        if step == 3:
            raise KeyboardInterrupt

    def fill(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("latentinv.cli._train.TrainingDisplay.on_step", interrupt)
        interrupted = latentinv("train", "river.toml")
    saved = (tmp_path / "river.training.h5").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fill)
        full = latentinv("resume", "river.training.h5")
    between = (tmp_path / "river.training.h5").read_bytes()
    resumed = latentinv("resume", "river.training.h5")
    whole = latentinv("train", "river.toml", "--output", "whole.h5")
    drawn = latentinv("generate", "river.h5", "--grid", "40x33", "--count", 3, "--output", "fields.npz")

    assert interrupted.code == 130
    assert interrupted.err == (
        "latentinv: Stopped. To continue: latentinv resume river.training.h5 "
        "(from the last comparison with the image)\n"
    )
    assert full.code == 1
    assert "The disk of river.training.h5 is full; what was saved before is intact" in full.err
    assert full.err.count("\n") == 1
    assert between == saved
    assert (tmp_path / "river.md").read_text().replace("river", "whole") == (tmp_path / "whole.md").read_text()
    assert resumed.code == whole.code == drawn.code == 0, resumed.err + whole.err + drawn.err
    for outcome, name in ((resumed, "river"), (whole, "whole")):
        assert "step 24 of 24; losses: discriminator" in outcome.out
        assert "total variation" in outcome.out
        assert f"{name}.h5" in outcome.out
        assert (tmp_path / f"{name}.samples.png").exists()
    assert load_prior("river.h5").fingerprint() == load_prior("whole.h5").fingerprint()
    facies = np.load("fields.npz")["facies"]
    assert facies.shape == (3, 40, 33)
    assert set(np.unique(facies)) == {0, 1}
