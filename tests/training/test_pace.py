"""How many steps fit into a time."""

from latentinv.training import _pace as pace
from latentinv.training import parse_recipe

RECIPE = '[image]\nfile = "a.npz"\n[training]\nsteps = 4000\nevaluate_every = 200\n'


def test_that_the_steps_that_fit_leave_time_for_trial_compilation_and_comparisons(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])

    def pretend(recipe, output, *, listener):
        for step in range(1, recipe.training.steps + 1):
            now[0] += 10 if step == 1 else 0.5
            listener.on_step(step, (0.0, 0.0))
            if step % recipe.training.evaluate_every == 0:
                now[0] += 8 if step == recipe.training.evaluate_every else 2
                listener.on_comparison(step, None, True)

    monkeypatch.setattr(pace, "train", pretend)
    recipe = parse_recipe(RECIPE, tmp_path)
    trial = 10 + 59 * 0.5 + 8 + 2
    expected = 0.97 * (1800 - trial - 10 - 20 * 2) / 0.5
    assert pace.pace_that_fits(recipe, 1800) == (int(expected), 20)
    assert pace.pace_that_fits(recipe, 1e6) == (4000, 20)
    assert pace.pace_that_fits(recipe, 200).comparisons == 10  # a tenth of the time
    assert pace.pace_that_fits(recipe, 1.0) == (1, 4)
