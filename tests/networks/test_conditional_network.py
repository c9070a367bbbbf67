"""What a generator sees of its field: where each cell of the map lies, level after level."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.networks import ARCHITECTURES, ConditionalArchitecture, encode_known, generator_architecture


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(64, 64), (37, 90)])
def test_that_features_of_a_block_enter_where_the_places_of_a_layer_change_its_cells(name, shape):
    base = generator_architecture(name, width=0.1)
    net = ConditionalArchitecture(base, 1, numbers=1)
    # As "features" of each level the first row of each block, counted from the field's, margins included.
    rows, columns = net.seen_shape(shape)
    cells = np.broadcast_to(np.arange(rows)[:, None] - net.ahead, (rows, columns))
    levels = [cells[:: 2**n, :: 2**n, None][None].astype(np.float32) for n in range(len(net.widths))]
    latents = [jnp.zeros((1, *one)) for one in net.latent_shapes(shape)]
    entering = net.entering(latents, levels, jnp.full((1, 1), 0.7), shape)
    for position, found in zip(net.generator.entries[1:], entering[1:], strict=True):
        part = base.after(position)
        before, after = part.reach
        middle = part.ratio * np.arange(found.shape[1]) + (part.ratio - before + after) / 2
        seen = np.asarray(found)[0, :, 0, -2] + part.ratio / 2
        assert np.abs(seen - middle).max() <= part.ratio / 2
        assert np.all(np.asarray(found)[..., -1] == np.float32(0.7))
        assert found.shape[1:-1] == tuple(base.sizes(size)[position] for size in shape)


def test_that_noise_of_a_layer_stays_ahead_of_what_it_sees():
    base = generator_architecture("pyramid", width=0.1)
    net = ConditionalArchitecture(base, 2)
    latents = [jnp.full((1, *one), float(n)) for n, one in enumerate(net.latent_shapes((64, 64)))]
    seen = encode_known(net, [jnp.ones(shape) for shape in net.encoder_shapes], jnp.ones((1, 64, 64, 2)))
    for features in (None, seen):
        entering = dict(
            zip(net.generator.entries, net.entering(latents, features, jnp.zeros((1, 0)), (64, 64)), strict=True)
        )
        for number, entry in enumerate(base.entries[1:], start=1):
            assert np.all(np.asarray(entering[entry])[..., : base.layers[entry].noise] == number)
        if features is None:
            assert not np.any(np.asarray(entering[1]))


def test_that_features_of_nothing_are_nothing_and_those_of_a_cell_stay_in_its_block():
    net = ConditionalArchitecture(generator_architecture("compact", width=0.1), 2)
    rng = np.random.default_rng(0)
    matrices = [jnp.asarray(rng.standard_normal(shape), jnp.float32) for shape in net.encoder_shapes]
    known = np.zeros((1, 64, 50, 2), np.float32)
    assert not any(np.any(one) for one in encode_known(net, matrices, jnp.asarray(known)))
    known[0, 21, 40] = 1
    for level, one in enumerate(encode_known(net, matrices, jnp.asarray(known))):
        assert one.shape[1:-1] == tuple(n // 2**level for n in net.seen_shape((64, 50)))
        places = np.argwhere(np.any(np.asarray(one)[0], axis=-1))
        assert places.tolist() == [[(net.ahead + 21) // 2**level, (net.ahead + 40) // 2**level]]
