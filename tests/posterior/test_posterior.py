"""The posterior: one number from prior and data, whichever way it is asked."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.diagnostics import effective_sample_size
from numpyro.infer import MCMC, NUTS
from numpyro.infer.util import log_density
from scipy.stats import multivariate_normal, norm

from latentinv import BlockMeans, FaciesProperty, Grid, HardData, IndirectData, InputError, Posterior
from latentinv.forward import LinearForward
from latentinv.posterior import Predictions, map_batched
from latentinv.priors import FaciesModel
from tests.problems import LinearPrior, generator_posterior, linear_gaussian, random_generator_prior, wells_of_a_draw


def test_that_the_log_density_is_prior_plus_likelihood():
    posterior, mean, covariance, _ = linear_gaussian(5, 3)
    z = jnp.asarray(np.random.default_rng(0).standard_normal((2, 5)), jnp.float32)
    ours = posterior.log_density(z[0]) - posterior.log_density(z[1])
    a, b = (np.asarray(one, float) - mean for one in z)
    precision = np.linalg.inv(covariance)
    assert float(ours) == pytest.approx(-0.5 * (a @ precision @ a - b @ precision @ b), rel=1e-3)


def test_that_the_thresholded_target_is_zero_or_minus_infinity_for_certain_wells():
    posterior = generator_posterior()
    z = jax.random.normal(jax.random.key(0), (200, posterior.latent_size))
    values = np.asarray(map_batched(posterior.log_likelihood, z, 50))
    assert set(np.unique(values)) <= {-np.inf, 0.0}


def test_that_sharpness_multiplies_the_slopes_of_all_data():
    prior, grid = random_generator_prior(), Grid((20, 18))
    model, points = prior.facies_model, np.array([[2.5, 3.5], [10.5, 12.5]])
    weights = np.random.default_rng(1).uniform(size=(3, grid.size))

    def posterior(slope):
        reading = FaciesProperty(model, (1.0, 2.0), slope=slope)
        return Posterior(
            prior,
            grid,
            [
                HardData(grid, points, [0, 1], model, slope=slope),
                BlockMeans(grid, [[0.0, 0.0]], [[9.0, 7.0]], [0.4], 0.1, model, slope=slope),
                IndirectData(grid, LinearForward(weights, grid), [200.0, 210.0, 190.0], 5.0, property=reading),
            ],
        )

    z = jax.random.normal(jax.random.key(3), (prior.latent_size(grid),))
    read = Predictions(posterior(4.0).predict_softly(z, 0.5), ())
    expected = posterior(2.0).tempered_log_likelihood(posterior(2.0).predict(z), 1.0)
    assert float(posterior(4.0).tempered_log_likelihood(read, 1.0)) == pytest.approx(float(expected), rel=1e-5)


def test_that_the_numpyro_model_has_the_soft_density():
    posterior = generator_posterior()
    z = jax.random.normal(jax.random.key(0), (posterior.latent_size,))
    value, _ = log_density(posterior.as_numpyro_model(), (), {}, {"z": z})
    constant = 0.5 * posterior.latent_size * np.log(2 * np.pi)
    assert float(value) + constant == pytest.approx(float(posterior.soft_log_density(z)), rel=1e-4)


def hierarchy():
    """Two latents and an unknown offset of further data: the user's model, and the exact mean and covariance of all."""
    rng = np.random.default_rng(2)
    matrix, operator = rng.standard_normal((4, 2)), rng.standard_normal((2, 4)) / 2
    prior, grid = LinearPrior(matrix), Grid((2, 2))
    near = IndirectData(grid, LinearForward(operator[:1], grid), [0.7], 0.5, name="near")
    generator = Posterior(prior, grid, [near]).as_numpyro_model()

    def model():
        field = generator()
        shift = numpyro.sample("shift", dist.Normal(0.0, 1.0))
        predicted = jnp.asarray(operator[1:], jnp.float32) @ field.ravel() + shift
        numpyro.sample("far", dist.Normal(predicted, 0.4).to_event(1), obs=jnp.array([-0.5]))

    forward = np.column_stack([operator @ matrix, [0.0, 1.0]])
    precision = np.diag([1 / 0.25, 1 / 0.16])
    covariance = np.linalg.inv(np.eye(3) + forward.T @ precision @ forward)
    return model, covariance @ forward.T @ precision @ [0.7, -0.5], covariance


