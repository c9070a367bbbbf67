"""Plurigaussian facies: the rule's readings of scores, target proportions, and the prior in files and posteriors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from latentinv import (
    BlockMeans,
    FaciesProperty,
    Grid,
    IndirectData,
    Posterior,
    TemperedSMC,
    load_prior,
    resume,
    sample,
)
from latentinv.errors import InputError
from latentinv.forward import LinearForward
from latentinv.priors import (
    CholeskyPrior,
    Covariance,
    Cut,
    FaciesModel,
    PlurigaussianPrior,
    SPDEPrior,
    TruncationRule,
)
from tests.problems import generate, wells_of_a_draw

RULE = TruncationRule(Cut(0, 4, Cut(1, 2, Cut(0, 7, 5))), {2: 0.3, 4: 0.4, 5: 0.1, 7: 0.2})
"""Facies 4 left of everything; right of it 2 below, and above that 7 and 5 side by side."""
ORDERED = TruncationRule(Cut(0, 1, Cut(0, 2, 3)), {1: 0.5, 2: 0.2, 3: 0.3})
GRID = Grid((8, 7))


def plurigaussian():
    fields = [CholeskyPrior(Covariance("gaussian", (6.0, 3.0))), SPDEPrior(1.0, 3.0)]
    return PlurigaussianPrior(fields, RULE)


def scores(count, seed=0, components=2):
    return jax.random.normal(jax.random.key(seed), (count, components))


@pytest.mark.parametrize("rule", [RULE, ORDERED])
def test_that_the_boxes_have_the_target_proportions(rule):
    lower, upper = special.ndtr(rule.boxes)
    shares = (upper - lower).prod(axis=-1)
    np.testing.assert_allclose(shares, [share for _, share in rule.proportions], atol=1e-12)


def test_that_facies_are_drawn_in_the_target_proportions():
    """Each of four shares of 100 000 draws may be off by 4.2 standard errors: less than 1e-4 in all."""
    index = np.asarray(RULE.index(scores(100_000)))
    limit = stats.norm.isf(1e-4 / 8)
    for number, (_, share) in enumerate(RULE.proportions):
        assert abs(np.mean(index == number) - share) < limit * np.sqrt(share * (1 - share) / 100_000)


def test_that_scores_are_read_by_the_cuts_and_a_score_on_a_threshold_belongs_above():
    """Right of the first threshold 2 has half of what is left, 7 two thirds of the other half."""
    first, second = special.ndtri(0.4), special.ndtri(0.5)
    third = special.ndtri(0.4 + 0.6 * 2 / 3)
    places = jnp.array(
        [[first - 0.1, 3.0], [first + 0.1, second - 0.1], [first + 0.1, second + 0.1], [third + 0.1, second + 0.1]]
    )
    np.testing.assert_array_equal(RULE.facies(places), [4, 2, 7, 5])
    threshold = jnp.float32(ORDERED.boxes[1, 0, 0])
    np.testing.assert_array_equal(ORDERED.facies(jnp.array([[threshold], [threshold - 1e-3]])), [2, 1])


def test_that_the_margin_is_positive_just_where_the_facies_is():
    drawn = scores(500)
    for number in range(4):
        np.testing.assert_array_equal(RULE.margin(drawn, jnp.full(500, number)) > 0, RULE.index(drawn) == number)
    np.testing.assert_allclose(
        RULE.margin(jnp.array([[-3.0, 0.0]]), jnp.array([0])), 3.0 + special.ndtri(0.4), rtol=1e-5
    )


@pytest.mark.parametrize("slope", [0.0, 0.3, 20.0, 1e6])
def test_that_the_soft_probabilities_sum_to_one_with_finite_gradients(slope):
    places = jnp.concatenate([scores(50), jnp.array([[1e30, -1e30], [-1e6, 1e6], [0.0, 0.0]])])
    np.testing.assert_allclose(jnp.exp(RULE.log_probability(places, slope)).sum(axis=-1), 1.0, atol=2e-6)
    gradients = jax.vmap(jax.jacobian(lambda one: jnp.exp(RULE.log_probability(one, slope))))(places)
    assert np.all(np.isfinite(gradients))


def test_that_a_steep_slope_reads_as_the_cuts_do():
    hard = jax.nn.one_hot(RULE.index(scores(300)), 4)
    np.testing.assert_allclose(jnp.exp(RULE.log_probability(scores(300), 1e6)), hard, atol=1e-6)


def test_that_one_score_is_the_ordered_logit():
    thresholds = tuple(special.ndtri([0.5, 0.7]))
    ordered, drawn = FaciesModel((1, 2, 3), thresholds), scores(200, components=1)
    np.testing.assert_array_equal(ORDERED.facies(drawn), ordered.facies(drawn[:, 0]))
    np.testing.assert_allclose(
        ORDERED.log_probability(drawn, 5.0), ordered.log_probability(drawn[:, 0], 5.0), atol=1e-4
    )
    index = ordered.index(drawn[:, 0])
    np.testing.assert_allclose(ORDERED.margin(drawn, index), ordered.margin(drawn[:, 0], index), atol=1e-6)


def test_that_a_score_that_is_no_number_has_no_facies():
    np.testing.assert_array_equal(RULE.undefined(jnp.array([[0.0, 1.0], [np.nan, 1.0]])), [False, True])


def test_that_scores_are_those_of_the_fields_one_after_the_other():
    prior = plurigaussian()
    sizes = [field.latent_size(GRID) for field in prior.fields]
    z = jax.random.normal(jax.random.key(1), (prior.latent_size(GRID),))
    drawn = generate(prior, z, GRID)
    assert drawn.shape == (8, 7, 2)
    np.testing.assert_array_equal(drawn[..., 0], generate(prior.fields[0], z[: sizes[0]], GRID))
    np.testing.assert_array_equal(drawn[..., 1], generate(prior.fields[1], z[sizes[0] :], GRID))
    assert prior.realization(drawn).shape == (8, 7)


def test_that_a_saved_prior_makes_the_same_fields(tmp_path):
    prior = plurigaussian()
    prior.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    z = jax.random.normal(jax.random.key(2), (prior.latent_size(GRID),))
    np.testing.assert_array_equal(generate(loaded, z, GRID), generate(prior, z, GRID))
    assert loaded.fingerprint() == prior.fingerprint()
    assert loaded.facies_model == prior.facies_model
    assert "0.4" in loaded.describe()["rule"]


def test_that_blocks_and_forward_models_see_facies_and_what_they_have():
    """A block of two cells is half facies 2, half facies 5; softly the same where the slope is steep."""
    field = jnp.full((8, 7, 2), 3.0).at[0, 0, 1].set(-3.0)
    blocks = BlockMeans(GRID, [[0.0, 0.0]], [[2.0, 1.0]], [0.5], [0.1], RULE, facies=2)
    average = LinearForward(GRID.box_weights(np.zeros(2), np.array([2.0, 1.0]))[None], GRID)
    for mean in ("arithmetic", "geometric"):
        property = FaciesProperty(RULE, (1.0, 10.0, 20.0, 30.0), mean=mean)
        indirect = IndirectData(GRID, average, [15.0], 1.0, property=property)
        for prediction in indirect.predict_both(field):
            np.testing.assert_allclose(prediction, (10 + 30) / 2, rtol=1e-5)
    for prediction in (blocks.predict(field), blocks.predict_exact(field)):
        np.testing.assert_allclose(prediction, 0.5, rtol=1e-5)
    assert np.isnan(blocks.predict_exact(field.at[0, 0, 0].set(jnp.nan)))
    with pytest.raises(InputError, match=r"The field has \(8, 7\) cells"):
        blocks.predict(field[..., 0])
    with pytest.raises(InputError, match="leave log_gradients at 0"):
        FaciesProperty(RULE, (1.0, 10.0, 20.0, 30.0), log_gradients=0.5)


def test_that_every_draw_of_a_posterior_honours_the_wells_and_a_stored_run_gives_it_again(tmp_path):
    prior = PlurigaussianPrior([CholeskyPrior(Covariance("gaussian", length)) for length in (6.0, 3.0)], RULE)
    wells = wells_of_a_draw(prior, GRID, 8, seed=3)
    assert len(np.unique(wells.codes)) > 2
    run = sample(Posterior(prior, GRID, [wells]), TemperedSMC(particles=16), seed=1, output=tmp_path / "run.h5")
    assert run.realizations.shape == (16, 8, 7)
    np.testing.assert_array_equal(
        run.realizations[(..., *wells.cells.T)], np.broadcast_to(wells.codes, (16, wells.count))
    )
    assert all(report.fulfilled == wells.count for (report,) in run.reports())
    np.testing.assert_array_equal(resume(tmp_path / "run.h5").realizations, run.realizations)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: TruncationRule(Cut(0, 1, Cut(1, 2, 1)), {1: 0.5, 2: 0.5}), "one of them twice"),
        (lambda: TruncationRule(Cut(0, 1, 2), {1: 0.5, 3: 0.5}), r"the facies \[1, 2\], the proportions \[1, 3\]"),
        (lambda: TruncationRule(Cut(0, 1, 2), {1: 0.5, 2: 0.4}), "shares above 0 that sum to 1"),
        (lambda: TruncationRule(Cut(0, 1, 2), {1: 1.5, 2: -0.5}), "shares above 0 that sum to 1"),
        (lambda: TruncationRule(Cut(1, 1, 2), {1: 0.5, 2: 0.5}), r"scores \[1\] are cut; number them from 0"),
        (lambda: PlurigaussianPrior([SPDEPrior(1.0, 3.0)], RULE), "2 scores, but 1 fields were given"),
        (
            lambda: PlurigaussianPrior([SPDEPrior(1.0, 3.0, mean=1.0)], ORDERED),
            "Field 0 is a SPDEPrior, or does not have mean 0",
        ),
        (
            lambda: PlurigaussianPrior([SPDEPrior(1.0, 3.0), SPDEPrior(1.0, 3.0, ndim=3)], RULE),
            "give all 2 or all 3",
        ),
        (lambda: generate(plurigaussian(), jnp.zeros(5), GRID), "this prior needs"),
    ],
)
def test_that_faulty_settings_are_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()
