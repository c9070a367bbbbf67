"""Checks shared by the observations, and their names for places, so that all messages read the same."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import AXIS_NAMES, Grid
from latentinv.io import Words
from latentinv.priors.core import AbstractFaciesModel, AbstractPrior, plain_name


def say_point(coordinates: np.ndarray, axes: Sequence[str] = AXIS_NAMES) -> str:
    """Describe a point: ``x 12.5 m, y 40.5 m``."""
    return ", ".join(f"{axis} {value:.10g} m" for axis, value in zip(axes, coordinates, strict=False))


def say_box(lower: np.ndarray, upper: np.ndarray, axes: Sequence[str] = AXIS_NAMES) -> str:
    """Describe a box: ``x 0–20 m, y 0–20 m``."""
    ranges = zip(axes, lower, upper, strict=False)
    return ", ".join(f"{axis} {low:.10g}–{high:.10g} m" for axis, low, high in ranges)


def sentence(text: str) -> str:
    """Begin a message with a capital letter, where it starts with the name of a datum."""
    return text[0].upper() + text[1:]


def decimals(sd: float) -> int:
    """Decimals that show a standard deviation to two digits, or to one where the second is zero."""
    digits = max(0, 1 - int(np.floor(np.log10(sd))))
    return digits - 1 if digits and round(sd, digits - 1) == round(sd, digits) else digits


def check_labels(labels: Sequence[str] | None, count: int, default: str) -> tuple[str, ...]:
    """Give each datum a name for messages: the user's own, or ``well 3``.

    Raises
    ------
    InputError
        If there is not one label for each datum.
    """
    if labels is None:
        return tuple(f"{default} {number}" for number in range(1, count + 1))
    if len(labels) != count:
        raise InputError(f"Given {len(labels)} labels for {count} data; expected one for each.")
    return tuple(labels)


def facies_words(model: AbstractFaciesModel | None) -> dict[str, Words]:
    """The names of facies as words that may stand in a table's column ``facies``."""
    if model is None:
        return {}
    advice = f"the prior has the facies {model.listed()}; give one of these"
    if not model.names:
        advice = (
            f"the prior's facies have no names; give the codes {model.listed()}, or name the facies "
            "(prior.named, or --names of 'latentinv train')"
        )
    names = {plain_name(name): code for name, code in zip(model.names, model.categories, strict=False)}
    return {"facies": Words(names, advice)}


def check_facies(who: str, facies: float, facies_model: AbstractFaciesModel) -> None:
    """Check that the facies of a datum, which messages call `who`, is one of the prior's.

    Raises
    ------
    InputError
        If it is not.
    """
    if facies not in facies_model.categories:
        raise InputError(f"{who} has facies {facies:g}, which the prior does not have; use {facies_model.listed()}.")


def check_fit(name: str, placed: tuple[Grid, AbstractFaciesModel | None], grid: Grid, prior: AbstractPrior) -> None:
    """Check that data are used with the grid and the facies model they were made for.

    Raises
    ------
    InputError
        If they do not.
    """
    if placed[0] != grid:
        raise InputError(
            f"The data '{name}' were placed on a grid of {placed[0].shape} cells ({placed[0].describe()}), "
            f"but the fields are on one of {grid.shape} cells ({grid.describe()}); use one grid for both."
        )
    if placed[1] != prior.facies_model:
        raise InputError(
            f"The data '{name}' were made for {_say_model(placed[1])}, but the prior has "
            f"{_say_model(prior.facies_model)}; make them with this prior's facies model."
        )


def check_no_forward(name: str, forward: object) -> None:
    """Check that no forward model is given for data that need none.

    Raises
    ------
    InputError
        If one is.
    """
    if forward is not None:
        raise InputError(f"A forward model was given for '{name}', which are not indirect data; leave it out.")


def field_on(
    grid: Grid, field: Float[Array, "*field"], facies_model: AbstractFaciesModel | None
) -> Float[Array, "*field"]:
    """Give the field back as a JAX array.

    JAX clamps an index outside an array silently, so a field of another shape must be stopped before it is
    read.

    Raises
    ------
    InputError
        If its shape is not that of a field on the grid.
    """
    field = jnp.asarray(field)
    if field.shape != field_shape(grid, facies_model):
        raise InputError(f"The field has {field.shape} cells, but the data were placed on a grid of {grid.shape}.")
    return field


def field_shape(grid: Grid, facies_model: AbstractFaciesModel | None) -> tuple[int, ...]:
    """Shape of a field on a grid, with a last axis if facies are read from several numbers."""
    return grid.shape if facies_model is None else facies_model.field_shape(grid.shape)


def _say_model(model: AbstractFaciesModel | None) -> str:
    if model is None:
        return "a continuous property"
    return model.describe()
