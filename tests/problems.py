"""Small posteriors for tests: priors that cost nothing, and data whose exact posterior is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import BlockMeans, Grid, HardData, Posterior
from latentinv.forward import AbstractForward
from latentinv.inference import ALGORITHMS
from latentinv.inference.core import draw_tables, evaluate
from latentinv.inference.run import run_of_tables
from latentinv.networks import (
    AutoencoderArchitecture,
    ConditionalArchitecture,
    Critic,
    FoldedLayer,
    GeneratorArchitecture,
    Layer,
    SequentialArchitecture,
    SinganArchitecture,
    TranslatorArchitecture,
    VelocityArchitecture,
    dcgan_architecture,
    initial_autoencoder,
    initial_sequential,
    initial_singan,
    initial_translator,
    initial_velocity,
    polyphase,
    to_folded_layer,
)
from latentinv.priors import (
    AbstractPrior,
    AutoencoderPrior,
    Calibration,
    ConditionalPrior,
    CyclePrior,
    DcganPrior,
    FaciesModel,
    FlowPrior,
    GeneratorPrior,
    SequentialPrior,
    SinganPrior,
    UnorderedFaciesModel,
)
from latentinv.priors.learned import looking_ahead
from latentinv.pytrees import pytree
from latentinv.storage import PriorRecord

KERNELS = ("smc", "map", "es_mda", "variational", "pcn", "parallel_tempering", "dream")
"""One algorithm of each kernel; the others share one of these."""
FEW = ("smc", "map", "pcn")
"""Of these the ones for tests of the driver."""


def slowly_all(names=ALGORITHMS, quickly=KERNELS):
    """Parameters of a test over algorithms: those of `quickly` always, the others with the slow suites."""
    return [name if name in quickly else slowly(name) for name in names]


def slowly(*case):
    """Parameters of a test that run with the slow suites."""
    return pytest.param(*case, marks=pytest.mark.assure)


@pytree("matrix")
class LinearPrior(AbstractPrior):
    """Field = matrix · z: a Gaussian prior of covariance matrix · matrixᵀ."""

    family, ndim = "linear", 2

    def __init__(self, matrix, facies_model=None):
        self.matrix = jnp.asarray(matrix, jnp.float32)
        self.facies_model = facies_model

    def latent_size(self, grid):
        return self.matrix.shape[1]

    def generate(self, z, grid):
        return (self.matrix @ z).reshape(grid.shape)

    def to_record(self):
        return PriorRecord("linear", {}, {"matrix": np.asarray(self.matrix)})


class IdentityPrior(AbstractPrior):
    """The field is the latent vector itself."""

    ndim = 2

    def __init__(self, facies_model):
        self.facies_model = facies_model

    def latent_size(self, grid):
        return grid.size

    def generate(self, z, grid):
        return z.reshape(grid.shape)

    def to_record(self):
        raise NotImplementedError("observations never store the prior")


@pytree()
class BlindForward(AbstractForward):
    """The first cell's value, from a forward model that says it has no gradients."""

    kind, count, has_gradient = "blind", 1, False

    def __init__(self, grid):
        self.grid = grid

    def predict(self, property):
        return property.ravel()[:1]

    def to_arrays(self):
        return {}

    from_arrays = None


def random_generator_prior(seed=0, *, categories=(0, 1), ndim=2, provenance=(), ordered=True, noise=(0, 0)):
    """An untrained generator: no geology, but local, nonlinear and cheap; `noise` enters at its last two layers."""
    outputs = 1 if ordered else len(categories)
    chain = (Layer("same", 8, 3), Layer("up", 8, 4, noise=noise[0]), Layer("up", outputs, 4, noise=noise[1]))
    architecture = GeneratorArchitecture(ndim, 2, chain)
    rng = np.random.default_rng(seed)
    channels, layers = 2, []
    for layer in architecture.layers:
        window = (layer.window,) * ndim
        gain = np.sqrt((2**ndim if layer.kind == "up" else 1) / (channels * layer.window**ndim))
        kernel = gain * rng.standard_normal((*window, channels, layer.width))
        mixing = jnp.asarray(rng.standard_normal((layer.noise, channels)), jnp.float32) if layer.noise else None
        layers.append(to_folded_layer(layer, jnp.asarray(kernel, jnp.float32), jnp.zeros(layer.width), mixing))
        channels = layer.width
    thresholds = tuple(np.linspace(-0.5, 0.5, len(categories) - 1)) if len(categories) > 2 else (0.0,)
    model = FaciesModel(categories, thresholds) if ordered else UnorderedFaciesModel(categories)
    calibration = Calibration(model, shift=0.0, scale=0.5)
    return GeneratorPrior(architecture, layers, calibration, provenance=dict(provenance))


