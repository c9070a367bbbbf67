"""The card of a trained prior: how good it is beside its image, in Markdown."""

import functools
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from latentinv.devices import compiled
from latentinv.grid import Grid
from latentinv.io import tables_of
from latentinv.keys import from_seed, numbered
from latentinv.priors.core import split_latents
from latentinv.priors.learned import AbstractLearnedPrior
from latentinv.realism import GOOD, Realism, measure_realism, nearest_window_ratio
from latentinv.training.images import (
    TrainingImage,
    choose_places,
    comparable_count,
    comparable_shape,
    image_shares,
    times,
)

from ._evaluation import NOTHING_COPIED, grid_for, part_of, shown_windows
from ._honouring import Honouring, honouring
from ._reconstruction import IMPROVED, Reconstruction, reconstruct

ASSESS_SEED, BATCH, PAIRS = 5, 25, 5


class Assessment(NamedTuple):
    """A prior beside its training image."""

    realism: Realism
    nearest: float
    """Distance of windows of fields to the nearest of the image, over that of the image's own to the rest of it."""
    fields: int
    """How many were compared."""
    shares: tuple[float, ...]
    """Of each latent map, from the coarsest to the finest, the share of cells that change if it alone is redrawn."""
    shape: tuple[int, ...]
    """Cells of each."""
    reconstruction: Reconstruction | None
    """Of fields that the prior encodes; None where it has no encoder."""
    honouring: Honouring | None
    """Of cells that the prior is given; None if it takes none."""
    held_out: bool
    """Whether these are of another image than the training's."""


