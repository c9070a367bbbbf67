"""Names of facies: every family keeps them in its file, and they change neither fields nor digests."""

import jax
import numpy as np
import pytest

from latentinv import Grid, InputError, load_prior
from latentinv.errors import StorageError
from latentinv.priors import (
    CholeskyPrior,
    Covariance,
    Cut,
    HierarchicalPrior,
    PlurigaussianPrior,
    SPDEPrior,
    SpectralPrior,
    TruncationRule,
    shipped_priors,
)
from latentinv.priors.core import FaciesModel, UnorderedFaciesModel
from latentinv.storage import read_prior, write_prior
from tests.problems import (
    random_autoencoder_prior,
    random_cycle_prior,
    random_flow_prior,
    random_generator_prior,
    random_sequential_prior,
    random_singan_prior,
)

GRID = Grid((9, 7), 3.0)
COVARIANCE = Covariance("exponential", (9.0, 5.0))
CUTS = FaciesModel((0, 1), (0.0,))
RULE = TruncationRule(Cut(0, 7, Cut(1, 1, 2)), {7: 0.3, 1: 0.3, 2: 0.4})
PRIORS = {
    "generator": random_generator_prior,
    "flow": random_flow_prior,
    "autoencoder": random_autoencoder_prior,
    "sequential": random_sequential_prior,
    "singan": random_singan_prior,
    "cycle": random_cycle_prior,
    "cholesky": lambda: CholeskyPrior(COVARIANCE, facies_model=CUTS),
    "spectral": lambda: SpectralPrior(COVARIANCE, waves=16, facies_model=CUTS),
    "spde": lambda: SPDEPrior(1.0, 5.0, facies_model=CUTS),
    "plurigaussian": lambda: PlurigaussianPrior([SPDEPrior(1.0, 5.0), SpectralPrior(COVARIANCE, waves=16)], RULE),
    "hierarchical": lambda: HierarchicalPrior(random_generator_prior(), CholeskyPrior(COVARIANCE)),
}


@pytest.mark.parametrize("family", PRIORS)
def test_that_a_prior_keeps_names_in_its_file_and_draws_the_same_fields(tmp_path, family):
    prior = PRIORS[family]()
    codes = prior.facies_model.categories
    names = {code: f"layer {'abcd'[n]}" for n, code in enumerate(codes)}
    named = prior.named(names)
    named.save(tmp_path / "named.h5")
    again = load_prior(tmp_path / "named.h5")
    assert again.facies_model.names == named.facies_model.names == tuple(names[code] for code in codes)
    assert [again.facies_model.label(code) for code in names] == list(names.values())
    assert prior.facies_model.names == ()
    assert prior.facies_model.label(codes[0]) == f"facies {codes[0]}"
    assert again.fingerprint() == prior.fingerprint()
    assert again.facies_model == prior.facies_model
    assert hash(again.facies_model) == hash(prior.facies_model)
    traces = []

    @jax.jit
    def generate(prior, z):
        traces.append(family)
        return prior.generate(z, GRID)

    z = jax.random.normal(jax.random.key(1), (prior.latent_size(GRID),))
    np.testing.assert_array_equal(generate(prior, z), generate(again, z))
    assert len(traces) == 1  # names are no reason to compile again
    assert "layer a" in str(again.describe()["facies"])


def test_that_names_can_be_given_where_facies_models_are_made():
    model = FaciesModel((3, 1), (0.0,), names=(" clay", "fine sand "))
    assert model.names == ("clay", "fine sand")
    assert (model.code("CLAY"), model.code(" Fine Sand"), model.code(1)) == (3, 1, 1)
    assert model.listed() == "3 (clay), 1 (fine sand)"
    assert UnorderedFaciesModel((0, 4), names=("a", "b")).label(4) == "b"
    rule = TruncationRule(RULE.cut, RULE.proportions, names=("mud", "silt", "sand"))
    assert rule.label(7) == "mud"
    assert rule.named({7: "x", 1: "y", 2: "z"}).names == ("x", "y", "z")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({0: "clay"}, "Names were given for the facies 0; give one for each of 0, 1"),
        ({0: "clay", 2: "sand"}, "Names were given for the facies 0, 2"),
        (("clay",), "give one for each, in this order"),
        ("ab", "give one for each, in this order"),
        (("Sand", "sand "), "Two facies are called 'Sand'"),
        (("clay", ""), "is no word"),
        (("clay", "a\nb"), "is no word"),
        (("clay", "x" * 61), "up to 60 letters"),
        (("clay", "a,b"), "leave that out"),
        (("clay", "1"), "is a number and could be taken for a code"),
    ],
)
def test_that_names_that_could_be_misread_are_refused(names, words):
    with pytest.raises(InputError, match=words):
        CUTS.named(names)


def test_that_an_unknown_name_or_code_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"There is no facies gravel; the prior has 0 \(clay\), 1 \(sand\)"):
        CUTS.named(("clay", "sand")).code("gravel")
    with pytest.raises(InputError, match="continuous property; leave them out"):
        SPDEPrior(1.0, 5.0).named(("a", "b"))


def test_that_damaged_names_are_refused_in_a_sentence(tmp_path):
    record = random_generator_prior().record()
    write_prior(tmp_path / "three.h5", record._replace(names=("a", "b", "c")))
    with pytest.raises(StorageError, match="does not fit together: The names"):
        load_prior(tmp_path / "three.h5")
    write_prior(tmp_path / "odd.h5", record._replace(names=(1, 2)))
    with pytest.raises(StorageError, match="its names of facies cannot be read"):
        load_prior(tmp_path / "odd.h5")


@pytest.mark.parametrize("name", ["channels", "meanders"])
def test_that_the_shipped_priors_name_clay_and_sand(name):
    assert read_prior(shipped_priors()[name]).names == ("clay", "sand")
