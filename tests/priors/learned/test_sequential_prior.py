"""Sequential priors: local, of any size, and with latents that change their windows only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, HardData, InputError, Posterior, load_prior
from latentinv.networks import simulate
from latentinv.priors.core import split_latents
from tests.problems import generate, random_sequential_prior

THREE = {"categories": (3, 1, 7)}
BLOCKS = {"categories": (3, 1, 7), "windows": (1, 1, 1), "blocks": 2}
KINDS = pytest.mark.parametrize(
    "kind", [{}, THREE, {"windows": (1, 2, 1)}, BLOCKS], ids=["two", "three", "wide", "blocks"]
)


def _z(prior, grid, seed=0):
    return jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))


@KINDS
def test_that_tiles_put_together_are_the_field(kind):
    prior, grid = random_sequential_prior(**kind), Grid((21, 34))
    z = _z(prior, grid)
    field = np.full(generate(prior, z, grid).shape, np.nan, np.float32)
    for place, tile in prior.tiles(np.asarray(z), grid, tile=12):
        field[place] = tile
    np.testing.assert_allclose(field, generate(prior, z, grid), atol=1e-4)


@pytest.mark.parametrize("blocks", [0, 1])
@pytest.mark.parametrize("number", [0, 1])
def test_that_a_latent_changes_its_window_and_no_other_cell(number, blocks):
    prior, grid = random_sequential_prior(windows=(1, 1), blocks=blocks), Grid((60, 64))
    maps = prior.latent_maps(grid)
    assert [one.spacing for one in maps] == [(4, 4), (2, 2)]
    parts = [np.asarray(part).copy() for part in split_latents(np.asarray(_z(prior, grid)), maps)]
    before = generate(prior, jnp.concatenate([part.ravel() for part in parts]), grid)
    place = tuple(n // 2 for n in maps[number].shape[:-1])
    parts[number][place] += 20.0
    changed = np.asarray(generate(prior, jnp.concatenate([part.ravel() for part in parts]), grid) != before)
    assert changed.any()
    for axis, window in enumerate(maps[number].cells_of(place, grid.shape)):
        hit = np.flatnonzero(changed.any(axis=1 - axis))
        assert window.start <= hit[0]
        assert hit[-1] < window.stop


def _known(rng, shape, categories):
    codes = rng.choice(categories, shape).astype(float)
    codes[rng.random(shape) < 0.3] = np.nan
    return codes


@pytest.mark.parametrize(("categories", "edges"), [((0, 1), 4), ((0, 1), 2), ((3, 1, 7), (4, 4))])
def test_that_blocks_that_are_given_are_split_by_the_networks_alone(categories, edges):
    """What is drawn depends on the map as on blocks drawn by noise: noise that draws the map's blocks does the same."""
    prior, grid = random_sequential_prior(categories=categories, windows=(1, 1, 1), blocks=2), Grid((13, 18))
    edge = np.max(edges)
    codes = _known(np.random.default_rng(0), (-(-13 // edge), -(-18 // edge)), categories)
    given, z, net = prior.given(blocks=codes, block_edges=edges), _z(prior, grid), prior.architecture
    noise, seen = [net.cell.deviates(one) for one in split_latents(z, prior.latent_maps(grid))], []

    def decide(drawn, told):
        cells = (slice(drawn.crop, n - drawn.crop) for n in noise[drawn.level].shape[:-1])
        own = slice(drawn.member * net.channels, (drawn.member + 1) * net.channels)
        draw = net.cell.draw(told, noise[drawn.level][(None, *cells, own)])
        if drawn.block != (edge, edge):
            return draw
        level = np.asarray(draw.level).copy()
        span, stride = net.span(drawn.level, grid.shape), net.stride(drawn.level)
        for place in np.ndindex(level.shape[1:-1]):
            first = [
                span[a][0] + (drawn.crop + i) * stride[a] + drawn.offset[a] * stride[a] // 2
                for a, i in enumerate(place)
            ]
            block = tuple(np.floor_divide(first, edge).tolist())
            inside = all(0 <= b < n for b, n in zip(block, codes.shape, strict=True))
            if inside and np.isfinite(codes[block]):
                index = categories.index(codes[block])
                level[(0, *place)] = 2 * np.eye(len(categories))[index][-net.channels :] - 1
                seen.append(block)
        return draw._replace(level=jnp.asarray(level))

    expected = simulate(net, prior.weights, 1, grid.shape, decide, complete=True).number[0]
    np.testing.assert_allclose(given.numbers(z, grid), expected, atol=1e-4)
    assert sorted(seen) == [block for block in np.ndindex(codes.shape) if np.isfinite(codes[block])]
    assert not np.allclose(prior.numbers(z, grid), expected, atol=1e-2)


def test_that_tiles_with_given_blocks_are_those_of_the_field(tmp_path):
    prior, grid = random_sequential_prior(windows=(1, 1, 1), blocks=2), Grid((40, 52))
    given = prior.given(blocks=_known(np.random.default_rng(1), (10, 13), (0, 1)), block_edges=4)
    z = _z(prior, grid)
    field = np.full(grid.shape, np.nan, np.float32)
    for place, tile in given.tiles(np.asarray(z), grid, tile=16):
        field[place] = tile
    np.testing.assert_allclose(field, generate(given, z, grid), atol=1e-4)
    given.save(tmp_path / "given.h5")
    np.testing.assert_array_equal(generate(load_prior(tmp_path / "given.h5"), z, grid), generate(given, z, grid))
    assert given.fingerprint() != prior.fingerprint()
    assert "a map of 10×13 blocks" in given.describe()["given"]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"blocks": np.zeros((4, 4))}, "given blocks alone; give blocks with block_edges"),
        ({"blocks": np.zeros((4, 4)), "block_edges": 8}, "blocks of 8×8 cells, but draws those of 4×4, 2×2"),
        ({"blocks": np.full((4, 4), 5), "block_edges": 4}, r"code 5; expected facies \[0, 1\], NaN where none"),
        ({"blocks": np.zeros(4), "block_edges": 4}, r"shape \(4,\); expected 2 axes"),
        ({"porosity": 0.3}, "condition 'porosity'"),
    ],
)
def test_that_blocks_that_cannot_be_given_are_refused(condition, message):
    prior = random_sequential_prior(windows=(1, 1, 1), blocks=2)
    with pytest.raises(InputError, match=message):
        prior.given(**condition)
    with pytest.raises(InputError, match="takes none"):
        random_sequential_prior().given(**condition)


