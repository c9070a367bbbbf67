"""External programs in a study file: from a template to a run, which starts them only when it is run."""

import json
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from latentinv import InputError, load_run
from latentinv.inference.run import _driver
from latentinv.study import parse_study_file, read_study_file

PROGRAM = '''
numbers = [float(word) for word in """{{property}}""".split()]
with open("means.txt", "w") as file:
    file.write(f"# mean of all, first cell\\n{sum(numbers) / len(numbers)}; {numbers[0]}\\n")
'''
STUDY = '[study]\nprior = "prior.h5"\ngrid = [24, 30]\ndraws = 8\n[algorithm]\nname = "es_mda"\nassimilations = 2\n'
COMMAND = f"command = [{json.dumps(sys.executable)}, 'model.py']\n"
TABLE = f"[[simulators]]\ntemplate = 'model.py'\noutput = 'means.txt'\nof_facies = [1.0, 3.0]\n{COMMAND}"
INLINE = TABLE + "values = [2.0, 3.0]\nsd = 0.2\n"


@pytest.fixture
def study(folder):
    """A folder with a program and two data that it predicts."""
    (folder / "model.py").write_text(PROGRAM)
    (folder / "observed.csv").write_text("value,sd,unit\n200,20,cm\n300,20,cm\n")
    return folder


def test_that_a_program_predicts_from_the_property_and_data_are_converted_to_its_unit(study):
    text = TABLE + 'file = "observed.csv"\nunit = "m"\ntimeout = 60.0\n'
    (observation,) = parse_study_file(STUDY + text, study).observations
    field = np.where(np.arange(720).reshape(24, 30) < 240, 1.0, -1.0).astype(np.float32)

    np.testing.assert_allclose(observation.predict_exact(field), [1 + 2 / 3, 3.0], rtol=1e-6)
    np.testing.assert_allclose(observation.observed, [2.0, 3.0])
    np.testing.assert_allclose(observation.noise.spread(2), 0.2)
    assert (observation.unit, observation.name) == ("m", "means")
    assert observation.labels[1] == "the datum on line 3 of observed.csv"


def test_that_init_knows_a_template_and_what_was_observed(latentinv, study):
    alone = latentinv("init", "prior.h5", "model.py", "--output", "alone.toml")
    beside = latentinv("init", "prior.h5", "model.py", "observed.csv", "--output", "beside.toml")
    (study / "inputs").mkdir()
    (study / "inputs" / "field.txt").write_text("{{property}}")
    inputs = latentinv("init", "prior.h5", "inputs", "wells.csv", "--output", "inputs.toml")
    (study / "empty").mkdir()
    refused = latentinv("init", "prior.h5", "empty", "--output", "no.toml")
    unplaced = latentinv("init", "prior.h5", "observed.csv", "--output", "no.toml")

    assert [told.code for told in (alone, beside, inputs)] == [0, 0, 0], alone.err + beside.err + inputs.err
    text = (study / "alone.toml").read_text()
    assert 'template = "model.py"  # {{property}} in it becomes' in text
    for name in ("alone", "beside", "inputs"):
        text = (study / f"{name}.toml").read_text()
        changed = text.replace('["program", "argument"]', COMMAND.split("= ")[1].strip())
        assert len(parse_study_file(changed, study).observations) == (2 if name == "inputs" else 1)
    assert "model.py: a simulator's template" in alone.out
    assert "values = [0.0]" in (study / "alone.toml").read_text()
    assert 'file = "observed.csv"' in (study / "beside.toml").read_text()
    assert "none of its files holds {{property}}" in refused.err
    assert "value and sd but no places" in unplaced.err


def test_that_dry_shows_what_will_run_and_starts_nothing_and_the_run_can_be_continued(latentinv, study):
    (study / "study.toml").write_text(STUDY + INLINE + 'cache = "evaluations"\nprocesses = 2\n')
    (study / "later.toml").write_text(TABLE.replace("'means.txt'", "'means.txt'\ncount = 2"))
    dry = latentinv("run", "study.toml", "--dry")
    assert not (study / "evaluations").exists() or not any((study / "evaluations").iterdir())
    ran = latentinv("run", "study.toml")
    again = latentinv("resume", "study.h5", "--study", "study.toml")
    later = latentinv("forecast", "study.h5", "later.toml", "--json")

    assert dry.code == 0, dry.err
    assert f"'means' runs {sys.executable} model.py in a copy of {Path('model.py').resolve()}, 2 at a time" in dry.out
    assert "no program is started" in dry.out
    assert ran.code == 0, ran.err
    assert len(load_run("study.h5").latents) == 8
    assert "finished; there is nothing left to do" in again.out
    first, _ = json.loads(later.out)
    predicted = load_run("study.h5").predicted["means"]
    assert first["mean"] == pytest.approx(predicted[:, 0].mean(), rel=1e-5)


