"""The algorithms by name. What is not listed here cannot be chosen, stored or resumed, and what is listed is tested."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from latentinv.errors import InputError

from ._algorithm import AbstractAlgorithm
from ._checks import check_flags
from ._completion import Completion
from ._dream import DREAM
from ._elliptical_slice import EllipticalSlice
from ._es_mda import ESMDA
from ._hmc import HMC
from ._laplace import Laplace
from ._mala import MALA
from ._multistart_map import MultistartMAP
from ._nuts import NUTS
from ._parallel_tempering import ParallelTempering
from ._pcn import PreconditionedCrankNicolson
from ._randomised_maximum_likelihood import RandomisedMaximumLikelihood
from ._stein import SteinVariational
from ._tempered_smc import TemperedSMC
from ._variational import Variational

ALGORITHMS: dict[str, type[AbstractAlgorithm]] = {
    TemperedSMC.name: TemperedSMC,
    MultistartMAP.name: MultistartMAP,
    Completion.name: Completion,
    ESMDA.name: ESMDA,
    RandomisedMaximumLikelihood.name: RandomisedMaximumLikelihood,
    Laplace.name: Laplace,
    SteinVariational.name: SteinVariational,
    Variational.name: Variational,
    PreconditionedCrankNicolson.name: PreconditionedCrankNicolson,
    EllipticalSlice.name: EllipticalSlice,
    MALA.name: MALA,
    HMC.name: HMC,
    NUTS.name: NUTS,
    ParallelTempering.name: ParallelTempering,
    DREAM.name: DREAM,
}


def make_algorithm(name: str, options: dict[str, Any]) -> AbstractAlgorithm:
    """Make an algorithm from its name and settings.

    Raises
    ------
    InputError
        If there is no such algorithm, it has no such setting, or not with such a value.
    """
    default_settings(name, options)
    algorithm = ALGORITHMS[name](**options)
    check_flags(algorithm)
    return algorithm


def default_settings(name: str, named: Iterable[str] = ()) -> dict[str, Any]:
    """Settings that an algorithm has, with their defaults.

    Parameters
    ----------
    name
        The algorithm's.
    named
        Settings that it is expected to have.

    Raises
    ------
    InputError
        If there is no such algorithm, or it has no such setting.
    """
    if not isinstance(name, str) or name not in ALGORITHMS:
        raise InputError(f"There is no algorithm called '{name}'; choose one of {', '.join(ALGORITHMS)}.")
    defaults = {field.name: field.default for field in dataclasses.fields(ALGORITHMS[name])}  # type: ignore[arg-type]
    for setting in named:
        if setting not in defaults:
            known = ", ".join(f"{key} ({str(default).lower()})" for key, default in defaults.items())
            raise InputError(f"The algorithm '{name}' has no setting '{setting}'; it has, with defaults, {known}.")
    return defaults
