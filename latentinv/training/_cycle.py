"""An unpaired translation, learned by two adversaries and the way back: CycleGAN (Zhu, Park, Isola and Efros 2017,
doi:10.1109/ICCV.2017.244, arXiv:1703.10593).

One translator puts fields of a source, another prior, which draws new ones in every step, into the style of the
training image; another puts patches of the image into the style of the source. For each style a discriminator compares
what is told with what there is. Nothing is paired, so nothing yet says that a translation keeps anything of its field.
Two losses do: what is translated there and back is to be the same again (*cycle*), and cells are to keep their facies
where the style allows it (*content*, which takes the place of the published identity loss); both are shares of cells.

Otherwise than published, fields are facies, of which every second is shown as it would be read: so translators also
serve fields of simulators, and cannot hide in small differences of levels what the way back would need. Networks are
small, see no padding and have no instance norm; discriminators are normalised by their spectrum and shown the newest
translations alone, without a history.
"""

from pathlib import Path
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.networks import TranslatorArchitecture, channels_of
from latentinv.priors import load_prior
from latentinv.priors.core import AbstractFaciesModel, AbstractPrior, UnorderedFaciesModel
from latentinv.priors.learned import Calibration, CyclePrior, source_facies
from latentinv.training.images import TrainingImage

from ._cycle_step import BACK, THERE, CycleLosses, CycleState, initial_cycle, make_step
from ._judge import judge_of
from ._method import METHODS, AbstractMethod, Task


@final
@METHODS.register("cycle")
class CycleMethod(AbstractMethod):
    """Two translators, and a discriminator of each style."""

    def __init__(self, task: Task) -> None:
        self.task = task
        recipe, image = task.recipe, task.image
        settings, ndim = recipe.cycle, image.facies.ndim
        self.source = source_of(str(settings.source), recipe.folder)
        model = source_facies(self.source, ndim)
        stands = stands_of(settings.facies, model, image)
        fine, coarse = settings.widths
        count = len(image.categories)
        self.architecture = TranslatorArchitecture(ndim, stands, count, (fine, coarse), settings.dilations)
        judges = [judge_of(recipe.networks, ndim, channels_of(n)) for n in (count, len(stands))]
        self._fingerprint = np.frombuffer(bytes.fromhex(self.source.fingerprint()), np.uint8).astype(np.int32)
        graphs, self._first = initial_cycle(
            recipe, self.architecture, (judges[0], judges[1]), jnp.asarray(self._fingerprint)
        )
        self._source_there = self.source.on(Grid(recipe.training.patch))
        self._step = compiled(make_step(recipe, self.architecture, graphs), of_networks=True, donate_argnums=0)
        self._checked = False

    def initial_state(self) -> CycleState:
        """Translators that keep all cells, and random discriminators."""
        return self._first

    def step(
        self, state: CycleState, patches: Float[Array, "batch *patch channel"], rate: float
    ) -> tuple[CycleState, CycleLosses]:
        """A step of all four networks; `InputError` if the source is not the one with which the training began."""
        if not self._checked and not np.array_equal(state.source, self._fingerprint):
            raise InputError(
                f"The source {self.task.recipe.cycle.source} has changed since this training began; restore the "
                "original prior."
            )
        self._checked = True
        return self._step(state, self._source_there, patches, rate)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> CyclePrior:
        """The source, and both translators."""
        there, back = parameters[THERE], parameters[BACK]
        return CyclePrior(self.architecture, self.source, there, back, calibration, provenance=provenance)


def source_of(name: str, folder: Path) -> AbstractPrior:
    """The prior that a recipe names: a shipped one, or a file beside the recipe."""
    try:
        return load_prior(folder / name if Path(name).suffix else name)
    except (InputError, StorageError) as error:
        raise type(error)(f"The recipe has source = {name!r} in [cycle]. {error}") from error


def stands_of(stated: dict[str, int | str], model: AbstractFaciesModel, image: TrainingImage) -> tuple[int, ...]:
    """For each facies of a source the position of the image's that it stands for: the same, unless it is stated.

    Raises
    ------
    InputError
        If a facies of the source is left out or unknown, or one of the image has none that stands for it.
    """
    target = UnorderedFaciesModel(image.categories, image.names)
    if not stated:
        if len(model.categories) != len(target.categories):
            raise InputError(
                f"The source has the facies {model.listed()}, and the image {target.listed()}, so that they do not "
                "stand for each other by their order; state facies in [cycle], such as facies = {0 = 0, 1 = 1, 2 = 1}."
            )
        return tuple(range(len(model.categories)))
    try:
        pairs = {model.code(_code(key)): target.categories.index(target.code(value)) for key, value in stated.items()}
    except InputError as error:
        raise InputError(
            f"The recipe has facies = {stated} in [cycle]; the source has {model.listed()}, and the image "
            f"{target.listed()}: give these by their codes or names."
        ) from error
    lacking = [code for code in model.categories if code not in pairs]
    unmet = [code for n, code in enumerate(target.categories) if n not in pairs.values()]
    if lacking or unmet or len(pairs) < len(stated):
        raise InputError(
            f"The recipe has facies = {stated} in [cycle]; the source has {model.listed()}, and the image "
            f"{target.listed()}: give each of the source's once, so that each of the image's has at least one that "
            "stands for it."
        )
    return tuple(pairs[code] for code in model.categories)


def _code(text: str) -> int | str:
    return int(text) if text.removeprefix("-").isdecimal() else text
