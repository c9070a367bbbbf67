"""Comparison of a generator in training with its image, and calibration of its output.

A comparison takes fields from averaged weights, reads them as facies, and measures four things that a viewer notices
first: total variation (are fields speckled or blurred?), the Euler number (are bodies in pieces?), the histogram of 4×4
patterns on a pyramid (are shapes right?) and the two-point connectivity of each facies (are channels continuous?). Each
is given in times the floor, as in `measure_realism`, and their geometric mean is the score by which the best state of a
training is kept, since training is not monotone. For a continuous property the facies are the quarters of its
distribution.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Integer, Shaped, UInt8
from scipy import special

from latentinv.devices import compiled
from latentinv.grid import Grid
from latentinv.keys import from_seed, numbered
from latentinv.priors.core import FaciesModel, UnorderedFaciesModel
from latentinv.priors.gaussian import TAIL, Anamorphosis
from latentinv.priors.learned import BOUND, AbstractLearnedPrior, Calibration, bounded
from latentinv.pytrees import replace
from latentinv.realism import (
    Measure,
    axis_names,
    facies_share,
    measure_statistics,
    nearest_window_ratio,
    total_variation,
)
from latentinv.training.images import TrainingImage, choose_places, comparable_count, image_shares, sample_patches

BATCH = 16
"""Fields that are drawn at a time."""
SMALL = 1e-4
"""Added to shares before they are compared, since a facies may be missing at first."""
MANY = 500_000
"""Cells that are enough to calibrate on."""
NOTHING_COPIED = 0.9
"""Least distance of windows from the image, over that of its own, that shows no copying."""
SMALL_IMAGE, WINDOWS, SEARCHED = 1_000_000, (32, 256), 2e7
"""Cells of an image up to which copying is looked for at each comparison; least and most windows that are looked at,
and cells that are searched for them in all."""
MAPS = 1
"""Distinguishes the random numbers for windows of auxiliary maps from those for other uses of a seed."""
MOST = 1e6
"""Largest distance that a comparison reports, in times the floor; the floor is 0 if an image repeats itself."""


Fields = TypeVar("Fields", np.ndarray, Array)
"""Fields on the host or the device."""


class Comparison(NamedTuple):
    """A generator's fields against patches of the image."""

    score: float
    """Geometric mean of the last four, each at least 1; smaller is better."""
    share: float
    """Share of the highest facies before calibration, which makes it exact."""
    share_reference: float
    total_variation: float
    """Isotropic, mean per pixel on [0, 1], after calibration."""
    total_variation_reference: float
    variation: float
    """Distance of total variation, in times the floor."""
    pieces: float
    """Distance of the Euler number of the highest facies, in times the floor."""
    patterns: float
    """Distance of multiple-point patterns, in times the floor."""
    connectivity: float
    """Distance of the connectivity curves, along the axis where it is largest, in times the floor."""
    nearest: float
    """Distance of windows of fields to the nearest of the image, over that of the image's own to the rest of it; NaN
    for an image of more than a million cells, which is too large to be copied."""

    @property
    def copies(self) -> bool:
        """Whether parts of fields are parts of the image."""
        return self.nearest < NOTHING_COPIED


def calibrate(logits: Float[np.ndarray, "*cell output"], image: TrainingImage, *, decided: bool = False) -> Calibration:
    """Choose how logits are read, so that they give the image's distribution of facies or values.

    Where facies are decided already, it chooses the scale only.
    """
    if decided and image.values is None:
        first = nominal(image, logits.shape[-1])
        # Most cells are decided by far, and only the others, near edges, may differ softly.
        return Calibration(first.facies_model, shift=0.0, scale=_scale(logits) / BOUND)
    if logits.shape[-1] > 1:
        return _calibrate_each(logits.reshape(-1, logits.shape[-1]), image)
    logits = logits[..., 0]
    cuts = np.quantile(logits, np.cumsum(image_shares(image))[:-1])
    shift = float(cuts.mean())
    scale = float(np.median(np.abs(logits - shift)))

    def field(quantiles: np.ndarray) -> np.ndarray:
        return np.asarray(bounded(jnp.asarray(quantiles, jnp.float32), shift, scale), float)

    if image.values is not None:
        table = _table(field, logits, image.known_cells(image.values))
        return Calibration(None, anamorphosis=table, shift=shift, scale=scale)
    return Calibration(
        FaciesModel(image.categories, tuple(field(cuts).tolist()), image.names), shift=shift, scale=scale
    )


