"""Small runs of every kind that a page must serve, and their pages; written once, without a sampler.

Draws of the prior stand for draws of the posterior, so some of them miss the data.
"""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pytest

from latentinv import (
    BlockMeans,
    CholeskyPrior,
    Covariance,
    FaciesProperty,
    Grid,
    HardData,
    IndirectData,
    Laplace,
    Posterior,
    sample,
)
from latentinv.forward import StraightRays
from latentinv.inference.core import draw_tables, evaluate
from latentinv.inference.run import make_algorithm
from latentinv.plotting import _panels
from latentinv.priors import FaciesModel
from latentinv.report import _realizations, write_report
from latentinv.storage import ObservationRecord, RunFile, RunHeader
from tests.problems import random_generator_prior, wells_of_a_draw

HOSTILE = """<script>alert("x")</script> & 'wells'"""
PLANE, BODY = Grid((10, 12), 10.0, (500.0, 200.0)), Grid((4, 6, 8), (10.0, 10.0, 2.0))


class Page(NamedTuple):
    """A run and the page about it."""

    run: Path
    file: Path
    text: str


def store(path, posterior, draws, algorithm="smc", *, options=None, results=None, finished=True):
    """Write a run whose draws are those of the prior."""
    latents = np.asarray(jax.random.normal(jax.random.key(3), (draws, posterior.latent_size)))
    records = [ObservationRecord(o.kind, o.name, o.to_arrays()) for o in posterior.observations]
    made = make_algorithm(algorithm, options or {})
    header = RunHeader(
        posterior.prior.to_record(), posterior.grid, records, made.name, vars(made), 7, posterior.target, ""
    )
    tables = draw_tables(posterior, evaluate(posterior, latents)) if draws else None
    RunFile.create(path, header).checkpoint(
        {}, steps=0, trace_rows=[], draws=tables, finished=finished, results=results or {}, seconds=61.0
    )


def facies_posterior():
    """Two facies in the plane: wells with a hostile name, one of them contradicted by another draw, and blocks."""
    prior = random_generator_prior(provenance={"image": "none"})
    seen = wells_of_a_draw(prior, PLANE, 4)
    wells = HardData(
        PLANE, seen.coordinates, seen.codes, prior.facies_model, error_probability=[0, 0, 0, 0.1], name=HOSTILE
    )
    low = PLANE.lower + np.array([[0.0, 0.0], [60.0, 40.0]])
    return Posterior(
        prior, PLANE, [wells, BlockMeans(PLANE, low, low + 40.0, [0.4, 0.6], 0.1, prior.facies_model, name="blocks")]
    )


def rays_posterior():
    """Three facies in a section, of which travel times tell."""
    grid = Grid((10, 12), 2.0, axes="xz", z_axis="depth")
    model = FaciesModel((4, 5, 9), (-0.5, 0.5))
    prior = CholeskyPrior(Covariance("exponential", 10.0), facies_model=model)
    sources = np.stack([np.zeros(4), [3.0, 7.0, 11.0, 15.0]], axis=1)
    rays = StraightRays(grid, sources, sources + np.array([24.0, 0.0]))
    speeds = FaciesProperty(model, (0.06, 0.08, 0.1))
    return Posterior(prior, grid, [IndirectData(grid, rays, np.full(4, 300.0), 15.0, property=speeds, unit="ns")])


def continuous_posterior():
    """Means of a continuous property, which Laplace's method draws from exactly."""
    prior = CholeskyPrior(Covariance("exponential", 40.0, standard_deviation=2.0), mean=5.0)
    low = PLANE.lower + np.array([[0.0, 0.0], [60.0, 40.0]])
    return Posterior(prior, PLANE, [BlockMeans(PLANE, low, low + 40.0, [4.0, 6.5], 0.3, None, name="means")])


def body_posterior():
    """Two facies in three dimensions, with two vertical wells of two cells."""
    prior = random_generator_prior(ndim=3)
    cells = np.array([[1, 2, 2], [2, 2, 2], [1, 4, 6], [2, 4, 6]])
    return Posterior(prior, BODY, [HardData(BODY, BODY.centres(cells), [1, 1, 0, 1], prior.facies_model)])


def store_facies(path):
    store(path, facies_posterior(), 26)


def store_rays(path):
    store(path, rays_posterior(), 26, "es_mda")


def store_body(path):
    store(path, body_posterior(), 4)


def store_best_fits(path):
    store(path, facies_posterior(), 3, "map", results={"warnings": ["One start failed."]})


def store_empty(path):
    store(path, facies_posterior(), 0, results={"infeasible_data": ["well 1 <b>: honoured in 0 %"]})


def store_continuous(path):
    sample(continuous_posterior(), Laplace(starts=1, draws=26), seed=2, output=path)


class Pages(dict):
    """Pages by the kind of run, each written when it is first wanted."""

    def __init__(self, folder):
        self.folder = folder

    def __missing__(self, kind):
        run = self.folder / f"{kind}.h5"
        globals()[f"store_{kind.replace(' ', '_')}"](run)
        page = run.with_suffix(".html")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_realizations, "MOST", 2)
            patch.setattr(_realizations, "FIRST", 1)
            patch.setattr(_panels, "SHARPNESS", 50)
            write_report(run, page)
        self[kind] = Page(run, page, page.read_text(encoding="utf-8"))
        return self[kind]


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Pages by the kind of run."""
    return Pages(tmp_path_factory.mktemp("reports"))