def test_that_an_interrupted_run_needs_its_study_to_be_continued(latentinv, study, monkeypatch):
    (study / "study.toml").write_text(STUDY + INLINE)
    real = _driver.RunRecorder.save

    def save(self, *state, **rest):
        real(self, *state, **rest)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_driver, "CHECKPOINT_SHARE", 1e9)
        patch.setattr(_driver.RunRecorder, "save", save)
        stopped = latentinv("run", "study.toml")
    alone = latentinv("resume", "study.h5")
    with_study = latentinv("resume", "study.h5", "--study", "study.toml")

    assert stopped.code == 130
    assert alone.code == 1
    assert "latentinv resume --study" in alone.err
    assert with_study.code == 0, with_study.err
    assert "'means' runs" in with_study.out
    assert load_run("study.h5").finished


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (INLINE.replace(COMMAND, 'command = "flow model.in"\n'), "command = 'flow model.in'.*without a shell"),
        (INLINE.replace(COMMAND, 'command = ["no-such-program"]\n'), "There is no program no-such-program on the path"),
        (INLINE.replace(COMMAND, ""), "lacks 'command'"),
        (INLINE.replace("'model.py'\n", "'none'\n", 1), "There is no template .*none"),
        (INLINE.replace("template = 'model.py'", "template = 'wells.csv'"), "holds the placeholder"),
        (INLINE.replace("template = 'model.py'", "template = '.'"), "a folder that holds the study itself"),
        (INLINE.replace("'means.txt'", "'../means.txt'"), "outside the folder of a simulation"),
        (INLINE + 'file = "observed.csv"\n', "have a file and 'values'"),
        (TABLE, "have neither a file nor values"),
        (INLINE + "processes = 0\n", "processes = 0"),
    ],
)
def test_that_a_program_that_cannot_be_run_is_refused_when_it_is_read(study, text, words):
    with pytest.raises(InputError, match=words):
        parse_study_file(STUDY + text, study)


def test_that_a_column_of_a_table_is_read_and_a_missing_one_is_a_failure_that_names_the_others(study):
    (study / "table.py").write_text(PROGRAM + 'open("means.txt", "w").write("time,head\\n0,1.5\\n1,2.5\\n")\n')
    text = INLINE.replace("template = 'model.py'", "template = 'table.py'").replace("'model.py'", "'table.py'")
    field = np.zeros((24, 30), np.float32)
    (head,) = parse_study_file(STUDY + text + "column = 'Head'\n", study).observations
    np.testing.assert_allclose(head.predict_exact(field), [1.5, 2.5])
    (none,) = parse_study_file(STUDY + text + "column = 'flux'\n", study).observations
    assert np.isnan(np.asarray(none.predict_exact(field))).all()
    assert "means.txt has no column flux, but time, head" in none.simulator.last_failure


def test_that_studies_of_a_batch_share_the_results_and_programs_of_a_simulator(latentinv, study):
    for name, values in (("one", "2.0, 3.0"), ("two", "2.5, 2.5")):
        text = STUDY + INLINE.replace("2.0, 3.0", values) + 'cache = "evaluations"\n'
        (study / f"{name}.toml").write_text(text)
    simulators = {}
    one, two = (read_study_file(study / f"{name}.toml", simulators=simulators).posterior() for name in ("one", "two"))
    assert jax.tree.structure(one) == jax.tree.structure(two)
    assert len(simulators) == 1
    (study / "other.toml").write_text(STUDY + INLINE + "retries = 1\n")
    other = read_study_file(study / "other.toml", simulators=simulators).posterior()
    assert jax.tree.structure(other) != jax.tree.structure(one)

    told = latentinv("batch", "one.toml", "two.toml")
    assert told.code == 0, told.err + told.out
    assert [load_run(f"{name}.h5").results["forward_failures"]["means"]["failed"] for name in ("one", "two")] == [0, 0]
    first = load_run("one.h5").results["forward_failures"]["means"]["simulations"]
    assert first == load_run("two.h5").results["forward_failures"]["means"]["simulations"]