def random_conditional_prior(seed=0, *, categories=(0, 1), ndim=2, ordered=True, noise=(0, 0), measures=None):
    """An untrained generator that sees wells: no geology, but local, nonlinear and cheap."""
    plain = random_generator_prior(seed, categories=categories, ndim=ndim, ordered=ordered, noise=noise)
    numbers = 0 if measures is None else len(measures.each)
    architecture = ConditionalArchitecture(plain.architecture, plain.architecture.outputs + 1, numbers)
    rng = np.random.default_rng([seed, 1])

    def normal(*shape):
        return jnp.asarray(rng.standard_normal(shape) / np.sqrt(shape[0]), jnp.float32)

    channels = [layer.width for layer in architecture.base.layers]
    layers = [
        one._replace(mixing=normal(layer.noise, channels[n - 1])) if layer.noise else one
        for n, (one, layer) in enumerate(zip(plain.layers, architecture.generator.layers, strict=True))
    ]
    encoder = [normal(*shape) for shape in architecture.encoder_shapes]
    settings = {"measures": measures, "provenance": {}}
    return ConditionalPrior(architecture, layers, encoder, plain.calibration, **settings)


def random_dcgan_prior(seed=0, *, shape=(9, 7), categories=(0, 1)):
    """An untrained DCGAN for fields of one shape."""
    outputs = 1 if len(categories) == 2 else len(categories)
    architecture = dcgan_architecture(shape, latent_channels=6, width=1 / 128, outputs=outputs)
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return jnp.asarray(rng.standard_normal(shape) / np.sqrt(shape[-2] if len(shape) > 2 else 6), jnp.float32)

    channels = architecture.first
    layers = [FoldedLayer(normal(6, *architecture.coarse, channels), jnp.zeros(channels))]
    for layer in architecture.layers:
        kernel = polyphase(normal(*(layer.window,) * len(shape), channels, layer.width))
        layers.append(FoldedLayer(kernel, 0.1 * jnp.ones(layer.width)))
        channels = layer.width
    model = FaciesModel(categories, (0.0,)) if outputs == 1 else UnorderedFaciesModel(categories)
    return DcganPrior(architecture, layers, Calibration(model, shift=0.0, scale=0.5), provenance={})


def random_flow_prior(seed=0, *, categories=(0, 1), ndim=2, steps=2):
    """An untrained flow: no geology, but local, nonlinear and cheap."""
    channels = 1 if len(categories) == 2 else len(categories)
    architecture = VelocityArchitecture(ndim, channels, (6, 8), 1)
    key = jax.random.key(seed)
    shapes = jax.eval_shape(lambda key: initial_velocity(key, architecture), key)
    sizes = {name: np.sqrt(1 / max(1, np.prod(one.shape[:-1]))) for name, one in shapes.items()}
    keys = dict(zip(shapes, jax.random.split(key, len(shapes)), strict=True))
    weights = {name: 2 * sizes[name] * jax.random.normal(keys[name], one.shape) for name, one in shapes.items()}
    model = FaciesModel(categories, (0.0,)) if channels == 1 else UnorderedFaciesModel(categories)
    return FlowPrior(architecture, weights, Calibration(model, shift=0.0, scale=0.5), steps=steps, provenance={})


def random_autoencoder_prior(seed=0, *, categories=(0, 1), ndim=2, channels=1, couplings=0, calibration=None):
    """An untrained autoencoder: no geology, but local, nonlinear and cheap."""
    outputs = 1 if calibration or len(categories) == 2 else len(categories)
    architecture = AutoencoderArchitecture(ndim, outputs, channels, (6, 8), couplings, 6)
    shapes = jax.eval_shape(lambda key: initial_autoencoder(key, architecture), jax.random.key(seed))
    rng = np.random.default_rng(seed)
    gains = {name: 0.2 if one.ndim == 1 else 1 / np.sqrt(np.prod(one.shape[:-1])) for name, one in shapes.items()}
    gains = {name: gain if name.startswith("coupling") else 2 * gain for name, gain in gains.items()}
    weights = {
        name: jnp.asarray(gains[name] * rng.standard_normal(one.shape), jnp.float32) for name, one in shapes.items()
    }
    model = FaciesModel(categories, (0.0,)) if outputs == 1 else UnorderedFaciesModel(categories)
    calibration = calibration or Calibration(model, shift=0.0, scale=0.5)
    return AutoencoderPrior(architecture, weights, calibration, provenance={})


