"""`latentinv condition`, `resume` and `show`: one run from data to picture, and how each mistake is told."""

import pytest

from latentinv.cli import main
from latentinv.cli._parse import draws_setting
from latentinv.inference import ALGORITHMS
from latentinv.inference.run import default_settings

QUICK = ("--draws", 8, "--set", "moves=1", "--set", "leapfrogs=2", "--set", "final_rounds=1", "--set", "first_draws=8")
PLACE = ("condition", "prior.h5", "--grid", "24x30", "--output", "run.h5")


def test_that_a_run_is_conditioned_shown_and_drawn(latentinv, folder):
    done = latentinv(*PLACE, "--wells", "wells.csv", "--blocks", "blocks.csv", *QUICK)
    shown = latentinv("show", "run.h5")

    assert done.code == shown.code == 0, done.err + shown.err
    for text in (done.out, shown.out):
        assert "6 of 6 observed cells honoured in 8 of 8 draws" in text
        assert "block 1" in text
        assert "log evidence" in text
    assert "condition 100 %" in done.out
    assert "'smc' was chosen: it ends on the thresholded facies" in done.out.splitlines()[0]
    assert "choice" in shown.out
    assert "24 x 30 cells, x 0–30 m, y 0–24 m" in shown.out
    assert "leapfrogs 2" in shown.out
    assert "finished" in shown.out
    assert (folder / "run.png").exists()


def test_that_a_second_picture_does_not_replace_the_first(latentinv, folder):
    latentinv("show", "prior.h5")
    latentinv("show", "prior.h5")

    assert (folder / "prior.png").exists()
    assert (folder / "prior-2.png").exists()


def test_that_an_interrupted_run_says_how_to_continue_and_does(latentinv, folder, monkeypatch):
    def stop(self, step, progress):
        if step == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("latentinv.cli._display.RunListener.on_step", stop)
        stopped = latentinv(*PLACE, "--wells", "wells.csv", *QUICK)
    between = latentinv("show", "run.h5")
    resumed = latentinv("resume", "run.h5")
    again = latentinv("resume", "run.h5")

    assert stopped.code == 130
    assert stopped.err == "latentinv: Stopped. To continue: latentinv resume run.h5\n"
    assert "unfinished after step 1" in between.out
    assert "level 1, acceptance" in between.out
    assert "8, 8 of them distinct" in between.out
    assert (folder / "run.png").exists()
    assert resumed.code == 0, resumed.err
    assert "6 of 6 observed cells honoured in 8 of 8 draws" in resumed.out
    assert "finished" not in resumed.out
    assert again.out.startswith("run.h5 is finished; there is nothing left to do.\n")


def test_that_data_out_of_reach_are_named_and_end_with_code_one(latentinv, folder):
    rows = ("x_min,y_min,x_max,y_max,mean,sd", "2,2,12,12,0.02,0.001", "2,2,12,12,0.98,0.001")
    (folder / "two.csv").write_text("\n".join(rows))
    chequered = [f"{x + 0.5},{y + 0.5},{(x + y) % 2}" for x in range(14, 20) for y in range(6)]
    (folder / "many.csv").write_text("\n".join(["x,y,facies", *chequered]))

    stuck = latentinv(*PLACE, "--blocks", "two.csv", "--wells", "many.csv", *QUICK, "--set", "max_levels=2")
    shown = latentinv("show", "run.h5")

    for outcome in (stuck, shown):
        assert outcome.code == 1
        assert outcome.err.startswith("The data could not be met:\n")
        assert "block 2 (x 2–12 m, y 2–12 m): data 0.980 ± 0.001" in outcome.err
        assert outcome.err.endswith("try more before you doubt the data.\n")


def test_that_a_continuous_search_for_best_fits_is_one_option_away(latentinv, folder):
    done = latentinv(
        *PLACE, "--wells", "wells.csv", "--algorithm", "map", "--draws", 2, "--set", "adam_iterations=5",
        "--set", "lbfgs_iterations=0",
    )  # fmt: skip

    assert done.code == 0, done.err
    assert "log density" in done.out


