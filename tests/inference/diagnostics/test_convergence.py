"""R-hat and effective sample sizes, beside their formulas and beside chains whose autocorrelation is known."""

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from latentinv import InputError
from latentinv.inference import effective_sample_size, rhat


def _autoregressive(correlation, shape, seed):
    """Chains of variance 1 whose neighbours are so correlated."""
    rng = np.random.default_rng(seed)
    chains, count = shape
    x = np.empty(shape)
    x[:, 0] = rng.standard_normal(chains)
    for n in range(1, count):
        x[:, n] = correlation * x[:, n - 1] + np.sqrt(1 - correlation**2) * rng.standard_normal(chains)
    return x


def _rhat_by_hand(draws):
    """Vehtari et al. 2021, equations 1 to 4, 14 and the folding of section 4."""
    half = draws.shape[1] // 2
    split = np.concatenate([draws[:, :half], draws[:, half : 2 * half]])

    def of_ranks(x):
        z = norm.ppf((rankdata(x).reshape(x.shape) - 3 / 8) / (x.size + 1 / 4))
        within = np.mean(np.var(z, axis=1, ddof=1))
        between = half * np.var(z.mean(axis=1), ddof=1)
        return np.sqrt(((half - 1) / half * within + between / half) / within)

    return max(of_ranks(split), of_ranks(np.abs(split - np.median(split))))


def test_that_rhat_is_that_of_its_formulas():
    draws = _autoregressive(0.5, (3, 80), seed=1) + np.array([[0.0], [0.3], [0.1]])
    assert rhat(draws) == pytest.approx(_rhat_by_hand(draws), rel=1e-6)


def test_that_each_quantity_gets_a_number_of_its_own():
    good = np.random.default_rng(0).standard_normal((4, 200))
    apart = good + np.arange(4)[:, None]
    both = np.stack([good, apart], axis=-1)[..., None]
    values = rhat(both)
    assert values.shape == (2, 1)
    assert values[0, 0] < 1.02 < 1.5 < values[1, 0]
    np.testing.assert_allclose(values[:, 0], [rhat(good), rhat(apart)])
    assert effective_sample_size(both).shape == (2, 1)


def test_that_one_chain_is_compared_with_itself():
    steady = np.random.default_rng(0).standard_normal((1, 400))
    assert rhat(steady) < 1.03
    assert rhat(steady + np.linspace(0, 3, 400)) > 1.3


def test_that_the_effective_size_is_that_of_the_autocorrelation():
    # N (1 − ρ) / (1 + ρ); over seeds the estimate scatters by about a twentieth at this length.
    draws = _autoregressive(0.6, (4, 5000), seed=3)
    assert effective_sample_size(draws) == pytest.approx(20_000 * 0.4 / 1.6, rel=0.25)
    assert effective_sample_size(draws[..., None], "tail")[0] < 20_000


@pytest.mark.parametrize("values", [np.full((4, 50), 3.0), np.full((1, 50), 3.0)])
def test_that_constants_have_neither(values):
    assert np.isnan(rhat(values))
    assert np.isnan(effective_sample_size(values))


def test_that_chains_that_stand_still_apart_are_told():
    values = np.repeat(np.array([[0.0], [1.0], [1.0]]), 50, axis=1)
    assert np.isinf(rhat(values))
    assert effective_sample_size(values) == 3


def test_that_rare_and_one_sided_events_warn_of_nothing():
    rare = np.zeros((4, 100))
    rare[2, 17] = 1
    lone = np.zeros((2, 100))
    lone[1, ::2] = 1
    for values in (rare, lone):
        assert rhat(values) >= 0.99
        assert effective_sample_size(values, "tail") > 0


def test_that_too_few_draws_and_infinite_ones_tell_nothing():
    few = np.random.default_rng(0).standard_normal((4, 3))
    infinite = np.random.default_rng(0).standard_normal((4, 50))
    infinite[0, 0] = -np.inf
    for values in (few, infinite):
        assert np.isnan(rhat(values))
        assert np.isnan(effective_sample_size(values, "tail"))


def test_that_mistakes_are_one_sentence():
    with pytest.raises(InputError, match=r"expected \[chain, draw, …\]"):
        rhat(np.zeros(5))
    with pytest.raises(InputError, match="'middle'; expected one of bulk, tail"):
        effective_sample_size(np.zeros((2, 5)), "middle")
