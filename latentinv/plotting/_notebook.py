"""What notebooks show of priors and runs; registered, since priors and runs are below this package."""

import io

import jax
import numpy as np
from PIL import Image

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.inference.run import Run
from latentinv.keys import from_seed
from latentinv.priors.core import PICTURES, AbstractPrior

from ._panels import draw_panel, draw_volume
from ._run import draw_run
from ._view import view_of, views_of
from ._volume import is_volume

MOST_DRAWS = 12


@PICTURES.register("prior")
def prior_picture(prior: AbstractPrior, grid: Grid, *, draws: int, seed: int) -> bytes:
    """Draws of a prior side by side, as a PNG.

    Raises
    ------
    InputError
        If there are no draws to be made or too many, or the prior cannot be drawn from on this grid.
    """
    if not 1 <= draws <= MOST_DRAWS:
        raise InputError(f"Given {draws} draws of the prior to show; one picture holds 1 to {MOST_DRAWS}.")
    on_grid = prior.on(grid)

    @jax.jit
    def draw(key: jax.Array) -> jax.Array:
        return on_grid.realization(on_grid.generate(jax.random.normal(key, (prior.latent_size(grid),)), grid))

    fields = [np.asarray(draw(key)) for key in jax.random.split(from_seed(seed, "picture of a prior"), draws)]
    codes = () if prior.facies_model is None else prior.facies_model.categories
    limits = None if codes else (float(np.min(fields)), float(np.max(fields)))
    if is_volume(grid):
        volumes = [draw_volume(field, grid, categories=codes, limits=limits) for field in fields]
        slices = [
            [draw_panel(field, view, categories=codes, limits=limits, label="value") for view in views_of(grid)]
            for field in fields
        ]
        return beside([picture for pair in zip(volumes, slices, strict=True) for picture in (pair[0], *pair[1])])
    view = view_of(grid)
    return beside([draw_panel(field, view, categories=codes, limits=limits, label="value") for field in fields])


@PICTURES.register("run")
def run_picture(run: Run) -> bytes:
    """One draw of a run, and the probability of its last facies or the mean, as a PNG."""
    grid, model = run.posterior.grid, run.posterior.prior.facies_model
    codes = () if model is None else model.categories
    marks = [mark for observation in run.posterior.observations for mark in observation.marks()]
    draws, view = run.realizations, view_of(grid)
    first = draw_panel(draws[0], view, categories=codes, marks=marks, label="value")
    values = draws == codes[-1] if codes else draws
    mean, limits = values.mean(axis=0, dtype=float), (0.0, 1.0) if codes else None
    label, colours = ("mean", "viridis") if model is None else (f"share of draws: {model.label(codes[-1])}", "cividis")
    settings = {"marks": marks, "codes": codes, "summary": True, "limits": limits, "label": label}
    return beside([first, draw_panel(mean, view, colours=colours, **settings)])  # type: ignore[arg-type]


@PICTURES.register("overview")
def overview(run: Run) -> bytes:
    """The picture of a run that `plot_run` writes, as a PNG."""
    sink = io.BytesIO()
    draw_run(run, drawn=run.finished or run.chains is not None).savefig(sink, format="png")
    return sink.getvalue()


def beside(pictures: list[bytes]) -> bytes:
    """Pictures of equal widths side by side, four in a row."""
    panels = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]
    width, height = max(panel.width for panel in panels), max(panel.height for panel in panels)
    columns = min(4, len(panels))
    sheet = Image.new("RGB", (columns * width, -(-len(panels) // columns) * height), "white")
    for number, panel in enumerate(panels):
        sheet.paste(panel, (number % columns * width, number // columns * height))
    sink = io.BytesIO()
    sheet.quantize(256, dither=Image.Dither.NONE).save(sink, "PNG", optimize=True)
    return sink.getvalue()