def test_that_chains_are_diagnosed_while_they_run_and_when_they_are_shown(latentinv, folder):
    done = latentinv(
        *PLACE, "--blocks", "blocks.csv", "--algorithm", "pcn", "--draws", 60, "--set", "chains=3", "--set", "warmup=4",
        "--set", "thinning=1", "--set", "draws_per_step=4",
    )  # fmt: skip
    shown = latentinv("show", "run.h5")

    assert done.code == shown.code == 0, done.err + shown.err
    assert "draw 20/20 of each chain" in done.out
    assert ", R-hat " in done.out
    assert "was chosen" not in done.out
    for text in (done.out, shown.out):
        words = " ".join(text.split())
        assert " at worst (" in words
        assert "effective draws " in words
        assert " by chain" in words
        assert "Warning: The " in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--grid", "24by30"), "The grid '24by30' cannot be read"),
        (("--grid", "24x0"), "The grid '24x0' cannot be read"),
        (("--grid", "8x24x30"), "The prior has 2 axes, but the grid 3"),
        (("--seed", "99999999999999999999"), "The seed is 99999999999999999999; expected a whole number"),
        (("--spacing", "a"), "The spacing 'a' cannot be read"),
        (("--spacing", "-1"), "spacing -1.0 is not positive"),
        (("--origin", "1,2,3"), "3 numbers"),
        (("--set", "moves"), "write --set key=value"),
        (("--set", "moves=2.5"), "The setting moves is '2.5'; expected a whole number"),
        (("--set", "ess_target=nan"), "The setting ess_target is 'nan'; expected a number"),
        (("--set", f"moves={10**400}"), "expected a whole number of at most 2147483647"),
        (("--draws", 2**31), "The setting particles is '2147483648'; expected a whole number of at most 2147483647"),
        (("--set", "colour=3"), "no setting 'colour'"),
        (("--set", "moves=1", "--set", "moves=2"), "given twice"),
        (("--draws", "4", "--set", "particles=5"), "but they are the same setting"),
        (("--output", "run.txt"), "run.txt has an unsupported file extension; use .h5"),
        (("--draws", "0"), "The number of draws is 0; expected at least 1"),
        (("--algorithm", "guess"), "no algorithm called 'guess'"),
        (("--algorithm", "es_mda", "--set", "localised=maybe"), "The setting localised is 'maybe'; expected true or"),
        (("--algorithm", "variational", "--set", "guide=magic"), "The setting guide is 'magic'"),
        (("--target", "hard"), "The target is 'hard'"),
        (("--wells", "nothing.csv"), "no file nothing.csv"),
        (("--blocks", "wells.csv"), "no column x_min"),
        (("--wells", "wells.csv"), "Two observations are called 'wells'"),
    ],
)
def test_that_a_mistake_is_one_sentence_and_leaves_no_file(latentinv, folder, arguments, words):
    outcome = latentinv(*PLACE, "--wells", "wells.csv", *arguments)

    assert outcome.code == 1
    assert words in outcome.err
    assert outcome.err.startswith("latentinv: ")
    assert outcome.err.count("\n") == 1
    assert not (folder / "run.h5").exists()


def test_that_an_output_that_exists_is_refused_before_any_work(latentinv, folder, monkeypatch):
    (folder / "run.h5").write_text("mine")
    monkeypatch.setattr("latentinv.priors.load_prior", lambda path: pytest.fail("a prior was loaded"))

    outcome = latentinv("condition", "prior.h5", "--grid", "24x30", "--wells", "wells.csv", "--output", "run.h5")

    assert outcome.code == 1
    assert "run.h5 exists already" in outcome.err
    assert (folder / "run.h5").read_text() == "mine"


def test_that_every_algorithm_takes_a_number_of_draws():
    for name in ALGORITHMS:
        assert isinstance(default_settings(name)[draws_setting(name)], int)


