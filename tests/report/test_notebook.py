"""What notebooks show of priors, posteriors, runs and grids."""

import io

import numpy as np
import pytest
from PIL import Image

from latentinv import CholeskyPrior, Covariance, Grid, InputError, load_run
from tests.report.conftest import HOSTILE, PLANE, facies_posterior
from tests.report.test_report_page import Outline


def test_that_objects_show_themselves_as_tables_with_all_names_escaped(pages):
    posterior = facies_posterior()
    run = load_run(pages["facies"].run)
    for shown in (PLANE, posterior, run):
        outline = Outline(shown._repr_html_())
        assert HOSTILE in outline.words or shown is PLANE
        assert "10 rows × 12 columns" in outline.words
    assert "4 of 4 observed cells honoured in" in Outline(run._repr_html_()).words
    assert [image["src"][:22] for image in Outline(run._repr_html_()).all("img")] == ["data:image/png;base64,"]
    assert not Outline(load_run(pages["empty"].run)._repr_html_()).all("img")


def test_that_a_prior_shows_two_small_draws_and_plots_more_on_a_grid(tmp_path):
    prior = CholeskyPrior(Covariance("exponential", 8.0))
    outline = Outline(prior._repr_html_())
    assert "Prior of family cholesky; two draws of the prior on 48 × 48 cells of 1 m" in outline.words
    assert len(outline.all("img")) == 1
    picture = prior.plot(Grid((8, 9)), draws=5)
    with Image.open(io.BytesIO(picture._repr_png_())) as image:
        assert np.isclose(image.width, 4 * image.height / 2, rtol=0.4)  # two rows of four panels
    picture.save(tmp_path / "prior.png")
    assert (tmp_path / "prior.png").read_bytes() == picture.png
    with pytest.raises(InputError, match="Given 13 draws"):
        prior.plot(Grid((8, 9)), draws=13)


def test_that_a_prior_that_cannot_be_drawn_from_shows_its_table_all_the_same(monkeypatch):
    prior = CholeskyPrior(Covariance("exponential", 8.0))
    monkeypatch.setattr(CholeskyPrior, "generate", lambda *_: 1 / 0)
    assert not Outline(prior._repr_html_()).all("img")


def test_that_a_run_plots_what_show_draws(pages):
    with Image.open(io.BytesIO(load_run(pages["facies"].run).plot().png)) as image:
        assert image.width == 1600
    with pytest.raises(InputError, match="no draws"):
        load_run(pages["empty"].run).plot()