def _wells(prior, grid, count=12):
    rng = np.random.default_rng(3)
    cells = np.stack(np.unravel_index(rng.permutation(grid.size)[:count], grid.shape), axis=1)
    return HardData(grid, grid.centres(cells), rng.choice(prior.facies_model.categories, count), prior.facies_model)


@pytest.mark.parametrize("kind", [{}, {"categories": (3, 1, 7), "windows": (1, 1, 1), "blocks": 2}])
def test_that_fields_honour_the_wells_that_are_given_and_tiles_are_those_of_the_field(kind, tmp_path):
    prior, grid = random_sequential_prior(sees=True, **kind), Grid((40, 52))
    wells = _wells(prior, grid)
    given = prior.given(wells=wells)
    z = _z(prior, grid)
    whole = generate(given, z, grid)
    np.testing.assert_array_equal(np.asarray(given.facies(whole))[tuple(wells.cells.T)], wells.codes)
    free = generate(prior, z, grid)
    assert np.mean(np.asarray(given.facies(whole)) != np.asarray(prior.facies(free))) > 3 * wells.count / grid.size
    field = np.full(whole.shape, np.nan, np.float32)
    for place, tile in given.tiles(np.asarray(z), grid, tile=16):
        field[place] = tile
    np.testing.assert_allclose(field, whole, atol=1e-4)
    given.save(tmp_path / "given.h5")
    np.testing.assert_array_equal(generate(load_prior(tmp_path / "given.h5"), z, grid), whole)
    assert given.fingerprint() != prior.fingerprint()
    assert given.describe()["given"] == "12 cells of wells"
    assert Posterior(given, grid, [wells]).honoured is None
    with pytest.raises(InputError, match="wells on a grid of 40×52 cells, but the grid has 40×53"):
        given.numbers(_z(prior, Grid((40, 53))), Grid((40, 53)))