def test_that_the_algorithms_are_listed_and_described_with_their_settings(latentinv):
    listed, described = latentinv("algorithms"), latentinv("algorithms", "smc")

    rows = [line for line in listed.out.splitlines()[:-1] if not line.startswith(" ")]  # others continue a description
    assert [row.split()[0] for row in rows] == list(ALGORITHMS)
    assert listed.out.splitlines()[-1] == "'latentinv algorithms NAME' describes one of them and its settings."
    for setting in default_settings("smc"):
        assert described.out.count(f"\n{setting} = ") == 1
    assert latentinv("algorithms", "parallel_tempering").out.count("\nchains = 4\n    Independent ladders") == 1
    assert "no algorithm called 'guess'" in latentinv("algorithms", "guess").err


def test_that_no_data_are_refused(latentinv, folder):
    assert "No data are given" in latentinv(*PLACE).err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("resume", "prior.h5"), "is a prior, which is complete"),
        (("resume", "wells.csv"), "is not an HDF5 file; expected a file of latentinv"),
        (("resume", "none.h5"), "There is no file none.h5"),
        (("show", "none.h5"), "There is no file none.h5"),
        (("show", "nothing"), "no prior called 'nothing'"),
        (("show", "prior.h5", "--output", "prior.doc"), "unsupported file extension"),
    ],
)
def test_that_a_wrong_file_is_told_in_one_sentence(latentinv, folder, arguments, words):
    outcome = latentinv(*arguments)

    assert outcome.code == 1
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


class _JaxError(RuntimeError):
    """Stands for what JAX raises."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        _JaxError("RESOURCE_EXHAUSTED: failed to allocate 1 bytes"),
        _JaxError("INTERNAL: Error dispatching computation: Out of memory allocating 1 bytes."),
    ],
)
def test_that_fields_that_do_not_fit_in_memory_are_one_sentence_and_leave_the_name_free(
    latentinv, folder, monkeypatch, error
):
    def fail(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("latentinv.cli._display.RunListener.on_step", fail)
        outcome = latentinv(*PLACE, "--wells", "wells.csv", *QUICK)

    assert outcome.code == 1
    assert outcome.err == (
        "latentinv: This many fields of 24 x 30 cells do not fit in memory at once; give a smaller --set batch_size=N, "
        "fewer draws or a smaller grid.\n"
    )
    assert not (folder / "run.h5").exists()


def test_that_a_run_that_outgrows_the_memory_later_says_what_is_left(latentinv, folder, monkeypatch):
    def fail(self, step, progress):
        if step == 2:
            raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("latentinv.cli._display.RunListener.on_step", fail)
        outcome = latentinv(*PLACE, "--wells", "wells.csv", *QUICK)
        again = latentinv("resume", "run.h5")

    assert outcome.code == again.code == 1
    assert "To continue with more memory: latentinv resume run.h5" in outcome.err
    assert "resume it with more memory" in again.err
    assert outcome.err.count("\n") == again.err.count("\n") == 1
    assert "unfinished after step 1" in latentinv("show", "run.h5").out


def test_that_an_error_of_ours_is_not_taken_for_a_lack_of_memory(latentinv, folder, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("a mistake")

    monkeypatch.setattr("latentinv.inference.run.sample", fail)
    with pytest.raises(RuntimeError, match="a mistake"):
        main([*PLACE, "--wells", "wells.csv"])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "condition",
            [
                "the algorithm's default if omitted",
                "--set moves=4",
                "latentinv algorithms NAME",
                "LAYERSxROWSxCOLUMNS; rows along y",
            ],
        ),
        ("show", ["(default: NAME.png here)"]),
        ("train", ["(default: SOURCE.h5 here)", "30 for an image"]),
    ],
)
def test_that_help_says_defaults_and_where_settings_are_described(latentinv, monkeypatch, command, words):
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    monkeypatch.setenv("COLUMNS", "400")
    outcome = latentinv(command, "--help")

    assert outcome.code == 0
    for word in words:
        assert word in outcome.out
