"""Batches: functions of one draw applied to many, on all devices, with flat memory.

`map_batched` gives each device an equal share of the draws (`latentinv.devices`), which it takes in batches
(`lax.map`); outputs without numbers (where there are no data) are made separately.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from latentinv.devices import share_of, spread


def each(function: Callable[[Any], Array], predictions: Any, count: int) -> Float[Array, "draw"]:
    """Apply a function to the predictions of each of `count` draws, which are empty where there are no data."""
    return jax.vmap(function, axis_size=count)(predictions)


def map_batched(function: Callable[..., Any], arguments: Any, batch_size: int | None = None) -> Any:
    """Apply a function over the leading axis on all devices, in batches on each, so that memory stays flat.

    Outputs without any numbers (where there are no data) are made separately, because `lax.map` refuses them.

    Parameters
    ----------
    function
        Function of one element.
    arguments
        A tree of arrays with a common leading axis.
    batch_size
        Elements evaluated at once on a device, all of them by default; one by one, branches and loops cost no more than
        each element needs.
    """
    count = len(jax.tree.leaves(arguments)[0])
    together = min(batch_size or count, share_of(count))
    outputs, structure = jax.tree.flatten(jax.eval_shape(function, jax.tree.map(lambda x: x[0], arguments)))

    def filled(one: Any) -> list[Array]:
        return [leaf for leaf in jax.tree.leaves(function(one)) if leaf.size]

    def mapped(share: Any) -> list[Array]:
        if batch_size is None:
            return jax.vmap(filled)(share)
        return lax.map(filled, share, batch_size=together if together > 1 else None)

    found = iter(spread(mapped, arguments))
    whole = [next(found) if leaf.size else jnp.zeros((count, *leaf.shape), leaf.dtype) for leaf in outputs]
    return jax.tree.unflatten(structure, whole)