def test_that_the_numpyro_model_has_a_factor_for_each_observation_and_gives_the_field():
    prior, grid = random_generator_prior(), Grid((20, 18))
    wells = wells_of_a_draw(prior, grid, 3)
    heads = IndirectData(
        grid, lambda p: p[:2, 0], [2.0, 3.0], 0.5, property=FaciesProperty(prior.facies_model, (1.0, 5.0)), name="heads"
    )
    posterior = Posterior(prior, grid, [wells, heads])
    z = jax.random.normal(jax.random.key(0), (posterior.latent_size,))
    model = posterior.as_numpyro_model()
    sites = numpyro.handlers.trace(numpyro.handlers.substitute(model, {"z": z})).get_trace()
    assert list(sites) == ["z", "data wells", "data heads"]
    np.testing.assert_array_equal(numpyro.handlers.substitute(model, {"z": z})(), posterior.field(z))
    value, _ = log_density(model, (), {}, {"z": z})
    soft = Posterior(prior, grid, [wells, heads], target="soft")
    constant = 0.5 * posterior.latent_size * np.log(2 * np.pi)
    assert float(value) + constant == pytest.approx(float(soft.log_density(z)), rel=1e-4)


def test_that_a_model_built_upon_the_generator_has_the_joint_density():
    model, mean, covariance = hierarchy()
    points = np.random.default_rng(3).standard_normal((2, 3))
    values = [
        float(log_density(model, (), {}, {"z": jnp.asarray(p[:2], jnp.float32), "shift": jnp.float32(p[2])})[0])
        for p in points
    ]
    exact = multivariate_normal(mean, covariance).logpdf(points)
    assert values[0] - values[1] == pytest.approx(exact[0] - exact[1], rel=1e-4)


def test_that_facies_properties_can_be_unknown_in_a_model_built_upon_the_generator():
    prior, grid, slope = random_generator_prior(), Grid((20, 18)), 20.0
    facies, generator = prior.facies_model, Posterior(prior, grid, []).as_numpyro_model()

    def predict(property):
        return property[:2, 0]

    def model():
        field = generator()
        values = numpyro.sample("values", dist.LogNormal(0.0, 1.0).expand([2]).to_event(1))
        predicted = predict(jnp.exp(facies.log_probability(field, slope)) @ values)
        numpyro.sample("heads", dist.Normal(predicted, 0.5).to_event(1), obs=jnp.array([2.0, 3.0]))

    z, values = jax.random.normal(jax.random.key(0), (prior.latent_size(grid),)), np.array([1.0, 5.0], np.float32)
    reading = FaciesProperty(facies, values, slope=slope)
    heads = IndirectData(grid, predict, [2.0, 3.0], 0.5, property=reading)
    known = Posterior(prior, grid, [heads], target="soft").log_density(z)
    value, _ = log_density(model, (), {}, {"z": z, "values": values})
    others = dist.LogNormal(0.0, 1.0).log_prob(values).sum() - 0.5 * len(z) * np.log(2 * np.pi)
    assert float(value) - float(others) == pytest.approx(float(known), rel=1e-4)


