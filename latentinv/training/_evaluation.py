"""Comparison of a generator in training with its image, and calibration of its output.

A comparison takes fields from averaged weights whose batch statistics have just been re-estimated on one large batch,
reads them as facies, and measures four things that a viewer notices first: total variation (are
fields speckled or blurred?), the Euler number (are bodies in pieces?), the histogram of 4×4 patterns on a pyramid (are
shapes right?) and the two-point connectivity of each facies (are channels continuous?). Each is given in times the
floor, as in `measure_realism`, and their geometric mean is the score by which the best state of a training is kept,
since training is not monotone. For a continuous property the facies are the quarters of its distribution.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from scipy import special

from latentinv.keys import from_seed, numbered
from latentinv.networks import FoldedLayer, GeneratorArchitecture, synthesize
from latentinv.priors.core import FaciesModel
from latentinv.priors.gaussian import TAIL, Anamorphosis
from latentinv.priors.learned import BOUND, GeneratorPrior, bounded
from latentinv.realism import Measure, axis_names, facies_share, measure_statistics, total_variation
from latentinv.training.images import TrainingImage, sample_patches
from latentinv.training.modules import fold

STATISTICS_BATCH, STATISTICS_SEED = 64, 1
MOST = 1e6
"""Largest distance that a comparison reports, in times the floor; the floor is 0 if an image repeats itself."""


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


class Calibration(NamedTuple):
    """Numbers that turn logits into field values, and these into facies or values of a continuous property."""

    shift: float
    scale: float
    thresholds: tuple[float, ...]
    anamorphosis: Anamorphosis | None


@functools.partial(jax.jit, static_argnums=(0, 3))
def folded_weights(
    graph: nnx.GraphDef, parameters: nnx.State, statistics: nnx.State, shape: tuple[int, ...]
) -> tuple[FoldedLayer, ...]:
    """Re-estimate a generator's batch statistics on one large batch of noise and freeze them into the weights."""
    network = nnx.merge(graph, parameters, statistics, copy=True)
    key = from_seed(STATISTICS_SEED, "batch statistics")
    z = jax.random.normal(key, (STATISTICS_BATCH, *network.architecture.latent_shape(shape)))
    network(z, shape)
    return fold(network)


def calibrate(logits: np.ndarray, image: TrainingImage) -> Calibration:
    """Choose shift, scale and thresholds, or the anamorphosis, to give the image's distribution of facies or values."""
    cuts = np.quantile(logits, np.cumsum(image_shares(image))[:-1])
    shift = float(cuts.mean())
    scale = float(np.median(np.abs(logits - shift)))

    def field(quantiles: np.ndarray) -> np.ndarray:
        return np.asarray(bounded(jnp.asarray(quantiles, jnp.float32), shift, scale), float)

    table = None if image.values is None else _table(field, logits, image.values)
    return Calibration(shift, scale, tuple(field(cuts).tolist()), table)


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


def image_shares(image: TrainingImage) -> np.ndarray:
    """Share of each facies in the image, in the order of its categories."""
    return np.bincount(image.facies.ravel(), minlength=len(image.categories)) / image.facies.size


def compare(
    architecture: GeneratorArchitecture,
    layers: Sequence[FoldedLayer],
    image: TrainingImage,
    shape: tuple[int, ...],
    *,
    seed: int,
    count: int = 128,
) -> Comparison:
    """Compare `count` fields with twice as many patches of the image."""
    logits = _logits(architecture, layers, shape, from_seed(seed, "comparison"), count)
    facies = np.searchsorted(np.quantile(logits, np.cumsum(image_shares(image))[:-1]), logits).astype(np.uint8)
    patches = sample_patches(np.random.default_rng(seed), image, shape, 2 * count)
    top = len(image.categories) - 1
    raw = np.searchsorted(_nominal_cuts(image), logits)
    tv, tv_reference = (float(total_variation(x / top).pooled()) for x in (facies, image.facies[None]))
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
    )


def make_prior(
    architecture: GeneratorArchitecture,
    layers: Sequence[FoldedLayer],
    image: TrainingImage,
    shape: tuple[int, ...],
    provenance: dict,
    *,
    seed: int,
    count: int = 256,
) -> GeneratorPrior:
    """Calibrate folded weights on `count` fields and make them a prior."""
    key = from_seed(seed, "calibration")
    batches = [_logits(architecture, layers, shape, numbered(key, n), 32) for n in range(max(1, count // 32))]
    calibration = calibrate(np.concatenate(batches), image)
    return GeneratorPrior(
        architecture,
        layers,
        FaciesModel(image.categories, calibration.thresholds) if image.values is None else None,
        anamorphosis=calibration.anamorphosis,
        shift=calibration.shift,
        scale=calibration.scale,
        provenance=provenance,
    )


def _logits(
    architecture: GeneratorArchitecture,
    layers: Sequence[FoldedLayer],
    shape: tuple[int, ...],
    key: jax.Array,
    count: int,
) -> np.ndarray:
    z = jax.random.normal(key, (count, *architecture.latent_shape(shape)))
    return np.asarray(_synthesize(architecture, layers, z, shape))[..., 0]


_synthesize = jax.jit(synthesize, static_argnums=(0, 3))


def _nominal_cuts(image: TrainingImage) -> np.ndarray:
    """Logits between successive facies, in the levels that the discriminator sees in training."""
    if image.values is not None:
        return special.ndtri(np.cumsum(image_shares(image))[:-1])
    levels = np.linspace(-1, 1, len(image.categories))
    return np.arctanh((levels[1:] + levels[:-1]) / 2)


def _times_floor(measure: Measure) -> float:
    return float(np.clip(measure.times_floor, 1, MOST))
