"""Frozen pytrees: objects that compiled programs take as arguments.

A prior, an observation, a forward model or a posterior is one object for its user and a tree of arrays for JAX: its
numbers (weights, operators, observed data) are leaves, all else is static and compared by equality. So one program
serves all objects of the same structure, none of its numbers is a constant of the program, and an object can be mapped
over or put on devices. What only words for people depend on, such as the names of data, is carried along and not
compared, so that the same wells under another name need no other program; programs must not give such words back.

An attribute is set once, in `__init__`, and never changed; another object is made instead. JAX builds objects without
`__init__` while it traces, so checks of input are made only on the user's numbers.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, final

import jax
from jaxtyping import Array, Bool, Float, Int

Scalar = Float[Array, ""]
"""One number of a program."""
Count = Int[Array, ""]
"""One whole number of a program: how many, or which."""
Flag = Bool[Array, ""]
"""One truth value of a program."""
Class = TypeVar("Class", bound=type)


@final
class _Words:
    """Static words that are equal to any other words."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Words)

    def __hash__(self) -> int:
        return hash(_Words)


def pytree(*leaves: str, words: tuple[str, ...] = ()) -> Callable[[Class], Class]:
    """Register a class as a pytree.

    Parameters
    ----------
    leaves
        Names of the attributes that are leaves, or pytrees themselves. All other attributes are static: they must be
        hashable, and equal to those of another object that shares its programs. Cached properties are left out.
    words
        Names of the static attributes that are for people alone, and may differ between objects that share programs.

    Returns
    -------
    A decorator for the class, whose attributes can be set once only from then on.
    """

    def register(cls: Class) -> Class:
        cached = {name for name in dir(cls) if isinstance(getattr(cls, name, None), functools.cached_property)}

        def flatten(one: Any) -> tuple[tuple[Any, ...], tuple[tuple[str, Any], ...]]:
            values = vars(one)
            static = ((name, value) for name, value in values.items() if name not in leaves and name not in cached)
            kept = tuple((name, _Words(value) if name in words else value) for name, value in static)
            return tuple(values[name] for name in leaves), kept

        def flatten_with_keys(one: Any) -> tuple[tuple[Any, ...], tuple[tuple[str, Any], ...]]:
            children, static = flatten(one)
            keys = (jax.tree_util.GetAttrKey(name) for name in leaves)
            return tuple(zip(keys, children, strict=True)), static

        def unflatten(static: tuple[tuple[str, Any], ...], children: Iterable[Any]) -> Any:
            one: Any = object.__new__(cls)
            vars(one).update((name, value.value if name in words else value) for name, value in static)
            vars(one).update(zip(leaves, children, strict=True))
            return one

        jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
        cls.__setattr__ = _set_once  # type: ignore[assignment]
        cls.__delattr__ = _refuse  # type: ignore[assignment]
        return cls

    return register


def replace(one: Any, **changed: Any) -> Any:
    """Copy an object with new values of some attributes; the new values are not checked.

    Parameters
    ----------
    one
        An object of a class made by `pytree`.
    changed
        Attributes by name; they must be there already.
    """
    unknown = changed.keys() - vars(one).keys()
    if unknown:
        raise AttributeError(f"A {type(one).__name__} has no attribute {', '.join(sorted(unknown))}.")
    cached = {name for name in vars(one) if isinstance(getattr(type(one), name, None), functools.cached_property)}
    other = object.__new__(type(one))
    vars(other).update({name: value for name, value in vars(one).items() if name not in cached})
    vars(other).update(changed)
    return other


def _set_once(self: Any, name: str, value: Any) -> None:
    if name in vars(self):
        _refuse(self, name)
    object.__setattr__(self, name, value)


def _refuse(self: Any, name: str) -> None:
    raise AttributeError(f"The attribute {name} of a {type(self).__name__} cannot be changed; make another object.")
