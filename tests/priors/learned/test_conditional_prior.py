"""Priors that see wells: what they are given changes the field around it, in a tile as in the whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, HardData, InputError, Posterior, StorageError, TemperedSMC, load_prior, sample
from latentinv.inference.diagnostics import parameters
from latentinv.priors import Anamorphosis, FaciesModel, prior_from_record
from latentinv.priors.learned import FaciesMeasure, FaciesMeasures, correlations
from tests.problems import generate, random_conditional_prior, random_generator_prior

GRID = Grid((45, 52), 2.0)
ONE_MAP = {}
THREE_MAPS = {"categories": (3, 1, 7), "ordered": False, "noise": (2, 1)}
KINDS = pytest.mark.parametrize("kind", [ONE_MAP, THREE_MAPS], ids=["one map", "three maps, facies without order"])


def _z(prior, grid, seed=0):
    return jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))


def _wells(prior, cells=((3, 5), (20, 41), (44, 51)), grid=GRID, **settings):
    model = prior.facies_model
    codes = np.resize(np.asarray(model.categories), len(cells))
    return HardData(grid, grid.centres(np.asarray(cells)), codes, model, **settings)


@KINDS
def test_that_wells_change_the_field_around_them_alone(kind):
    plain = random_conditional_prior(**kind)
    given, z = plain.given(wells=_wells(plain, [(20, 41)])), _z(plain, GRID)
    changed = np.abs(generate(given, z, GRID) - generate(plain, z, GRID)).reshape(*GRID.shape, -1).max(axis=-1)
    rows, columns = np.nonzero(changed > 1e-6)
    assert changed[20, 41] > 1e-3
    assert (rows.min(), rows.max()) >= (20 - 9, 20)
    assert rows.max() <= 20 + 9
    assert columns.min() >= 41 - 9
    assert given.latent_size(GRID) == plain.latent_size(GRID)
    np.testing.assert_array_equal(generate(plain.given(), z, GRID), generate(plain, z, GRID))


@KINDS
def test_that_tiles_put_together_are_the_field_given_wells(kind):
    prior = random_conditional_prior(**kind)
    cells = np.stack([np.arange(0, 45, 4), np.arange(2, 50, 4)], axis=1)
    prior = prior.given(wells=_wells(prior, cells))
    z = _z(prior, GRID)
    field = np.full(generate(prior, z, GRID).shape, np.nan, np.float32)
    for place, tile in prior.tiles(np.asarray(z), GRID, tile=8):
        field[place] = tile
    np.testing.assert_allclose(field, generate(prior, z, GRID), atol=1e-5)


def test_that_a_volume_sees_wells_too():
    prior, grid = random_conditional_prior(ndim=3), Grid((6, 7, 8))
    given, z = prior.given(wells=_wells(prior, [(2, 3, 4)], grid)), _z(prior, grid)
    assert np.abs(generate(given, z, grid) - generate(prior, z, grid)).max() > 1e-3


@KINDS
def test_that_the_network_sees_the_level_of_each_facies(kind):
    prior = random_conditional_prior(**kind)
    given = prior.given(wells=_wells(prior))
    seen, ahead = np.asarray(given.seen[0]), prior.architecture.ahead
    expected = [[-1, 1], [1, 1], [-1, 1]] if kind == ONE_MAP else [[1, -1, -1, 1], [-1, 1, -1, 1], [-1, -1, 1, 1]]
    for (row, column), level in zip(((3, 5), (20, 41), (44, 51)), expected, strict=True):
        assert seen[ahead + row, ahead + column].tolist() == level
    assert seen[..., -1].sum() == 3


@KINDS
def test_that_a_file_holds_the_network_and_what_it_is_given(kind, tmp_path):
    plain = random_conditional_prior(**kind)
    given, z = plain.given(wells=_wells(plain)), _z(plain, GRID)
    for name, prior in (("plain", plain), ("given", given)):
        prior.save(tmp_path / f"{name}.h5")
        loaded = load_prior(tmp_path / f"{name}.h5")
        np.testing.assert_array_equal(generate(loaded, z, GRID), generate(prior, z, GRID))
        assert loaded.fingerprint() == prior.fingerprint()
    assert given.fingerprint() != plain.fingerprint()
    assert given.describe()["given"] == "3 cells of wells"
    assert "given" not in plain.describe()


def test_that_a_program_serves_all_wells():
    plain, traces = random_conditional_prior(), []

    @jax.jit
    def field(prior, z):
        traces.append(prior)
        return prior.generate(z, GRID)

    z = _z(plain, GRID)
    one, other = (field(plain.given(wells=_wells(plain, cells)), z) for cells in ([(3, 3)], [(9, 9), (30, 30)]))
    assert len(traces) == 1
    assert np.abs(one - other).max() > 1e-3


def test_that_other_wells_grids_and_facies_are_refused():
    prior = random_conditional_prior()
    with pytest.raises(InputError, match="the condition 'trend'"):
        prior.given(trend=1)
    with pytest.raises(InputError, match="wells as float; give HardData"):
        prior.given(wells=3.0)
    with pytest.raises(InputError, match="takes what it is given for certain"):
        prior.given(wells=_wells(prior, error_probability=0.1))
    other = random_generator_prior(categories=(0, 1, 2))
    assert isinstance(other.facies_model, FaciesModel)
    with pytest.raises(InputError, match="facies 2, which it does not have"):
        prior.given(wells=_wells(other))
    with pytest.raises(InputError, match="has 2 axes, but the grid 3"):
        prior.given(wells=_wells(prior, [(1, 1, 1)], Grid((4, 5, 6))))
    given, small = prior.given(wells=_wells(prior)), Grid((20, 20))
    with pytest.raises(InputError, match=r"grid of another shape than \(20, 20\)"):
        given.generate(_z(given, small), small)


def test_that_a_file_without_its_encoder_is_refused():
    record = random_conditional_prior().to_record()
    arrays = {name: array for name, array in record.arrays.items() if name != "encoder_0"}
    with pytest.raises(StorageError, match="do not suit the sizes"):
        prior_from_record(record._replace(arrays=arrays))


def test_that_wells_may_be_given_and_observed():
    prior = random_conditional_prior()
    wells = _wells(prior)
    posterior = Posterior(prior.given(wells=wells), GRID, [wells], target="soft")
    assert jnp.isfinite(posterior.log_density(_z(prior, GRID)))


SHARE = FaciesMeasure("proportion", 1, Anamorphosis((-2.0, 0.0, 2.0), (0.1, 0.3, 0.6)))
WIDTH = FaciesMeasure("width", 1, Anamorphosis((-2.0, 0.0, 2.0), (4.0, 8.0, 16.0)))
SHARES, BOTH = FaciesMeasures([SHARE]), FaciesMeasures([SHARE, WIDTH], np.array([[1.0, 0.6], [0.6, 1.0]]))


def test_that_a_proportion_is_the_first_latent_until_it_is_given():
    prior = random_conditional_prior(measures=SHARES).named(("clay", "sand"))
    z = _z(prior, GRID).at[0].set(1.0)
    assert prior.parameters(z, GRID) == {"proportion of sand": pytest.approx(0.45)}
    given = prior.given(proportion=0.45)
    assert given.latent_size(GRID) == prior.latent_size(GRID) - 1
    assert given.parameters(z[1:], GRID) == {}
    np.testing.assert_allclose(generate(given, z[1:], GRID), generate(prior, z, GRID), atol=1e-5)
    assert np.abs(generate(prior, z.at[0].set(-1.0), GRID) - generate(prior, z, GRID)).min() > 0
    assert prior.conditions["proportion"] == "proportion of sand, such as 0.3"
    assert (given.describe()["given"], "given" in prior.describe()) == ("proportion of sand 0.45", False)
    with pytest.raises(InputError, match=r"proportion = 0.7, but learned values from 0.1 to 0.6"):
        prior.given(proportion=0.7)
    with pytest.raises(InputError, match="condition 'proportion'"):
        random_conditional_prior().given(proportion=0.3)


def test_that_a_proportion_and_a_width_each_have_a_latent_until_they_are_given():
    prior = random_conditional_prior(measures=BOTH).named(("clay", "sand"))
    z = _z(prior, GRID).at[:2].set(jnp.array([1.0, -0.5]))
    found = prior.parameters(z, GRID)
    assert [*found] == ["proportion of sand", "width of sand in cells"]
    score = 0.6 * 1.0 + 0.8 * -0.5  # correlated with the proportion's
    assert found["proportion of sand"] == pytest.approx(0.45)
    assert found["width of sand in cells"] == pytest.approx(8 + 8 * score / 2)
    given = prior.given(width=12.0)
    assert given.latent_size(GRID) == prior.latent_size(GRID) - 1
    # The width's score is 1, so the proportion's has the mean 0.6 and the standard deviation 0.8: 0.2 for z = −0.5.
    assert given.parameters(z[1:], GRID) == {"proportion of sand": pytest.approx(0.3 + 0.3 * 0.2 / 2)}
    assert given.describe()["given"] == "width of sand in cells 12"
    assert given.conditions["width"] == "width of sand in cells, such as 9.5"
    both = given.given(proportion=0.45)
    assert both.fingerprint() == prior.given(proportion=0.45, width=12.0).fingerprint()
    assert both.latent_size(GRID) == prior.latent_size(GRID) - 2
    same = z.at[1].set((1.0 - 0.6) / 0.8)  # latents of the scores 1 and 1
    np.testing.assert_allclose(generate(both, z[2:], GRID), generate(prior, same, GRID), atol=1e-5)
    assert np.abs(generate(both, z[2:], GRID) - generate(both.given(width=5), z[2:], GRID)).max() > 1e-3
    for wrong in (3.9, True, "wide"):
        with pytest.raises(InputError, match=f"width = {wrong}, but learned values from 4 to 16"):
            prior.given(width=wrong)


def test_that_numbers_drawn_have_the_correlations_of_the_patches():
    rng, count = np.random.default_rng(0), 20_000
    z = rng.standard_normal((count, 3)).astype(np.float32)
    scores = z @ np.linalg.cholesky([[1.0, 0.5, -0.3], [0.5, 1.0, 0.2], [-0.3, 0.2, 1.0]]).T
    each = [FaciesMeasure(name, 0, SHARE.values) for name in ("a", "b", "c")]
    known = correlations(scores)
    measures = FaciesMeasures(each, known)
    drawn = np.asarray(jax.vmap(measures.scores)(jnp.asarray(z)))
    # Of 20 000 draws the standard error of a correlation is at most 0.0071; five of them.
    np.testing.assert_allclose(np.corrcoef(drawn, rowvar=False), known, atol=0.036)
    given = FaciesMeasures(each, known, {"b": np.float32(1.5)})
    assert [one.name for one in given.unknown] == ["a", "c"]
    drawn = np.asarray(jax.vmap(given.scores)(jnp.asarray(z[:, :2])))
    np.testing.assert_allclose(drawn[:, 1], 1.5, rtol=1e-6)
    rest = [0, 2]
    expected = known[np.ix_(rest, rest)] - np.outer(known[rest, 1], known[1, rest])
    np.testing.assert_allclose(drawn[:, rest].mean(axis=0), 1.5 * known[rest, 1], atol=0.036)
    np.testing.assert_allclose(np.cov(drawn[:, rest], rowvar=False), expected, atol=0.05)


def test_that_a_program_serves_all_that_is_given_of_a_facies():
    prior, traces = random_conditional_prior(measures=BOTH), []

    @jax.jit
    def field(prior, z):
        traces.append(prior)
        return prior.generate(z, GRID)

    fields = [field(prior.given(width=width), _z(prior, GRID)[1:]) for width in (5.0, 15.0)]
    assert len(traces) == 1
    assert np.abs(fields[0] - fields[1]).max() > 1e-3


def test_that_a_file_with_other_correlations_is_refused():
    record = random_conditional_prior(measures=BOTH).to_record()
    for wrong in ([[1.0]], [[1.0, 2.0], [2.0, 1.0]]):
        with pytest.raises(StorageError, match="correlations do not suit"):
            prior_from_record(record._replace(metadata={**record.metadata, "correlations": wrong}))


@pytest.mark.parametrize(("measures", "condition"), [(SHARES, {"proportion": 0.2}), (BOTH, {"width": 6.0})])
def test_that_a_file_and_tiles_keep_a_given_number(measures, condition, tmp_path):
    prior = random_conditional_prior(measures=measures)
    given = prior.given(**condition).given(wells=_wells(prior))
    for name, one in (("unknown", prior), ("given", given)):
        one.save(tmp_path / f"{name}.h5")
        z, loaded = _z(one, GRID), load_prior(tmp_path / f"{name}.h5")
        np.testing.assert_array_equal(generate(loaded, z, GRID), generate(one, z, GRID))
        assert loaded.parameters(z, GRID) == one.parameters(z, GRID)
        field = np.full(GRID.shape, np.nan, np.float32)
        for place, tile in one.tiles(np.asarray(z), GRID, tile=8):
            field[place] = tile
        np.testing.assert_allclose(field, generate(one, z, GRID), atol=1e-5)


def test_that_a_proportion_is_inferred_with_the_field():
    prior = random_conditional_prior(measures=SHARES)
    run = sample(Posterior(prior, GRID, [_wells(prior)]), TemperedSMC(particles=16), seed=0)
    (shares,) = parameters(Posterior(prior, GRID, []), run.latents).values()
    assert shares.shape == (len(run.realizations),)
    assert np.ptp(shares) > 0