def random_sequential(
    seed=0,
    *,
    ndim=2,
    content="two facies",
    channels=1,
    windows=(1, 1),
    width=6,
    stretch=None,
    apart=False,
    blocks=0,
    sees=False,
    maps=0,
):
    """Untrained networks of a sequential simulation whose odds vary."""
    order = tuple(range(max(2, channels)))[::-1] if blocks else ()
    widths, stretch = (width,) * len(windows), stretch or (1,) * ndim
    architecture = SequentialArchitecture(
        ndim, content, channels, widths, windows, stretch, apart, blocks, order, sees, maps
    )
    shapes = jax.eval_shape(lambda key: initial_sequential(key, architecture), jax.random.key(seed))
    rng = np.random.default_rng(seed)
    gains = {name: 2 / np.sqrt(max(1, np.prod(one.shape[:-1]))) for name, one in shapes.items()}
    weights = {
        name: jnp.asarray(gains[name] * rng.standard_normal(one.shape), jnp.float32) for name, one in shapes.items()
    }
    return architecture, weights


def random_sequential_prior(
    seed=0,
    *,
    categories=(0, 1),
    ndim=2,
    windows=(1, 1),
    stretch=None,
    temperatures=None,
    blocks=0,
    lookahead=None,
    sees=False,
    maps=(),
):
    """An untrained sequential simulation: no geology, but local and cheap."""
    channels, content = (1, "two facies") if len(categories) == 2 else (len(categories), "several facies")
    settings = {"windows": windows, "stretch": stretch, "blocks": blocks, "sees": sees}
    settings["maps"] = sum(one.channels for one in maps)
    architecture, weights = random_sequential(seed, ndim=ndim, content=content, channels=channels, **settings)
    model = FaciesModel(categories, (0.0,)) if channels == 1 else UnorderedFaciesModel(categories)
    calibration = Calibration(model, shift=0.0, scale=0.5)
    return SequentialPrior(
        architecture,
        weights,
        calibration,
        temperatures=temperatures or (1.0,) * len(windows),
        lookahead=None if lookahead is None else looking_ahead(architecture, lookahead),
        maps=maps,
        provenance={},
    )


def random_singan_prior(seed=0, *, categories=(0, 1), ndim=2, widths=(6, 6, 5), layers=2, calibration=None):
    """An untrained SinGAN: no geology, but local, nonlinear and cheap."""
    channels = 1 if calibration or len(categories) == 2 else len(categories)
    architecture = SinganArchitecture(ndim, channels, widths, layers)
    shapes = jax.eval_shape(lambda key: initial_singan(key, architecture), jax.random.key(seed))
    rng = np.random.default_rng(seed)
    gains = {name: 0.2 if one.ndim == 1 else np.sqrt(2 / np.prod(one.shape[:-1])) for name, one in shapes.items()}
    weights = {
        name: jnp.asarray(gains[name] * rng.standard_normal(one.shape), jnp.float32) for name, one in shapes.items()
    }
    weights["noise"] = jnp.asarray([1.0, *(0.5 for _ in widths[1:])])
    model = FaciesModel(categories, (0.0,)) if channels == 1 else UnorderedFaciesModel(categories)
    calibration = calibration or Calibration(model, shift=0.0, scale=0.5)
    return SinganPrior(architecture, weights, calibration, provenance={})


