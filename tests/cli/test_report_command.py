"""`latentinv report`: one page, beside the run unless another place is given, and mistakes in one sentence."""

import jax
import numpy as np
import pytest

from latentinv import Grid, Posterior
from latentinv.inference.core import draw_tables, evaluate
from latentinv.plotting import _panels
from latentinv.report import _realizations
from latentinv.storage import RunFile, RunHeader
from tests.problems import random_generator_prior


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of two draws without data, in a folder of its own, with the prior and its card."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_realizations, "MOST", 1)
    monkeypatch.setattr(_panels, "SHARPNESS", 50)
    prior = random_generator_prior()
    prior.save("prior.h5")
    (tmp_path / "prior.md").write_text("# prior\n\nOf nothing, but **quick**.\n", encoding="utf-8")
    random_generator_prior(1).save("other.h5")
    posterior = Posterior(prior, Grid((8, 8)), [])
    header = RunHeader(prior.to_record(), posterior.grid, [], "laplace", {"draws": 2}, 0, "thresholded")
    latents = np.asarray(jax.random.normal(jax.random.key(0), (2, posterior.latent_size)))
    tables = draw_tables(posterior, evaluate(posterior, latents))
    RunFile.create("run.h5", header).checkpoint({}, steps=0, trace_rows=[], draws=tables, finished=True)
    return tmp_path / "run.h5"


def test_that_a_page_is_written_beside_the_run_and_not_replaced(latentinv, run):
    written = latentinv("report", "run.h5", "--prior", "prior.h5")
    again = latentinv("report", "run.h5")

    assert (written.code, written.out) == (0, "report in run.html\n"), written.err
    text = run.with_suffix(".html").read_text(encoding="utf-8")
    assert "<p>Of nothing, but <strong>quick</strong>.</p>" in text
    assert "latentinv report run.h5 --output run.html --prior prior.h5" in text
    assert again.code == 1
    assert "run.html exists already" in again.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run.h5", "--prior", "other.h5"), "other.h5 is not the prior that the run was made with"),
        (("run.h5", "--output", "run.pdf"), "run.pdf has an unsupported file extension; use .html or .htm."),
        (("none.h5",), "none.h5"),
        (("prior.h5", "--output", "x.html"), "prior.h5"),
    ],
)
def test_that_mistakes_are_told_in_one_sentence(latentinv, run, arguments, words):
    outcome = latentinv("report", *arguments)
    assert outcome.code == 1
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert not list(run.parent.glob("*.html"))
