"""What every family of priors does: registered by its name, a pytree, and a program's argument."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

from latentinv import Grid
from latentinv.errors import StorageError
from latentinv.priors import (
    PRIORS,
    Anamorphosis,
    AnyDirection,
    CholeskyPrior,
    Covariance,
    Cut,
    HierarchicalPrior,
    LogNormal,
    MixturePrior,
    Normal,
    PlurigaussianPrior,
    SPDEPrior,
    SpectralPrior,
    TruncationRule,
    UncertainGaussianPrior,
)
from latentinv.priors.core import prior_from_record
from latentinv.priors.learned import FaciesMeasure, FaciesMeasures
from tests.problems import (
    random_autoencoder_prior,
    random_conditional_prior,
    random_cycle_prior,
    random_dcgan_prior,
    random_flow_prior,
    random_generator_prior,
    random_sequential_prior,
    random_singan_prior,
)

GRID = Grid((9, 7), 3.0)
COVARIANCE = Covariance("exponential", (9.0, 5.0))
TABLE = Anamorphosis.log_normal(2.0, 0.5)
RULE = TruncationRule(Cut(0, 0, Cut(1, 1, 2)), {0: 0.3, 1: 0.3, 2: 0.4})


def _varying():
    return SPDEPrior(1.0, np.full((2, *GRID.shape), 4.0), azimuth=np.ones(GRID.shape))


FAMILIES = {
    "generator": random_generator_prior,
    "conditional": lambda: random_conditional_prior(
        measures=FaciesMeasures([FaciesMeasure("proportion", 1, Anamorphosis((-2.0, 2.0), (0.1, 0.6)))])
    ),
    "flow": random_flow_prior,
    "dcgan": lambda: random_dcgan_prior(shape=GRID.shape),
    "autoencoder": lambda: random_autoencoder_prior(couplings=2),
    "sequential": random_sequential_prior,
    "singan": random_singan_prior,
    "cycle": random_cycle_prior,
    "cholesky": lambda: CholeskyPrior(COVARIANCE, anamorphosis=TABLE),
    "spectral": lambda: SpectralPrior(COVARIANCE, waves=64, mean=2.0),
    "spde": _varying,
    "plurigaussian": lambda: PlurigaussianPrior([SPDEPrior(1.0, 5.0), SpectralPrior(COVARIANCE, waves=16)], RULE),
    "uncertain_gaussian": lambda: UncertainGaussianPrior(
        "exponential", (LogNormal(9.0, 0.3), 5.0), azimuth=AnyDirection(), mean=Normal(2.0, 1.0)
    ),
    "mixture": lambda: MixturePrior([CholeskyPrior(COVARIANCE), SpectralPrior(COVARIANCE, waves=16, mean=3.0)]),
    "hierarchical": lambda: HierarchicalPrior(random_generator_prior(), CholeskyPrior(COVARIANCE)),
}


def _draw(prior):
    return jax.random.normal(jax.random.key(1), (prior.latent_size(GRID),))


def test_that_every_family_is_registered_by_its_name_and_tested_here():
    assert {name: family.family for name, family in PRIORS.items()} == {name: name for name in PRIORS}
    assert set(PRIORS) == set(FAMILIES)
    for name, make in FAMILIES.items():
        assert type(make()) is PRIORS[name]


@pytest.mark.parametrize("family", FAMILIES)
def test_that_a_prior_is_an_argument_of_a_program_that_others_like_it_share(family):
    traces = []

    @jax.jit
    def generate(prior, z):
        traces.append(family)
        return prior.generate(z, GRID)

    prior, again = (FAMILIES[family]() for _ in range(2))
    z = _draw(prior)
    np.testing.assert_allclose(generate(prior, z), prior.generate(z, GRID), atol=1e-5)
    generate(again, z)
    assert len(traces) == 1
    flat, tree = jax.tree.flatten(prior)
    assert jax.tree.unflatten(tree, flat).fingerprint() == prior.fingerprint()


@pytest.mark.parametrize("family", FAMILIES)
def test_that_a_prior_on_a_grid_leaves_no_numbers_in_the_program_and_changes_nothing(family):
    prior = FAMILIES[family]()
    there, z = prior.on(GRID), _draw(prior)
    assert there.fingerprint() == prior.fingerprint()
    np.testing.assert_allclose(there.generate(z, GRID), prior.generate(z, GRID), atol=1e-5)
    program = jax.make_jaxpr(lambda prior, z: prior.generate(z, GRID))(there, z)
    assert sum(np.size(constant) for constant in program.consts) == 0
    other = Grid((9, 7), 1.5)
    z = jnp.asarray(np.random.default_rng(0).standard_normal(prior.latent_size(other)), jnp.float32)
    np.testing.assert_allclose(there.generate(z, other), prior.generate(z, other), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_that_a_prior_cannot_be_changed(family):
    prior = FAMILIES[family]()
    with pytest.raises(AttributeError, match="make another object"):
        prior.ndim = 3


@pytest.mark.parametrize("family", FAMILIES)
def test_that_latent_maps_are_as_long_together_as_the_latent_vector(family):
    prior = FAMILIES[family]()
    assert sum(one.size for one in prior.latent_maps(GRID)) == prior.latent_size(GRID)


def test_that_the_provenance_is_a_copy_and_shares_programs():
    one, other = (random_generator_prior(provenance={"steps": n}) for n in (1, 2))
    one.provenance["steps"] = 3
    assert (one.provenance, other.provenance) == ({"steps": 1}, {"steps": 2})
    assert jax.tree.structure(one) == jax.tree.structure(other)
    assert one.fingerprint() != other.fingerprint()


@pytest.mark.parametrize("family", FAMILIES)
def test_that_products_keep_all_digits_on_every_device(family):
    prior = FAMILIES[family]().on(GRID)
    program = jax.make_jaxpr(jax.grad(lambda z: jnp.sum(prior.generate(z, GRID))))(_draw(prior))
    found = [str(one.params["precision"]) for one in _equations(program.jaxpr) if "precision" in one.params]
    assert all("HIGHEST" in precision for precision in found)
    assert found or family in ("spde", "uncertain_gaussian")


def _equations(jaxpr):
    for one in jaxpr.eqns:
        yield one
        for part in jaxprs_in_params(one.params):
            yield from _equations(part)


@pytest.mark.parametrize("family", FAMILIES)
def test_that_the_settings_of_another_version_are_refused_in_a_sentence(family):
    record = FAMILIES[family]().to_record()
    with pytest.raises(StorageError, match=f"'{family}' was written by another version.* make it again"):
        prior_from_record(record._replace(metadata={"another": 1}))
