"""The prior: where it comes from, its card if it has one, and draws from it beside which those of the run stand.

The draws are of the run's own grid and of the prior as the run file holds it. The sheet of samples that a training
writes beside a prior shows it beside its image.
"""

from pathlib import Path

import jax
import numpy as np
from jaxtyping import Array, Float, Shaped

from latentinv.errors import InputError, StorageError
from latentinv.html import Html, join, tag
from latentinv.keys import from_seed
from latentinv.plotting import draw_panel
from latentinv.posterior import Posterior
from latentinv.priors import find_prior, shipped_priors
from latentinv.priors.core import in_words
from latentinv.storage import RunHeader, digest, format_of, read_prior

from ._markdown import from_markdown
from ._parts import Section, code, facies_key, figure, folded, note, pairs, paragraph, side_by_side
from ._realizations import content_of
from ._subject import Subject
from ._training_image import training_image_part

SAMPLES = 3
LARGEST_SHEET, PNG = 2**22, b"\x89PNG"
MOST_FILES = 100
"""Files beside a run that are looked at for its prior."""
MOST_CELLS = 2**22
"""Cells of a field that is drawn for the page."""


def prior_file(header: RunHeader, given: str | None, folder: Path) -> Path | None:
    """The file of a run's prior: the one that the user names, or the same prior in a folder, or a shipped one.

    Raises
    ------
    InputError
        If the prior that the user names is another than the run's.
    StorageError
        If it cannot be read.
    """
    own = digest(header.prior)
    if given is not None:
        path = find_prior(given)
        if digest(read_prior(path)) != own:
            raise InputError(f"{path} is not the prior that the run was made with; give that one, or leave it out.")
        return path
    beside = [path for path in sorted(folder.glob("*.h5"))[:MOST_FILES] if _is_prior(path)]
    return next((path for path in (*beside, *shipped_priors().values()) if digest(read_prior(path)) == own), None)


def _is_prior(path: Path) -> bool:
    """Whether a file is a prior that can be read."""
    try:
        return format_of(path) == "latentinv-prior" and read_prior(path) is not None
    except StorageError:
        return False


def show_prior(subject: Subject) -> Section:
    """Show the prior."""
    run, file = subject.run, subject.prior_file
    described = {name.replace("_", " "): in_words(value) for name, value in run.posterior.prior.describe().items()}
    if subject.model is not None:
        described["facies"] = ", ".join(subject.model.label(code) for code in subject.categories)
    rows = [["family", subject.header.prior.family]]
    rows += [[name, words] for name, words in described.items() if words and "\n" not in words]
    parts = [
        paragraph("What the ground may look like before any data are used; the run file holds the prior whole."),
        pairs(rows),
        *(folded(name.capitalize(), code(words, name)) for name, words in described.items() if "\n" in words),
        tag("h3", "Draws of the prior"),
        _samples(subject, file),
        *_beside_image(file),
        tag("h3", "Its card"),
        _card(file),
    ]
    return Section("prior", "The prior", join(parts))


def _samples(subject: Subject, file: Path | None) -> Html:
    posterior, view = subject.run.posterior, subject.views[0]
    if posterior.grid.size > MOST_CELLS:
        return note(f"Left out: {posterior.grid.size:,} cells are too many to draw here.")
    key = from_seed(0, "samples of a report")
    codes = subject.categories
    latents = jax.random.normal(key, (SAMPLES, posterior.latent_size))
    fields = np.asarray(_realizations(posterior, latents))
    limits = None if codes else (float(np.min(fields)), float(np.max(fields)))
    figures = []
    for number, field in enumerate(fields, 1):
        alt = f"Draw {number} of the prior, without data. {content_of(subject, field)}"
        image = draw_panel(field, view, categories=codes, limits=limits, label="value")
        figures.append(figure(image, alt, f"Prior, draw {number}"))
    words = "Fields drawn from the prior on the run's grid, without any data. Compare them with the realizations."
    if (part := training_image_part(subject, file, limits)) is not None:
        figures.append(part[0])
        words += f" The last picture is a part of the training image {part[1]}, from which the prior was learned."
    key_words = facies_key(subject, marked=False) if codes else None
    return join([paragraph(words), side_by_side(figures), key_words])


@jax.jit
def _realizations(posterior: Posterior, latents: Float[Array, "draw latent"]) -> Shaped[Array, "draw *grid"]:
    return jax.lax.map(lambda z: posterior.prior.realization(posterior.prior.generate(z, posterior.grid)), latents)


def _beside_image(file: Path | None) -> list[Html]:
    """The sheet of a training, where it lies beside the prior."""
    sheet = None if file is None else file.with_suffix(".samples.png")
    if sheet is None or not sheet.is_file() or sheet.stat().st_size > LARGEST_SHEET:
        return []
    png = sheet.read_bytes()
    if not png.startswith(PNG):
        return []
    words = "Parts of the training image, and fields of the prior, as its training left them."
    return [tag("h3", "Beside its training image"), figure(png, words, words)]


def _card(file: Path | None) -> Html:
    if file is None:
        return note("Not shown: it lies beside the prior's file, which --prior names.")
    card = file.with_suffix(".md")
    if not card.is_file():
        return note(f"There is no {card.name} beside {file.name}.")
    return tag("div", from_markdown(card.read_text(encoding="utf-8", errors="replace")), class_="card")
