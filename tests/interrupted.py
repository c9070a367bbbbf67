"""A training that is killed and resumed, beside one that never stopped."""

import pytest

from latentinv import load_prior
from latentinv.training import checkpoint_path, resume_training, train


class Interrupter:
    """A listener that interrupts the training after a step."""

    def on_step(self, step, losses):
        if step == 6:
            raise KeyboardInterrupt

    def on_comparison(self, step, comparison, kept): ...


def require_equal_after_interrupt(recipe, folder):
    """Train whole, and with an interrupt at step 6; the second prior, which must equal the first bit for bit."""
    whole = train(recipe, folder / "whole.h5")
    with pytest.raises(KeyboardInterrupt):
        train(recipe, folder / "prior.h5", listener=Interrupter())
    resume_training(checkpoint_path(folder / "prior.h5"))
    prior = load_prior(folder / "prior.h5")
    assert prior.fingerprint() == whole.prior.fingerprint()
    return prior
