"""Models behind UM-Bridge in a study file: asked for their sizes when it is read, and evaluated when it is run."""

import numpy as np
import pytest

from latentinv import InputError, load_run
from latentinv.study import parse_study_file
from tests.simulators.umbridge_server import server, sums

pytest.importorskip("umbridge", reason="umbridge, of the extra 'umbridge', is not installed")

STUDY = '[study]\nprior = "prior.h5"\ngrid = [24, 30]\ndraws = 8\n[algorithm]\nname = "es_mda"\nassimilations = 2\n'


@pytest.fixture(scope="module")
def url():
    with server() as url:
        yield url


def table(url, more="values = [1.0, 2.0, 3.0, 4.0, 5.0]\nsd = 50.0\n"):
    return f'[[umbridge]]\nurl = "{url}"\nmodel = "blind"\nof_facies = [1.0, 3.0]\nconfig = {{cells = 720}}\n{more}'


def test_that_a_server_predicts_from_the_property_and_data_are_converted_to_its_unit(folder, url):
    (folder / "observed.csv").write_text("value,sd,unit\n" + "200,20,cm\n" * 5)
    text = table(url, 'file = "observed.csv"\nunit = "m"\nrequests = 4\ncache = "evaluations"\nidentity = "one"\n')
    (observation,) = parse_study_file(STUDY + text, folder).observations
    field = np.where(np.arange(720).reshape(24, 30) < 240, 1.0, -1.0).astype(np.float32)
    np.testing.assert_allclose(observation.predict_exact(field), sums(np.where(field > 0, 3.0, 1.0)), rtol=1e-4)
    np.testing.assert_allclose(observation.observed, 2.0)
    assert (observation.name, observation.unit, observation.simulator.executor.workers) == ("blind", "m", 4)
    assert list((folder / "evaluations").iterdir())


def test_that_dry_says_which_server_is_asked_and_the_run_and_its_forecast_follow(latentinv, folder, url):
    (folder / "study.toml").write_text(STUDY + table(url))
    (folder / "later.toml").write_text(table(url, ""))
    dry = latentinv("run", "study.toml", "--dry")
    ran = latentinv("run", "study.toml")
    later = latentinv("forecast", "study.h5", "later.toml", "--json")
    assert dry.code == 0, dry.err
    assert f"'blind' asks the model 'blind' with {{\"cells\": 720}} of {url}" in dry.out
    assert ran.code == 0, ran.err
    assert len(load_run("study.h5").latents) == 8
    assert later.code == 0, later.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("cells = 720", "cells = 72"), r"The study's \[\[umbridge\]\] cannot be used: The model 'blind' .* takes 72"),
        (('model = "blind"\n', ""), "lacks 'model'"),
        (("http://", ""), "expected one such as http://localhost:4242"),
        (("of_facies", "requests = 0\nof_facies"), "requests = 0"),
        (("config = {cells = 720}", 'config = "coarse"'), "config = 'coarse' in .umbridge.; expected a table"),
        (("values = [1.0, ", "values = ["), "have 4 values for 5 places"),
    ],
)
def test_that_a_table_that_cannot_be_used_is_refused_when_it_is_read(folder, url, change, words):
    with pytest.raises(InputError, match=words):
        parse_study_file(STUDY + table(url).replace(*change), folder)


def test_that_a_study_without_its_server_is_refused_in_one_sentence(folder):
    with pytest.raises(InputError, match=r"No UM-Bridge server answers at http://127\.0\.0\.1:9"):
        parse_study_file(STUDY + table("http://127.0.0.1:9"), folder)