def unknown_noise_and_properties():
    """Heads at three places of a field of two facies that one latent moves, with unknown levels and unknown noise."""
    grid, facies = Grid((1, 3)), FaciesModel((0, 1), (0.0,))
    prior = LinearPrior(np.array([[1.0], [-0.5], [0.8]]), facies)
    generator, slope = Posterior(prior, grid, []).as_numpyro_model(), 2.0
    observed = jnp.array([2.1, 1.2, 1.9])

    def model():
        field = generator()
        levels = numpyro.sample("levels", dist.Normal(jnp.array([1.0, 2.0]), 0.5).to_event(1))
        sd = numpyro.sample("sd", dist.LogNormal(-1.0, 0.5))
        property = jnp.exp(facies.log_probability(field, slope)) @ levels
        numpyro.sample("heads", dist.Normal(property.ravel(), sd).to_event(1), obs=observed)

    return model, np.asarray(prior.matrix, float)[:, 0], slope, np.asarray(observed, float)


@pytest.mark.assure
def test_that_unknown_noise_and_facies_properties_are_sampled_around_the_generator():
    # Means of four numbers, by the nodes of a grid on the other hand: each normal at 1e-4 / 4.
    model, loads, slope, observed = unknown_noise_and_properties()
    z, low, high, log_sd = np.meshgrid(
        np.linspace(-4.5, 4.5, 41), np.linspace(-1, 3, 31), np.linspace(0, 4, 31), np.linspace(-3.5, 1.5, 31),
        indexing="ij", sparse=True,
    )  # fmt: skip
    log_density = -0.5 * (z**2 + ((low - 1) / 0.5) ** 2 + ((high - 2) / 0.5) ** 2 + ((log_sd + 1) / 0.5) ** 2)
    for load, head in zip(loads, observed, strict=True):
        share = 1 / (1 + np.exp(-slope * load * z))
        log_density = log_density + norm.logpdf(head, low + share * (high - low), np.exp(log_sd))
    weights = np.exp(log_density - log_density.max())
    exact = [np.sum(weights * x) / weights.sum() for x in (z, low, high, np.exp(log_sd))]

    columns = drawn_by_nuts(model, ["z", "levels", "sd"], seed=0).T
    for column, expected in zip(columns, exact, strict=True):
        error = column.std() / np.sqrt(effective_sample_size(column[None]))
        assert abs(column.mean() - expected) < norm.isf(0.5e-4 / 4) * error


def drawn_by_nuts(model, names, seed):
    """Draws of one chain, a column for each number."""
    sampler = MCMC(NUTS(model), num_warmup=500, num_samples=4000, progress_bar=False)
    sampler.run(jax.random.key(seed))
    found = sampler.get_samples()
    return np.column_stack([np.asarray(found[name], float).reshape(4000, -1) for name in names])


@pytest.mark.assure
def test_that_nuts_on_the_model_finds_the_exact_posterior():
    # Means and variances of at most three numbers in two problems: 12 checks, each normal at 1e-4 / 12.
    allowed = norm.isf(0.5e-4 / 12)
    linear, linear_mean, linear_covariance, _ = linear_gaussian(2, 2)
    problems = [(linear.as_numpyro_model(), ["z"], linear_mean, linear_covariance)]
    model, mean, covariance = hierarchy()
    problems.append((model, ["z", "shift"], mean, covariance))
    for seed, (built, names, expected, spread) in enumerate(problems):
        columns = drawn_by_nuts(built, names, seed).T
        for column, centre, variance in zip(columns, expected, np.diag(spread), strict=True):
            for values, exact in ((column, centre), ((column - centre) ** 2, variance)):
                error = values.std() / np.sqrt(effective_sample_size(values[None]))
                assert abs(values.mean() - exact) < allowed * error