def _calibrate_each(logits: Float[np.ndarray, "cell facies"], image: TrainingImage) -> Calibration:
    """Shifts by which each facies is the largest as often as in the image."""
    logits = logits[:: max(1, len(logits) // MANY)]
    scale, shift, target = _scale(logits), np.zeros(logits.shape[1]), image_shares(image)
    for step in scale * 0.5 ** np.linspace(0, 12, 60):
        shares = np.bincount(np.argmax(logits - shift, axis=1), minlength=len(target)) / len(logits)
        shift += step * np.clip(np.log((shares + SMALL) / (target + SMALL)), -1, 1)
    return Calibration(UnorderedFaciesModel(image.categories, image.names), shift=shift.tolist(), scale=scale)


def _scale(logits: Float[np.ndarray, "*cell output"]) -> float:
    """Of numbers: the median of what the facies of a cell is ahead of the next."""
    if logits.shape[-1] == 1:
        return float(np.median(np.abs(logits)))
    return float(np.median(np.diff(np.sort(logits.reshape(-1, logits.shape[-1]), axis=1)[:, -2:], axis=1)))


def read(
    logits: Float[np.ndarray, "*cell output"], image: TrainingImage, *, decided: bool = False
) -> UInt8[np.ndarray, "*cell"]:
    """Facies of logits after calibration; quarters of the distribution for a continuous property."""
    if logits.shape[-1] > 1:
        return np.argmax(logits - calibrate(logits, image, decided=decided).shift, axis=-1).astype(np.uint8)
    if decided and image.values is None:
        return (logits[..., 0] > 0).astype(np.uint8)
    cuts = np.quantile(logits, np.cumsum(image_shares(image))[:-1])
    return np.searchsorted(cuts, logits[..., 0]).astype(np.uint8)


def _table(
    field: Callable[[np.ndarray], np.ndarray], logits: np.ndarray, values: np.ndarray, nodes: int = 201
) -> Anamorphosis:
    """Field values against the property at equal probabilities; the bounds have the image's extreme values."""
    probabilities = np.linspace(TAIL, 1 - TAIL, nodes)
    pairs = np.stack([field(np.quantile(logits, probabilities)), np.quantile(values, probabilities)])
    ends = np.array([[-BOUND, BOUND], [values.min(), values.max()]], float)
    table = np.concatenate([ends[:, :1], pairs, ends[:, 1:]], axis=1)
    first = np.unique(table[0], return_index=True)[1]  # logits that are all equal would repeat a field value
    return Anamorphosis(tuple(table[0, first]), tuple(table[1, first]))


def nominal(image: TrainingImage, channels: int) -> Calibration:
    """A calibration of no effect, for a network that is not calibrated yet."""
    count = len(image.categories)
    cuts = tuple(np.arange(1.0, count) - count / 2)
    if image.values is not None:
        return Calibration(None, anamorphosis=Anamorphosis((-1.0, 1.0), (-1.0, 1.0)), shift=0.0, scale=1.0)
    unordered = channels > 1
    codes, names = image.categories, image.names
    model = UnorderedFaciesModel(codes, names) if unordered else FaciesModel(codes, cuts, names)
    return Calibration(model, shift=0.0, scale=1.0)


def compare(
    prior: AbstractLearnedPrior, image: TrainingImage, shape: tuple[int, ...], *, seed: int, count: int = 128
) -> Comparison:
    """Compare `count` fields, or fewer volumes, calibrated on themselves, with twice as many patches of the image."""
    count = comparable_count(shape, count, BATCH)
    logits = _numbers(prior, from_seed(seed, "comparison"), shown_windows(image, shape, count, seed), shape)
    facies = read(logits, image, decided=prior.decided)
    patches = sample_patches(np.random.default_rng(seed), image, shape, 2 * count)
    top = len(image.categories) - 1
    raw = _read_raw(logits, image, prior.levels)
    tv, tv_reference = (float(total_variation(x / top).pooled()) for x in (facies, patches))
    along = [f"connectivity along {axis}" for axis in axis_names(shape)]
    names = ["total variation", "euler number", "multiple-point patterns", *along]
    measures = measure_statistics(facies, patches, top + 1, names, seed=seed)
    times = {name: _times_floor(measure) for name, measure in measures.items()}
    four = [*(times[name] for name in names[:3]), max(times[name] for name in along)]
    return Comparison(
        float(np.exp(np.mean(np.log(four)))),
        share=float(facies_share(raw, top).pooled()),
        share_reference=float(image_shares(image)[top]),
        total_variation=tv,
        total_variation_reference=tv_reference,
        **dict(zip(("variation", "pieces", "patterns", "connectivity"), four, strict=True)),
        nearest=_nearest(facies, image, seed),
    )


def _nearest(facies: UInt8[np.ndarray, "field *shape"], image: TrainingImage, seed: int) -> float:
    """How near windows of fields come to the image, unless that is too large."""
    if image.facies.size > SMALL_IMAGE:
        return float("nan")
    count = int(np.clip(SEARCHED / image.facies.size, *WINDOWS))
    return nearest_window_ratio(np.random.default_rng(seed), facies, image.facies, count=count)


def calibrated(
    prior: AbstractLearnedPrior, image: TrainingImage, shape: tuple[int, ...], *, seed: int, count: int = 256
) -> AbstractLearnedPrior:
    """The prior calibrated on `count` fields or fewer volumes, or on a batch where only the scale has to be found."""
    decided = prior.decided and image.values is None
    count = BATCH if decided else comparable_count(shape, count, BATCH)
    numbers = _numbers(prior, from_seed(seed, "calibration"), shown_windows(image, shape, count, seed), shape)
    other: AbstractLearnedPrior = replace(prior, calibration=calibrate(numbers, image, decided=prior.decided))
    return other


def _numbers(
    prior: AbstractLearnedPrior,
    key: jax.Array,
    maps: Float32[np.ndarray, "field *shape channel"],
    shape: tuple[int, ...],
) -> Float[np.ndarray, "field *shape output"]:
    """What the network gives before calibration, for windows of auxiliary maps."""
    grid, batches = grid_for(prior, shape), np.split(maps, len(maps) // BATCH)
    numbers = [_draw(prior, numbered(key, n), grid, jnp.asarray(one)) for n, one in enumerate(batches)]
    return part_of(np.concatenate(numbers), shape)


def shown_windows(
    image: TrainingImage, shape: tuple[int, ...], count: int, seed: int
) -> Float32[np.ndarray, "field *shape channel"]:
    """Windows of all auxiliary maps of an image, as networks see them, each for a field; of no channel without maps."""
    if not image.maps:
        return np.zeros((count, 0), np.float32)
    return choose_places(np.random.default_rng([seed, MAPS]), image, shape, count).cut(image.shown)


def grid_for(prior: AbstractLearnedPrior, shape: tuple[int, ...]) -> Grid:
    """A grid whose fields hold a part of a shape: of this shape, or the prior's own if it has only one."""
    return Grid(prior.only_shape or shape)


def part_of(fields: Shaped[Fields, "field *cells"], shape: tuple[int, ...]) -> Shaped[Fields, "field *part"]:
    """The first cells of fields along each axis."""
    return fields[(slice(None), *(slice(0, n) for n in shape))]


@functools.partial(compiled, of_networks=True, static_argnums=2)
def _draw(
    prior: AbstractLearnedPrior, key: jax.Array, grid: Grid, maps: Float[Array, "field *shape channel"]
) -> Float[Array, "field *shape output"]:
    z = jax.random.normal(key, (BATCH, prior.latent_size(grid)))
    return jax.vmap(lambda one, shown: prior.shown(shown).numbers(one, grid))(z, maps)


def _read_raw(
    logits: Float[np.ndarray, "*cell output"], image: TrainingImage, levels: Callable[[Any], Any]
) -> Integer[np.ndarray, "*cell"]:
    """Facies of logits in the levels that the network is trained on."""
    if logits.shape[-1] > 1:
        return np.argmax(logits, axis=-1)
    found = np.asarray(levels(logits))[..., 0]
    if image.values is not None:
        return np.searchsorted(np.tanh(special.ndtri(np.cumsum(image_shares(image))[:-1])), found)
    each = np.linspace(-1, 1, len(image.categories))
    return np.searchsorted((each[1:] + each[:-1]) / 2, found)


def _times_floor(measure: Measure) -> float:
    return float(np.clip(measure.times_floor, 1, MOST))