def random_cycle_prior(seed=0, *, source=None, stands=(0, 1), categories=(0, 1), dilations=(1,), widths=(4, 6)):
    """Untrained translators of an untrained generator's fields: no geology, but local, nonlinear and cheap."""
    source = source or random_generator_prior(seed + 1)
    net = TranslatorArchitecture(source.ndim, stands, len(categories), widths, dilations)
    rng, weights = np.random.default_rng(seed), []
    for one in (net, net.back):
        shapes = jax.eval_shape(lambda key, one=one: initial_translator(key, one), jax.random.key(seed))
        gains = {
            name: 0.2 if part.ndim == 1 else np.sqrt(2 / np.prod(part.shape[:-1])) for name, part in shapes.items()
        }
        normal = {name: gains[name] * rng.standard_normal(part.shape) for name, part in shapes.items()}
        weights.append({name: jnp.asarray(part, jnp.float32) for name, part in normal.items()})
    model = FaciesModel(categories, (0.0,)) if len(categories) == 2 else UnorderedFaciesModel(categories)
    return CyclePrior(net, source, *weights, Calibration(model, shift=0.0, scale=0.5), provenance={})


# A program for each structure of a prior, which all its tests share.
generate = jax.jit(lambda prior, z, grid: prior.generate(z, grid), static_argnames="grid")


def random_critic(seed=0):
    """An untrained discriminator of plane fields: one score for four cells along each axis."""
    rng, layers = np.random.default_rng(seed), []
    for channels, width in ((1, 4), (4, 4), (4, 1)):
        kernel = 3 * rng.standard_normal((4, 4, channels, width)) / np.sqrt(16 * channels)
        layers.append(FoldedLayer(jnp.asarray(kernel, jnp.float32), jnp.zeros(width)))
    return Critic(layers, (2, 2, 1))


def wells_of_a_draw(prior, grid, count, seed=0):
    """Hard data at random cells of one draw of the prior, so that they can be met."""
    rng = np.random.default_rng(seed)
    z = jnp.asarray(rng.standard_normal(prior.latent_size(grid)), jnp.float32)
    facies = np.asarray(prior.facies(generate(prior, z, grid)))
    cells = np.stack(np.unravel_index(rng.choice(grid.size, count, replace=False), grid.shape), axis=1)
    return HardData(grid, grid.centres(cells), facies[tuple(cells.T)], prior.facies_model)


def generator_posterior(wells=12, target="thresholded"):
    """A small facies posterior that can be stored and resumed."""
    prior, grid = random_generator_prior(), Grid((20, 18))
    return Posterior(prior, grid, [wells_of_a_draw(prior, grid, wells)], target=target)


def linear_gaussian(latents, data, seed=0):
    """Block means of a Gaussian field: the posterior, and its exact mean, covariance and log-evidence."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(latents)))
    grid = Grid((side, side))
    prior = LinearPrior(rng.standard_normal((grid.size, latents)) / np.sqrt(latents))
    lower = rng.integers(0, side - 1, (data, 2)).astype(float)
    upper = lower + 1.0
    sd = np.full(data, 0.3)
    weights = np.stack([grid.box_weights(a, b).ravel() for a, b in zip(lower, upper, strict=True)])
    forward = weights @ np.asarray(prior.matrix, float)
    observed = forward @ rng.standard_normal(latents) + sd * rng.standard_normal(data)
    posterior = Posterior(prior, grid, [BlockMeans(grid, lower, upper, observed, sd, None)])
    covariance = np.linalg.inv(np.eye(latents) + forward.T @ forward / sd[0] ** 2)
    mean = covariance @ forward.T @ observed / sd[0] ** 2
    marginal = forward @ forward.T + np.diag(sd**2)
    _, logdet = np.linalg.slogdet(2 * np.pi * marginal)
    evidence = -0.5 * (logdet + observed @ np.linalg.solve(marginal, observed))
    return posterior, mean, covariance, evidence


def latents_that_honour(posterior, count, seed=0):
    """Latents near the draw that `wells_of_a_draw` took its facies from, which meet all wells."""
    truth = np.random.default_rng(seed).standard_normal(posterior.latent_size)
    near = truth + 0.02 * np.random.default_rng(seed + 1).standard_normal((20 * count, len(truth)))
    near = near.astype(np.float32)
    return np.stack([z for z in near if np.isfinite(float(posterior.log_likelihood(z)))][:count])


def recorded(posterior, latents, chains=None, **changes):
    """A run that kept these latents, all else made from them."""
    tables = draw_tables(posterior, evaluate(posterior, np.asarray(latents, np.float32)))
    parts = {"results": {}, "trace": {}, "steps": 1, "seconds": 2.0} | changes
    return run_of_tables(posterior, tables, algorithm="pcn", chains=chains, **parts)