def test_that_heterogeneity_within_facies_may_have_latents_of_its_own():
    prior, grid = random_generator_prior(), Grid((20, 18))
    facies, generator = prior.facies_model, Posterior(prior, grid, []).as_numpyro_model()
    within = LinearPrior(np.random.default_rng(2).standard_normal((grid.size, 5)))

    def model():
        field = generator()
        texture = within.generate(numpyro.sample("texture", dist.Normal(0.0, 1.0).expand([5]).to_event(1)), grid)
        conductivity = FaciesProperty(facies, (1.0, 5.0)).soft(field) * jnp.exp(0.3 * texture)
        predicted = jnp.stack([conductivity[:10].mean(), conductivity[10:].mean()])
        numpyro.sample("heads", dist.Normal(predicted, 0.5).to_event(1), obs=jnp.array([2.0, 3.0]))

    key_z, key_texture = jax.random.split(jax.random.key(2))
    latents = {
        "z": jax.random.normal(key_z, (prior.latent_size(grid),)),
        "texture": jax.random.normal(key_texture, (5,)),
    }
    gradient = jax.grad(lambda values: log_density(model, (), {}, values)[0])(latents)
    for name, values in latents.items():
        # Beside the prior's, each has a gradient from the data.
        assert float(jnp.abs(gradient[name] + values).max()) > 1e-3


def test_that_gradients_agree_with_differences():
    posterior = generator_posterior()
    key_z, key_d = jax.random.split(jax.random.key(1))
    z, d = (jax.random.normal(key, (posterior.latent_size,)) for key in (key_z, key_d))

    def along(step):
        return posterior.soft_log_density(z + step * d, 0.05)

    difference = (along(1e-2) - along(-1e-2)) / 2e-2
    assert float(jax.grad(along)(0.0)) == pytest.approx(float(difference), rel=2e-2)


def test_that_two_observations_of_one_name_are_refused():
    prior, grid = random_generator_prior(), Grid((20, 18))
    wells = wells_of_a_draw(prior, grid, 3)
    with pytest.raises(InputError, match="Two observations are called 'wells'"):
        Posterior(prior, grid, [wells, wells])


def test_that_certain_wells_of_two_files_that_contradict_are_refused_by_name():
    prior, grid = random_generator_prior(), Grid((20, 18))
    model, place = prior.facies_model, grid.centres([[3, 4]])
    first, second = HardData(grid, place, [1], model, name="old"), HardData(grid, place, [0], model, name="new")
    with pytest.raises(InputError, match=r"x 4\.5 m, y 3\.5 m 'old' shows facies 1 and 'new' facies 0"):
        Posterior(prior, grid, [first, second])
    Posterior(prior, grid, [first, HardData(grid, place, [0], model, error_probability=0.1, name="new")])


def test_that_data_of_another_grid_are_refused():
    prior = random_generator_prior()
    wells = wells_of_a_draw(prior, Grid((20, 18)), 3)
    with pytest.raises(InputError, match="grid"):
        Posterior(prior, Grid((16, 16)), [wells])


def test_that_a_continuous_prior_cannot_be_thresholded():
    with pytest.raises(InputError, match="nothing to threshold"):
        Posterior(LinearPrior(np.eye(4)), Grid((2, 2)), [], target="thresholded")
    with pytest.raises(InputError, match="expected 'thresholded' or 'soft'"):
        Posterior(LinearPrior(np.eye(4)), Grid((2, 2)), [], target="hard")


def test_that_reports_speak_of_each_observation_by_name():
    prior, grid = random_generator_prior(), Grid((20, 18))
    model = prior.facies_model
    wells = HardData(grid, grid.centres([[3, 4]]), [1], model, name="boreholes")
    blocks = BlockMeans(grid, [[0.0, 0.0]], [[6.0, 6.0]], [0.5], [0.5], model, name="pumping tests")
    reports = Posterior(prior, grid, [wells, blocks]).report(jnp.zeros(prior.latent_size(grid)))
    assert [report.name for report in reports] == ["boreholes", "pumping tests"]


def test_that_a_grid_too_large_for_one_array_is_refused_where_data_are_compared_with_it():
    prior, huge = random_generator_prior(), Grid((3_000_000_000, 3_000_000_000))
    assert huge.size == 9 * 10**18
    with pytest.raises(InputError, match="9000000000000000000 cells; one array holds at most 2147483647"):
        Posterior(prior, huge, [])
    with pytest.raises(InputError, match="holds at most 2147483647"):
        BlockMeans(huge, [0, 0], [1, 1], [0.5], 0.1, prior.facies_model)
