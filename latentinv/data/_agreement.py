"""Data that contradict each other before any field is drawn, named with how far they are apart.

Certain wells may contradict each other in one cell. They also bound the share of a facies in a block that holds them,
and a block mean too many standard deviations outside these bounds is refused: no field that honours the wells meets it,
and draws would hide that. What contradicts in less plain a way, through the prior or a forward model, is told of the
draws (`failures`).
"""

from collections.abc import Sequence

import numpy as np

from latentinv.data.core import AbstractObservation, say_box, say_point
from latentinv.errors import InputError

from ._block_means import BlockMeans
from ._hard_data import HardData

MOST_SD = 6.0
"""Standard deviations from what the wells allow, of which a Gaussian error has a chance of 1e-9."""
Seen = dict[tuple[int, ...], tuple[int, str]]
"""By cell, the facies seen there for certain, and the name of the data."""


def check_agreement(observations: Sequence[AbstractObservation]) -> None:
    """Refuse certain wells that contradict each other in one cell, or the mean of a block that holds them.

    Raises
    ------
    InputError
        If two data do; the sentence names both and says by how much.
    """
    seen = _certain(observations)
    if not seen:
        return
    for blocks in observations:
        if isinstance(blocks, BlockMeans) and blocks.facies is not None:
            _check_blocks(blocks, seen)


def _certain(observations: Sequence[AbstractObservation]) -> Seen:
    seen: Seen = {}
    for wells in (o for o in observations if isinstance(o, HardData)):
        for cell, code, error in zip(wells.cells, wells.codes, wells.error_probability, strict=True):
            if error > 0:
                continue
            before, name = seen.setdefault(tuple(cell), (code, wells.name))
            if before != code:
                raise InputError(
                    f"At {say_point(wells.grid.centres(cell)[0])} '{name}' shows facies {before} and '{wells.name}' "
                    f"facies {code}, both as certain; correct one of them or give an error probability."
                )
    return seen


def _check_blocks(blocks: BlockMeans, seen: Seen) -> None:
    assert blocks.facies is not None
    cells = np.ravel_multi_index(np.array(list(seen)).T, blocks.grid.shape)
    codes = np.array([code for code, _ in seen.values()])
    for i, facies in enumerate(blocks.facies):
        weights = blocks.weights[i, cells].astype(float)
        least, most = weights[codes == facies].sum(), 1 - weights[codes != facies].sum()
        mean, sd = blocks.mean[i], blocks.sd[i]
        beyond = max(least - mean, mean - most) / sd
        if beyond <= MOST_SD:
            continue
        bound = f"at least {least:.3g}" if mean < least else f"at most {most:.3g}"
        names = ", ".join(dict.fromkeys(f"'{name}'" for (_, name), w in zip(seen.values(), weights, strict=True) if w))
        raise InputError(
            f"Block {i + 1} of '{blocks.name}' ({say_box(blocks.lower[i], blocks.upper[i])}) has a share {mean:.3g} ± "
            f"{sd:.2g} of facies {facies}, but the certain wells of {names} in it leave {bound}, {beyond:.0f} sd away; "
            "correct one of them, raise the sd or give the wells an error probability."
        )
