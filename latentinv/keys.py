"""Random keys by purpose: no key is used for two things, anywhere in the program.

JAX's keys are split by number: ``split(key)[i]`` and ``fold_in(key, i)`` are the same key. So a key that is both split
and folded gives the same random numbers twice, and two commands that start from the same seed share them. Here every
key has a name. A name is folded in as a number above all counts, so that named and numbered keys never coincide:

    key = from_seed(seed, "run")                        # the key of a command, from the user's seed
    key_noise, key_accept = named(key, "noise", "accept")
    key_step = numbered(named(key, "steps"), n)         # for n from 0 to 2³¹ − 1

A key is either handed to one of JAX's samplers, once, or to the functions here, any number of times with names or
numbers that differ; `jax.random.split` of a key that nothing else takes is a sampler in this sense.
"""

import zlib
from numbers import Integral
from typing import overload

import jax
from jaxtyping import Array, Int

from latentinv.errors import InputError

LEAST_TAG = 2**31
"""Numbers from here on are names."""
LARGEST_SEED = 2**32 - 1
"""Seeds up to here are all different."""


def from_seed(seed: int, purpose: str) -> Array:
    """The key for one purpose, such as a command, from a user's seed.

    Raises
    ------
    InputError
        If the seed is no whole number from 0 to 2³² − 1: JAX takes larger ones for those with the same lower 32 bits.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed <= LARGEST_SEED:
        raise InputError(f"The seed is {seed!r}; expected a whole number from 0 to {LARGEST_SEED}.")
    return named(jax.random.key(int(seed)), purpose)


@overload
def named(key: Array, name: str, /) -> Array: ...
@overload
def named(key: Array, /, *names: str) -> tuple[Array, ...]: ...


def named(key: Array, *names: str) -> Array | tuple[Array, ...]:
    """The keys with these names; a single key if there is one name."""
    if len(set(names)) < len(names):
        raise ValueError(f"Given the names {names}; expected each once, so that no key is used twice.")
    found = tuple(jax.random.fold_in(key, _tag(name)) for name in names)
    return found[0] if len(names) == 1 else found


def numbered(key: Array, number: int | Int[Array, ""]) -> Array:
    """The key with this number, from 0 to 2³¹ − 1."""
    return jax.random.fold_in(key, number)


def _tag(name: str) -> int:
    return LEAST_TAG | zlib.crc32(name.encode())
