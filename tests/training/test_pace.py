"""How many steps fit into a time."""

import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.training import _loop as loop
from latentinv.training import parse_recipe, read_recipe, train
from latentinv.training._pace import Pace, fitted, missing, require_enough

RECIPE = '[image]\nfile = "a.npz"\n[training]\nsteps = 4000\nevaluate_every = 200\npatience = 5\n'


@pytest.mark.parametrize(
    ("seconds", "steps", "every", "patience"),
    [
        (1800, 60 + 3414, 173, 5),  # 0.97 (1800 − 20 · 2) / 0.5
        (1e6, 4000, 200, 5),  # no more than the recipe's own
        (200, 60 + 349, 40, 2),  # a tenth of the time for comparisons: ten of them
        (1.0, 60, 15, 2),  # four at least
    ],
)
def test_that_the_steps_that_fit_leave_time_for_comparisons(seconds, steps, every, patience, tmp_path):
    training = fitted(parse_recipe(RECIPE, tmp_path), 60, seconds, Pace(0.5, 2.0)).training
    assert (training.steps, training.evaluate_every, training.patience) == (steps, every, patience)


def test_that_too_few_steps_are_refused():
    require_enough(200, 2.0, 2.0)
    told = r"^2 minutes are enough for 199 steps on this machine; expected at least 200.* at least --minutes 3\.$"
    with pytest.raises(InputError, match=told):
        require_enough(199, 2.0, 2.1)


def test_that_the_fewest_steps_still_to_take_come_with_four_comparisons():
    assert np.isclose(missing(60, Pace(0.5, 2.0)), 140 * 0.5 / 0.97 + 4 * 2.0)


class Ticking:
    """A clock of which a step takes half a second, and a comparison two."""

    now = 0.0

    def monotonic(self):
        return Ticking.now


@pytest.fixture
def ticking(monkeypatch):
    """Trainings whose time is told by that clock."""
    Ticking.now = 0.0
    monkeypatch.setattr(loop, "time", Ticking())
    for name, seconds in (("_step", 0.5), ("_comparison", 2.0)):
        method = getattr(loop._Training, name)

        def slowly(self, *arguments, method=method, seconds=seconds):
            Ticking.now += seconds
            return method(self, *arguments)

        monkeypatch.setattr(loop._Training, name, slowly)


SMALL = """
[image.simulator]
shape = [120, 120]
seed = 3

[networks]
width = 0.1

[training]
steps = 4000
batch = 2
patch = [32, 32]
evaluate_every = 1000
"""


@pytest.mark.assure  # compiles the training twice
def test_that_a_training_that_fills_a_time_is_that_of_the_recipe_it_chose(tmp_path, ticking):
    heard = []

    class Listener(loop.Silence):
        def on_plan(self, recipe):
            heard.append(recipe)

    recipe = parse_recipe(SMALL, tmp_path)
    filled = train(recipe, tmp_path / "filled.h5", minutes=2.5, fill=True, listener=Listener())
    (tmp_path / "plain.toml").write_text(heard[0].text)
    plain = train(read_recipe(tmp_path / "plain.toml"), tmp_path / "plain.h5")

    assert filled.steps == plain.steps == heard[0].training.steps
    assert 60 + 0.9 * (150 - 34 - 8) / 0.5 < filled.steps < 60 + (150 - 34 - 8) / 0.5
    assert filled.prior.fingerprint() == plain.prior.fingerprint()


def test_that_a_time_too_short_for_the_first_steps_leaves_nothing(tmp_path, ticking):
    recipe = parse_recipe(SMALL.replace("[training]", "[training]\nseed = 1"), tmp_path)
    with pytest.raises(InputError, match=r"0.1 minutes were over before .* give at least --minutes 10\."):
        train(recipe, tmp_path / "short.h5", minutes=0.1, fill=True)
    for minutes in (-1.0, np.inf, np.nan):
        with pytest.raises(InputError, match="give a finite number that is not negative"):
            train(recipe, tmp_path / "short.h5", minutes=minutes)
    with pytest.raises(InputError, match="none were given; give minutes"):
        train(recipe, tmp_path / "short.h5", fill=True)
    assert not list(tmp_path.glob("short*"))
    assert np.isclose(Ticking.now, 6.0)


def test_that_a_time_too_short_is_known_before_it_is_over(tmp_path, ticking):
    recipe = parse_recipe(SMALL.replace("[training]", "[training]\nseed = 1"), tmp_path)
    # 200 steps take 100 s, of which 20.5 have passed when 41 are done, and 3 % are not planned with.
    with pytest.raises(InputError, match=r"1.5 minutes are enough for 179 steps.* at least --minutes 2\."):
        train(recipe, tmp_path / "short.h5", minutes=1.5, fill=True)
    assert np.isclose(Ticking.now, 20.5)


def test_that_the_last_state_is_compared_too_when_the_time_is_over(tmp_path, ticking):
    heard = []

    class Listener(loop.Silence):
        def on_comparison(self, step, comparison, kept):
            heard.append(step)

    recipe = parse_recipe(SMALL.replace("steps = 4000", "steps = 8").replace("every = 1000", "every = 4"), tmp_path)
    result = train(recipe, tmp_path / "short.h5", minutes=4.9 / 60, listener=Listener())
    assert (heard, result.steps) == ([4, 6], 6)  # four steps and a comparison take 4 s, two more steps 1 s
