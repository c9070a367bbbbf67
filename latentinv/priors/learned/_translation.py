"""A field of one style translated into the style of a sequential prior, through a coarse map that both styles share.

The coarse map of a field has one facies for each block of cells: the first, in the prior's order, that any cell of the
block has. The prior makes this map finer again, in the style of its own image. Nothing is trained for it, and no field
of one style is ever compared with one of the other: the map is all that they share, by rule. So a translation has the
map of its field, and a translation back, by a prior of the same order and blocks, has it too; what lies within blocks
is drawn anew each way. A network that is trained for a pair of styles, from unpaired images (`_cycle.py`), chooses by
itself what it keeps, promises a cycle only as far as its loss is small, and makes one translation of a field.

Larger blocks leave more to the style of the prior, smaller ones keep more of the field, its style included.

Cost: a coarse map is one pass over the cells; a translation costs what a field of the prior costs.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int, Shaped

from latentinv.errors import InputError
from latentinv.networks import facies_of_blocks
from latentinv.priors.core import AbstractFaciesModel, AbstractPrior

from ._conditional import KnownCells
from ._honoured_cells import block_sizes
from ._known_blocks import BLOCKS, EDGES, by, edges_of_blocks
from ._sequential import SequentialPrior

Stands = Mapping[int, int | str]
"""For each facies code of a field the facies of the prior that it stands for, by code or name."""


def coarse_map(
    prior: AbstractPrior,
    realization: Shaped[np.ndarray, "*grid"],
    block_edges: int | Sequence[int] | None = None,
    *,
    facies: Stands | None = None,
    wells: Sequence[KnownCells] = (),
) -> Float[np.ndarray, "*block"]:
    """The coarse map of a field, in facies of a prior that can make it finer.

    Parameters
    ----------
    prior
        A sequential prior that draws blocks.
    realization
        Facies codes in the cells of a grid, of any origin; NaN where a cell is not known.
    block_edges
        Cells of a block, along each axis or all: one of the sizes that the prior draws, the largest unless given.
    facies
        For each code of the field the facies of the prior, by code or name; the codes are the prior's own unless given.
    wells
        What is known better than the field: hard data of the prior (`latentinv.HardData`). Where they are certain and
        contradict the field, they count.

    Returns
    -------
    Facies codes of the prior, from the first cell of the grid on; NaN where cells that are not known leave a block
    open. A block that reaches beyond the end of the grid has what its cells within the grid tell.

    Raises
    ------
    InputError
        If the prior draws no blocks, or none of this size; the field has other axes than the prior, no cell, or a
        facies that stands for none of the prior's; or the wells lie on another grid.
    """
    target = _with_blocks(prior)
    assert target.facies_model is not None
    net, edges = target.architecture, _edges(target, block_edges)
    given = np.asarray(realization, float)
    if given.ndim != net.ndim or not given.size:
        raise InputError(
            f"The field has the shape {given.shape}, and the prior {net.ndim} axes; give facies codes of a grid with "
            "as many."
        )
    index = facies_indices(given, target.facies_model, facies)
    for one in wells:
        index = _with_wells(index, one, target.facies_model)
    # What is copied beyond the end of the grid lies in the same blocks, so it tells nothing new.
    whole = np.pad(index, [(0, -n % edge) for n, edge in zip(index.shape, edges, strict=True)], mode="edge")
    blocks = facies_of_blocks(whole, net.order, edges)
    return np.where(blocks >= 0, np.asarray(target.facies_model.categories)[blocks], np.nan)


def translation_prior(
    prior: AbstractPrior,
    realization: Shaped[np.ndarray, "*grid"],
    block_edges: int | Sequence[int] | None = None,
    *,
    facies: Stands | None = None,
    wells: Sequence[KnownCells] = (),
) -> SequentialPrior:
    """The prior whose fields are translations of a field into its style: each has the field's coarse map.

    Condition it to the wells, too, so that its draws honour them; `wells` only changes the map where they contradict
    the field.

    Parameters
    ----------
    prior, realization, block_edges, facies, wells
        As for `coarse_map`, which says what is refused.
    """
    blocks, target = coarse_map(prior, realization, block_edges, facies=facies, wells=wells), _with_blocks(prior)
    return target.given(**{BLOCKS: blocks, EDGES: _edges(target, block_edges)})


def _with_blocks(prior: AbstractPrior) -> SequentialPrior:
    if not isinstance(prior, SequentialPrior) or not prior.architecture.blocks:
        raise InputError(
            f"The prior is of family '{prior.family}' and draws no blocks, so it cannot make a coarse map finer; give "
            "a sequential prior that does, such as 'strebelle'."
        )
    return prior


def _edges(prior: SequentialPrior, block_edges: int | Sequence[int] | None) -> tuple[int, ...]:
    net = prior.architecture
    return block_sizes(net)[0] if block_edges is None else edges_of_blocks(block_edges, net)


def facies_indices(
    codes: Float[np.ndarray, "*grid"], model: AbstractFaciesModel, facies: Stands | None
) -> Int[np.ndarray, "*grid"]:
    """Positions among the prior's facies, −1 where a cell is not known."""
    stands = {code: code for code in model.categories} if facies is None else facies
    index, known = np.full(codes.shape, -1), np.isfinite(codes)
    for code in np.unique(codes[known]).tolist():
        if code not in stands:
            raise InputError(
                f"The field has facies {code:g}, but is read with {', '.join(map(str, stands))}; say which one "
                f"{code:g} stands for, of {model.listed()}."
            )
        index[codes == code] = model.categories.index(model.code(stands[int(code)]))
    return index


def _with_wells(
    index: Int[np.ndarray, "*grid"], wells: KnownCells, model: AbstractFaciesModel
) -> Int[np.ndarray, "*grid"]:
    if wells.grid.shape != index.shape:
        raise InputError(
            f"The wells lie on a grid of {by(wells.grid.shape)} cells, but the field has {by(index.shape)}; place them "
            "on its grid."
        )
    sure, better = np.asarray(wells.error_probability) == 0, index.copy()
    seen = [model.categories.index(model.code(int(code))) for code in wells.codes[sure]]
    better[tuple(np.asarray(wells.cells)[sure].T)] = seen
    return better
