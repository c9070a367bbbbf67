"""The image of a recipe: a file, or one of our own simulators, with the auxiliary maps beside it."""

import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latentinv.errors import InputError, StorageError
from latentinv.io import NUMBER, SEED, checked, one_of, rules_of, several, whole
from latentinv.io.images import usual_first_row
from latentinv.priors.core import PROPORTIONS
from latentinv.priors.learned import AZIMUTH, BLOCKS, EDGES, WELLS
from latentinv.training.images import (
    AuxiliaryMap,
    ChannelSimulator,
    FlowlineSimulator,
    TrainingImage,
    coarsen,
    read_auxiliary_map,
    read_training_image,
)

from ._recipe_tables import RecipeImage, RecipeTraining

SIMULATORS: dict[str, type[ChannelSimulator] | type[FlowlineSimulator]] = {
    "channels": ChannelSimulator,
    "flowlines": FlowlineSimulator,
}
"""By the kind that a recipe names."""
KIND = "kind"
"""Key of a simulator's kind; of channels if it is left out."""
TAKEN = (PROPORTIONS, WELLS, BLOCKS, EDGES)
"""Other conditions of priors that see maps."""


def load_image(image: RecipeImage, folder: Path) -> TrainingImage:
    """Read or simulate the training image, coarsened by the recipe's factor; see `Recipe.load_image`."""
    if image.simulator is not None:
        parameters = dict(image.simulator)
        kind, shape, seed = (parameters.pop(name) for name in (KIND, "shape", "seed"))
        found = SIMULATORS[kind](**parameters).as_training_image(seed, shape)
    else:
        path = find_image(str(image.file), folder)
        settings: dict[str, Any] = {
            name: getattr(image, name) for name in ("key", "continuous", "first_row", "missing", "classes")
        }
        found = read_training_image(path, **settings)
        shape = found.facies.shape
        maps = (_read_map(name, told, image, shape, folder) for name, told in image.maps.items())
        found = found.with_maps(tuple(maps))
    found = found.named(image.names) if image.names else found
    return coarsen(found, image.coarsen) if image.coarsen > 1 else found


def _read_map(
    name: str, told: str | dict[str, str], image: RecipeImage, shape: tuple[int, ...], folder: Path
) -> AuxiliaryMap:
    named = {"file": told} if isinstance(told, str) else told
    path = find_image(named["file"], folder, f"map {name}")
    first_row: Any = named.get("first_row")
    if first_row is None and image.first_row not in (None, usual_first_row(path)):
        raise InputError(
            f"The image's first_row is {image.first_row!r}, and that of the map {name} is not told; give it, as in "
            f'{name} = {{file = "{named["file"]}", first_row = "{image.first_row}"}}.'
        )
    return read_auxiliary_map(path, name, shape, key=named.get("key"), first_row=first_row, missing=image.missing)


def find_image(name: str, folder: Path, what: str = "training image") -> Path:
    """Find the file of a training image or of a map, beside the recipe or in ``$LATENTINV_DATA/training_images``."""
    places = [folder / name]
    if "LATENTINV_DATA" in os.environ:
        places += [Path(os.environ["LATENTINV_DATA"]) / "training_images" / name]
    for place in places:
        if place.exists():
            return place
    raise StorageError(
        f"The {what} {name} is neither in its place ({places[0]}) nor in $LATENTINV_DATA/training_images; "
        "put it there or set LATENTINV_DATA."
    )


def checked_image(table: Mapping[str, Any]) -> RecipeImage:
    """The table of the image, with that of its simulator."""
    image = RecipeImage(**checked("image", table, rules_of(RecipeImage)))
    if image.simulator is None:
        return image
    named = {KIND: "channels", **image.simulator}
    kind = named[KIND]
    fields = dataclasses.fields(SIMULATORS[kind]) if isinstance(kind, str) and kind in SIMULATORS else ()
    rules = {
        KIND: one_of(tuple(SIMULATORS)),
        "shape": several(whole(1), (2,), "rows and columns such as [1500, 1500]"),
        "seed": SEED,
        **{item.name: NUMBER for item in fields},
    }
    return dataclasses.replace(image, simulator=checked("image.simulator", named, rules))


def check_image(image: RecipeImage, training: RecipeTraining) -> None:
    """Refuse keys of an image that contradict one another, or its patches."""
    patch = training.patch
    if (image.file is None) == (image.simulator is None):
        raise InputError("The recipe's [image] needs either a file or a simulator table; give exactly one of them.")
    if image.simulator is not None and not {"shape", "seed"} <= set(image.simulator):
        raise InputError("The recipe's [image.simulator] lacks 'shape' or 'seed'; give both.")
    for name in ("key", "first_row", "missing", "classes", "maps"):
        value = getattr(image, name)
        if image.simulator is not None and value is not None and value != {}:
            raise InputError(f"The recipe has {name} = {value!r} but no file to which it could apply; leave it out.")
    of_facies = (image.simulator, image.names, training.edge_width, training.patterns)
    if image.continuous and any(of_facies):
        raise InputError(
            "The recipe has continuous = true, but simulator, names, edge_width and patterns are for facies; leave "
            "them out."
        )
    if len(set(image.flips)) < len(image.flips) or any(axis >= len(patch) for axis in image.flips):
        raise InputError(
            f"The recipe has flips = {list(image.flips)} in [image]; expected different axes of the patch, which has "
            f"{len(patch)}: 0 to {len(patch) - 1}."
        )
    for name in image.maps:
        if name in TAKEN or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise InputError(
                f"A map of the image is called {name!r}; give a name of letters, digits and _, other than "
                f"{', '.join(TAKEN)}."
            )
        if name.lower() == AZIMUTH != name:
            raise InputError(f"A map of the image is called {name!r}; write {AZIMUTH!r} if it is of directions.")
