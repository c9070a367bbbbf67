"""How a generator in training compares with its image, and how its output is calibrated.

A comparison takes fields from averaged weights whose batch statistics have just been re-estimated on one large batch,
reads them as facies, and measures three things that a viewer sees first: total variation (is it speckled or blurred),
the histogram of 4×4 patterns on a pyramid (are the shapes right) and the two-point connectivity of each facies (do
channels go on). Their sum is the score by which the best state of a training is kept; training is not monotone.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from latentinv.assessment import connectivity, facies_share, pattern_distance, pattern_histogram, total_variation
from latentinv.errors import InputError
from latentinv.networks import FoldedLayer, GeneratorArchitecture, fold, synthesize
from latentinv.priors import FaciesModel, GeneratorPrior
from latentinv.priors._generator import bounded

from ._images import TrainingImage, sample_patches

STATISTICS_BATCH = 64


class Comparison(NamedTuple):
    """A generator's fields against patches of the image."""

    score: float
    """Sum of the three distances below; smaller is better."""
    share: float
    """Share of the highest facies before calibration, where calibration would make it exact."""
    share_reference: float
    total_variation: float
    """Isotropic, mean per pixel on [0, 1], after calibration."""
    total_variation_reference: float
    patterns: float
    """Jensen–Shannon divergence of 4×4 patterns, mean over a pyramid of three levels."""
    connectivity: float
    """Root mean square difference of the connectivity curves, lags to half a patch."""


class Calibration(NamedTuple):
    """What turns logits into field values."""

    shift: float
    scale: float
    thresholds: tuple[float, ...]


@functools.partial(jax.jit, static_argnums=(0, 3))
def folded_weights(
    graph: nnx.GraphDef, parameters: nnx.State, statistics: nnx.State, shape: tuple[int, ...], key: jax.Array
) -> list[FoldedLayer]:
    """Re-estimate a generator's batch statistics on one large batch of noise and freeze them into the weights."""
    network = nnx.merge(graph, parameters, statistics, copy=True)
    z = jax.random.normal(key, (STATISTICS_BATCH, *network.architecture.latent_shape(shape)))
    network(z, shape)
    return fold(network)


def calibrate(logits: np.ndarray, shares: np.ndarray) -> Calibration:
    """Choose shift, scale and thresholds so that the facies shares of these logits are the image's."""
    cuts = np.quantile(logits, np.cumsum(shares)[:-1])
    shift = float(cuts.mean())
    scale = float(np.median(np.abs(logits - shift)))
    thresholds = tuple(float(bounded(jnp.float32(cut), shift, scale)) for cut in cuts)
    return Calibration(shift, scale, thresholds)


def image_shares(image: TrainingImage) -> np.ndarray:
    """Share of each facies in the image, in the order of its categories."""
    return np.bincount(image.facies.ravel(), minlength=len(image.categories)) / image.facies.size


def require_comparable(image: TrainingImage, shape: tuple[int, ...]) -> None:
    """Check, before any training, that patterns of patches of this shape can be told apart.

    Raises
    ------
    InputError
        If the patch is smaller than a pattern, or the image has more facies than a pattern can tell apart.
    """
    facies = len(image.categories)
    try:
        pattern_histogram(np.full((1, *shape), facies - 1, np.uint8))
    except InputError as error:
        raise InputError(
            f"The training image {image.name!r} with {facies} facies in {len(shape)} dimensions and patches of {shape} "
            "cells cannot be compared with what is generated; merge facies (three dimensions take two) or take larger "
            "patches."
        ) from error


def compare(
    architecture: GeneratorArchitecture,
    layers: list[FoldedLayer],
    image: TrainingImage,
    shape: tuple[int, ...],
    *,
    seed: int,
    count: int = 64,
) -> Comparison:
    """Compare `count` fields with as many patches of the image."""
    logits = _logits(architecture, layers, shape, jax.random.key(seed), count)
    facies = np.searchsorted(np.quantile(logits, np.cumsum(image_shares(image))[:-1]), logits).astype(np.uint8)
    patches = sample_patches(np.random.default_rng(seed), image, shape, 4 * count)
    top = len(image.categories) - 1
    levels = np.linspace(-1, 1, top + 1)  # tanh levels of the facies in training
    raw = np.abs(np.tanh(logits)[..., None] - levels).argmin(-1)
    tv, tv_reference = (float(total_variation(x / top).pooled()) for x in (facies, image.facies[None]))
    patterns = float(pattern_distance(pattern_histogram(facies), pattern_histogram(patches)))
    gap = _connectivity_gap(facies, patches, top)
    return Comparison(
        score=abs(tv / tv_reference - 1) + patterns + gap,
        share=float(facies_share(raw, top).pooled()),
        share_reference=float(image_shares(image)[top]),
        total_variation=tv,
        total_variation_reference=tv_reference,
        patterns=patterns,
        connectivity=gap,
    )


def make_prior(
    architecture: GeneratorArchitecture,
    layers: list[FoldedLayer],
    image: TrainingImage,
    shape: tuple[int, ...],
    provenance: dict,
    *,
    seed: int,
    count: int = 256,
) -> GeneratorPrior:
    """Calibrate folded weights on `count` fields and make them a prior."""
    key = jax.random.key(seed)
    batches = [_logits(architecture, layers, shape, jax.random.fold_in(key, n), 32) for n in range(max(1, count // 32))]
    calibration = calibrate(np.concatenate(batches), image_shares(image))
    return GeneratorPrior(
        architecture,
        layers,
        FaciesModel(image.categories, calibration.thresholds),
        shift=calibration.shift,
        scale=calibration.scale,
        provenance=provenance,
    )


def _logits(
    architecture: GeneratorArchitecture, layers: list[FoldedLayer], shape: tuple[int, ...], key: jax.Array, count: int
) -> np.ndarray:
    z = jax.random.normal(key, (count, *architecture.latent_shape(shape)))
    return np.asarray(_synthesize(architecture, layers, z, shape))[..., 0]


_synthesize = jax.jit(synthesize, static_argnums=(0, 3))


def _connectivity_gap(facies: np.ndarray, patches: np.ndarray, top: int) -> float:
    axes = np.eye(facies.ndim - 1, dtype=int)
    lags = [np.outer(np.arange(1, n // 2 + 1), axis) for n, axis in zip(facies.shape[1:], axes, strict=True)]
    ours, theirs = (
        np.array([connectivity(images, index, np.concatenate(lags)).pooled() for index in range(top + 1)])
        for images in (facies, patches)
    )
    return float(np.sqrt(np.mean((ours - theirs) ** 2)))
