"""What the program says of runs with indirect data: each data set by its name and unit, functions by a sentence."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import ESMDA, FaciesProperty, Grid, IndirectData, Posterior, load_prior, sample
from latentinv.data import Report, over_draws
from latentinv.forward import LinearForward

GRID = Grid((24, 30))


def stored(forward, listener=None):
    prior = load_prior("prior.h5")
    reading = FaciesProperty(prior.facies_model, (1.0, 5.0))
    weights = np.full((1, GRID.size), 1 / GRID.size)
    heads = IndirectData(GRID, forward, [3.0, 3.0], 0.5, property=reading, name="heads", unit="m")
    times = IndirectData(GRID, LinearForward(weights, GRID), [3.0], 0.2, property=reading, name="arrivals", unit="ms")
    settings = ESMDA(members=6, assimilations=2)
    sample(Posterior(prior, GRID, [heads, times]), settings, output="run.h5", listener=listener)


def halves(property):
    return jnp.stack([property[:12].mean(), property[12:].mean()])


def test_that_each_data_set_is_shown_by_its_name_and_unit(latentinv, folder):
    stored(LinearForward(np.full((2, GRID.size), 1 / GRID.size), GRID))
    shown = latentinv("show", "run.h5")
    assert shown.code == 0, shown.err
    words = " ".join(shown.out.split())
    assert "data heads (indirect data)" in words
    assert "2 of 2 data within two sd in" in words
    assert " m), stated 0.5 m" in words
    assert " ms), stated 0.2 ms" in words


def test_that_a_finished_run_whose_forward_model_is_a_function_is_shown(latentinv, folder):
    stored(halves)
    for command in ("show", "resume"):
        ended = latentinv(command, "run.h5")
        assert ended.code == 0, ended.err
        words = " ".join(ended.out.split())
        assert "heads 2 of 2 data within two sd in" in words
        assert "datum 2 data 3 ± 0.5 m, draws " in words
    assert (folder / "run.png").exists()


def test_that_an_unfinished_one_says_what_to_give_again(latentinv, folder):
    class Stop:
        def on_step(self, step, progress):
            if step == 2:  # the first is saved
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stored(halves, Stop())
    shown, resumed = latentinv("show", "run.h5"), latentinv("resume", "run.h5")
    assert shown.code == 0, shown.err
    assert resumed.code == 1
    for words in (shown.out, resumed.err):
        assert "'heads' is a Python function, which a run file cannot hold; give it again" in words


def test_that_errors_over_draws_stand_beside_the_stated_noise():
    data = IndirectData(GRID, lambda p: p[0, :2], [3.0, 3.0], 0.5, name="heads", unit="m")
    reports = [Report("heads", "", n, 2, rmse) for n, rmse in ((2, 0.4), (1, 0.9), (2, 0.5))]
    assert over_draws(data, reports) == (
        "2 of 2 data within two sd in 2 of 3 draws; on average 1.7, at worst 1; "
        "rmse 0.5 m (0.4 m to 0.9 m), stated 0.5 m"
    )