def assess(
    prior: AbstractLearnedPrior,
    image: TrainingImage,
    patch: tuple[int, ...],
    count: int = 200,
    *,
    held_out: TrainingImage | None = None,
) -> Assessment:
    """Compare fields of a prior with twice as many patches of its image.

    Parameters
    ----------
    prior
        The prior.
    image
        Its training image, as the training saw it.
    patch
        Most cells of fields and patches along each axis; fewer if the image is small (see `comparable_shape`).
    count
        Number of fields, a multiple of 25; fewer if they are volumes (see `comparable_count`).
    held_out
        An image like it that the training has not seen, of which fields are encoded, or cells given, if the prior can;
        otherwise they are of patches of the training image.
    """
    shape = comparable_shape(image, patch)
    count = comparable_count(shape, count, BATCH)
    grid, model = grid_for(prior, shape), prior.facies_model

    @functools.partial(compiled, of_networks=True)
    def draw(key: jax.Array, maps: jax.Array) -> jax.Array:
        z = jax.random.normal(key, (BATCH, prior.latent_size(grid)))
        fields = part_of(jax.vmap(lambda one, shown: prior.shown(shown).generate(one, grid))(z, maps), shape)
        return fields if model is None else model.index(fields).astype(jnp.uint8)

    key = from_seed(ASSESS_SEED, "card")
    maps = jnp.asarray(shown_windows(image, shape, count, ASSESS_SEED))
    batches = (draw(numbered(key, n), maps[n * BATCH : (n + 1) * BATCH]) for n in range(count // BATCH))
    fields = np.concatenate([np.asarray(one) for one in batches])
    rng = np.random.default_rng(ASSESS_SEED)
    whole = image.facies if image.values is None else image.values
    patches = choose_places(rng, image, shape, 2 * count).cut(whole)
    realism = measure_realism(fields, patches, None if model is None else len(model.categories), seed=ASSESS_SEED)
    nearest, shares = nearest_window_ratio(rng, fields, whole), map_shares(prior, grid)
    found = reconstruct(prior, held_out or image, patch, count) if prior.has_encoder else None
    honoured = honouring(prior, held_out or image, patch)
    return Assessment(realism, nearest, count, shares, shape, found, honoured, held_out is not None)


def map_shares(prior: AbstractLearnedPrior, grid: Grid, count: int = BATCH) -> tuple[float, ...]:
    """Of each latent map the share of cells that change if it alone is redrawn; facies, or a tenth of the deviation.

    A map whose share is nearly 0 carries nothing.
    """
    maps, model = prior.latent_maps(grid), prior.facies_model
    count = comparable_count(grid.shape, count, PAIRS)

    @functools.partial(compiled, of_networks=True)
    def differences(key: jax.Array) -> jax.Array:
        pair = jax.random.normal(key, (2, prior.latent_size(grid)))
        old, new = (split_latents(z, maps) for z in pair)

        def generate(redrawn: int | None) -> jax.Array:
            parts = [(new if n == redrawn else old)[n].ravel() for n in range(len(maps))]
            return prior.generate(jnp.concatenate(parts), grid)

        before = generate(None)
        if model is not None:
            changed = [model.index(generate(n)) != model.index(before) for n in range(len(maps))]
        else:
            changed = [jnp.abs(generate(n) - before) > 0.1 * jnp.std(before) for n in range(len(maps))]
        return jnp.stack([jnp.mean(one) for one in changed])

    key = from_seed(ASSESS_SEED, "maps")
    return tuple(float(x) for x in np.mean([differences(numbered(key, n)) for n in range(count)], axis=0))


def _resolution(spacing: tuple[int, ...]) -> str:
    """Of a latent map: ``1/4``, or where its places are stretched ``1/4 × 1/16``."""
    return " × ".join(f"1/{n}" for n in (spacing if len(set(spacing)) > 1 else spacing[:1]))


def card(name: str, prior: AbstractLearnedPrior, image: TrainingImage, assessment: Assessment) -> str:
    """Write the card of a prior, named `name`, from what it was trained on and how it compares."""
    realism, provenance, count = assessment.realism, prior.provenance, assessment.fields
    kept = int(provenance["kept"]["step"])
    rows = [f"| {measure.name} | {measure.group} | {measure.told} |" for measure in realism.measures]
    copied = "nothing is copied" if assessment.nearest >= NOTHING_COPIED else "parts of the image are copied"
    maps = ", ".join(
        f"{_resolution(one.spacing)}: {100 * share:.2g} %"
        for one, share in zip(prior.latent_maps(grid_for(prior, assessment.shape)), assessment.shares, strict=True)
        if one.spacing is not None
    )
    source = tables_of(provenance["recipe"], "recipe").get("cycle", {}).get("source")
    alike, chance = (100 * share for share in realism.copied)
    lines = [
        f"# {name}",
        "",
        f"A prior of the family {prior.family}, learned from {image.name}: {described(image)}.",
        *([f"It translates fields of `{source}` into this style."] if source else []),
        "",
        "| | |",
        "|---|---|",
        f"| training image | {image.name}, {described(image)} |",
        f"| sha256 of its array | `{image.sha256}` |",
        f"| cells that change if a latent map is redrawn | {maps or 'all, since no latent has a place'} |",
        *(f"| auxiliary map | {one.described}; sha256 of its array `{one.sha256}` |" for one in image.maps),
        f"| trained | {provenance['steps']} steps; the state of step {kept} was kept |",
        "",
        f"{count} fields of {times(assessment.shape)} cells beside {2 * count} patches of the image. The floor is the",
        f"distance of as many patches from each other: 1 is as good as it can get, up to {GOOD:g} is good.",
        *(["Each field is drawn for the auxiliary maps of some patch."] if prior.maps else []),
        "",
        "| statistic | group | times the floor |",
        "|---|---|---|",
        *rows,
        "",
        realism.verdict(),
        "",
        f"Windows of fields lie {assessment.nearest:.2f} times as far from the image as its own windows from the rest",
        f"of it: {copied}. The two fields that are most alike share {alike:.1f} % of their tiles; of as many",
        f"patches of the image, {chance:.1f} %.",
        "",
        *_of_reconstruction(assessment.reconstruction, prior.facies_model is None, assessment.held_out),
        *_of_honouring(assessment.honouring, assessment.held_out),
        "Recipe:",
        "",
        *(f"    {line}".rstrip() for line in provenance["recipe"].splitlines()),
    ]
    return "\n".join(lines) + "\n"


def _of_reconstruction(found: Reconstruction | None, continuous: bool, held_out: bool) -> list[str]:
    if found is None:
        return []
    what = "share of variance explained" if continuous else "share of cells with their facies"
    return [
        f"{found.fields} patches of {times(found.shape)} cells of {_source(held_out)},",
        f"encoded to {found.latents} latents each, and decoded again:",
        "",
        f"| reconstruction_accuracy | {what} |",
        "|---|---|",
        f"| by `encode`, mean of {min(IMPROVED, found.fields)} | {found.improved:.4f} |",
        f"| by the encoder alone, mean | {found.accuracy:.4f} |",
        f"| by the encoder alone, least | {found.worst:.4f} |",
        "",
    ]


def _of_honouring(found: Honouring | None, held_out: bool) -> list[str]:
    if found is None:
        return []
    return [
        f"Given {found.cells} cells of {found.patches} patches of {times(found.shape)} cells of {_source(held_out)},",
        f"fields show {100 * found.honoured:.1f} % of these; without being given them {100 * found.chance:.1f} %.",
        "",
    ]


def _source(held_out: bool) -> str:
    return "an image that the training has not seen" if held_out else "the training image"


def described(image: TrainingImage) -> str:
    """Cells of an image, what is in them, and how many are missing."""
    names = [image.label(index) for index in range(len(image.categories))]
    shares = ", ".join(f"{name}: {share:.3f}" for name, share in zip(names, image_shares(image), strict=True))
    facies, values = f"facies {shares}", image.values
    content = facies if values is None else f"values {values.min():g} to {values.max():g}"
    whole = f"{times(image.facies.shape)} cells, {content}"
    if image.known is None:
        return whole
    return f"{whole}; {1 - image.known.mean():.1%} of the cells are missing ({', '.join(image.missing)})"


def card_path(output: str | Path) -> Path:
    """Path of the card of a prior."""
    return Path(output).with_suffix(".md")
