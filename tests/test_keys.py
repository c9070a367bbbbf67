"""Random keys by purpose."""

import jax
import pytest

from latentinv.errors import InputError
from latentinv.keys import from_seed, named, numbered


def data(key):
    return tuple(jax.random.key_data(key).tolist())


def test_that_keys_of_other_names_numbers_and_seeds_differ():
    key = jax.random.key(1)
    keys = [key, from_seed(1, "run"), from_seed(1, "generate"), from_seed(2, "run")]
    keys += [*named(key, "noise", "accept"), *(numbered(key, n) for n in range(100)), *jax.random.split(key, 100)]
    # A number is what JAX's own split takes, so of these each stands here twice; nothing else does.
    assert len({data(key) for key in keys}) == len(keys) - 100


def test_that_a_key_depends_on_its_name_alone():
    key = jax.random.key(3)
    assert data(named(key, "noise")) == data(named(key, "accept", "noise")[1])


def test_that_a_name_is_not_given_twice():
    with pytest.raises(ValueError, match="each once"):
        named(jax.random.key(0), "noise", "noise")


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "3", True])
def test_that_a_seed_that_would_be_taken_for_another_is_refused(seed):
    with pytest.raises(InputError, match=r"The seed is .*; expected a whole number from 0 to 4294967295"):
        from_seed(seed, "run")