def test_that_wells_that_cannot_be_given_are_refused():
    prior, grid = random_sequential_prior(sees=True), Grid((40, 52))
    with pytest.raises(InputError, match="wells as list; give HardData"):
        prior.given(wells=[1, 2])
    wells = _wells(prior, grid)
    doubtful = HardData(grid, wells.coordinates, wells.codes, prior.facies_model, error_probability=0.1)
    with pytest.raises(InputError, match="wells with error probabilities"):
        prior.given(wells=doubtful)
    with pytest.raises(InputError, match="condition 'wells'"):
        random_sequential_prior().given(wells=wells)


def test_that_a_map_of_blocks_of_another_grid_is_refused():
    prior, grid = random_sequential_prior(windows=(1, 1, 1), blocks=2), Grid((40, 52))
    given = prior.given(blocks=np.zeros((10, 12)), block_edges=4)
    with pytest.raises(InputError, match="map of 10×12 blocks of 4×4 cells, but the grid of 40×52 cells has 10×13"):
        given.numbers(_z(prior, grid), grid)


def test_that_colder_noise_draws_what_is_likely_more_often():
    grid, shares = Grid((40, 40)), []
    for temperatures in ((1.0, 1.0), (1.0, 0.4)):
        prior = random_sequential_prior(temperatures=temperatures)
        first, noise = split_latents(np.asarray(_z(prior, grid)), prior.latent_maps(grid))
        other = split_latents(np.asarray(_z(prior, grid, seed=1)), prior.latent_maps(grid))[1]
        pair = (jnp.concatenate([first.ravel(), x.ravel()]) for x in (noise, other))
        one, two = (np.asarray(prior.facies(generate(prior, z, grid))) for z in pair)
        shares.append(np.mean(one != two))
    assert 0 < shares[1] < 0.8 * shares[0]


@KINDS
def test_that_a_saved_prior_comes_back_the_same(kind, tmp_path):
    prior, grid = random_sequential_prior(**kind), Grid((8, 8))
    prior.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    np.testing.assert_array_equal(generate(loaded, _z(prior, grid), grid), generate(prior, _z(prior, grid), grid))
    assert (loaded.facies_model, loaded.architecture) == (prior.facies_model, prior.architecture)
    assert loaded.temperatures == prior.temperatures
    assert loaded.fingerprint() == prior.fingerprint()


def test_that_derivatives_reach_every_map():
    prior, grid = random_sequential_prior(), Grid((12, 12))
    slope = jax.grad(lambda z: jnp.sum(generate(prior, z, grid) ** 2))(_z(prior, grid))
    for part in split_latents(np.asarray(slope), prior.latent_maps(grid)):
        assert np.isfinite(part).all()
        assert np.abs(part).max() > 1e-3


def test_that_a_sequential_prior_in_three_dimensions_has_fields_of_the_grid():
    prior, grid = random_sequential_prior(ndim=3), Grid((3, 4, 5))
    assert generate(prior, _z(prior, grid), grid).shape == (3, 4, 5)


def test_that_a_latent_of_the_wrong_length_and_a_grid_of_the_wrong_rank_are_refused():
    prior = random_sequential_prior()
    with pytest.raises(InputError, match="this prior needs"):
        generate(prior, jnp.zeros(3), Grid((12, 12)))
    with pytest.raises(InputError, match="has 2 axes, but the grid 3"):
        prior.latent_size(Grid((4, 12, 12)))
