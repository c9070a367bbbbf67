"""Data that contradict each other, reported before any field is drawn, with how far they are apart.

Facies that are known for certain may contradict each other in one cell. They also bound what other data can be, such as
the share of a facies in a block that holds them; a datum too many standard deviations outside these bounds is refused:
no field that honours the certain data meets it, and draws would hide that. Contradictions that are less obvious,
through the prior or a nonlinear forward model, are reported from the draws (`misfits`).
"""

from collections.abc import Sequence

import numpy as np

from latentinv.data.core import AbstractObservation, CertainFacies, say_point
from latentinv.errors import InputError
from latentinv.priors.core import AbstractFaciesModel


def check_agreement(
    observations: Sequence[AbstractObservation], facies_model: AbstractFaciesModel | None = None
) -> None:
    """Refuse certain data that contradict each other in one cell, or other data that they exclude.

    Raises
    ------
    InputError
        If two data contradict each other; the message names both and says by how much.
    """
    known = _all_certain(observations, facies_model)
    if known is None:
        return
    for observation in observations:
        observation.check_agreement(known)


def _all_certain(
    observations: Sequence[AbstractObservation], facies_model: AbstractFaciesModel | None
) -> CertainFacies | None:
    """The certain facies in all data, each cell once."""
    seen: dict[tuple[int, ...], tuple[int, str]] = {}
    for observation in observations:
        certain = observation.certain_facies()
        if certain is None:
            continue
        for cell, code, name in zip(*certain, strict=True):
            before, other = seen.setdefault(tuple(cell), (code, name))
            if before != code:
                grid, words = observation.grid, [f"facies {one}" for one in (before, code)]
                if facies_model is not None:
                    words = [facies_model.label(one) for one in (before, code)]
                raise InputError(
                    f"At {say_point(grid.centres(cell)[0], grid.axes)} '{other}' shows {words[0]} and '{name}' "
                    f"{words[1]}, both as certain; correct one of them or give an error probability."
                )
    if not seen:
        return None
    codes, names = zip(*seen.values(), strict=True)
    return CertainFacies(np.array(list(seen)), np.array(codes), names)
