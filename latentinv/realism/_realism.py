"""How closely a prior resembles its training image: distances of statistics, in units of the image's own variation.

A distance between samples is never zero, and shrinks as samples grow, so alone it says nothing. Twice as many patches
of the image as there are fields are split into two halves at random, many times: the mean distance of one half from the
other is the *floor*, what a perfect prior would reach on average; the mean distance of the fields from a half, over the
floor, is one number that says how many times worse than perfect the prior is. Bands come from a bootstrap over fields
(Efron 1979, doi:10.1214/aos/1176344552) and hold 95 % of the distances of resampled fields; resampling adds noise of
the size of the floor, so a band lies a little high where the prior is near it.

There are five groups of statistics: *amounts* (which values occur, and how they vary between fields), *edges* (how long
and how sharp they are), *curves* over lags and wavelengths (how far bodies continue), *texture* (which small windows
occur) and *variety* (whether fields repeat each other). They apply to facies and to continuous properties, in two and
three dimensions; statistics that do not apply to the given images are left out, with a note.

Cost: 1 000 fields of 128 × 128 cells and 2 000 patches take three to four minutes on one core.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Real

from latentinv.errors import InputError

from ._measure import Measure, Sampling, compare
from ._originality import copied_share
from ._patterns import analyse_distances, pattern_histogram, pattern_size
from ._per_image import as_stack
from ._realism_samples import ANALYSED, discrepancy, patterns, variety, wasserstein
from ._realism_statistics import Reading, statistics

GOOD, FAIR = 2.0, 5.0
"""A statistic is called good, or fair, up to this many times the floor."""
TILE = 16
"""Edge in cells of the tiles that are compared between fields."""

Images = Real[np.ndarray, "image *grid"]


class Copied(NamedTuple):
    """Largest share of a field's tiles of 16 cells per axis that another repeats exactly at the same place."""

    fields: float
    image: float
    """The same for as many patches."""


@dataclass(frozen=True)
class Realism:
    """A prior's fields against patches of its training image."""

    measures: tuple[Measure, ...]
    anodi: float
    """Analysis of distance: spread between fields over their distance to the image, over the same for patches."""
    copied: Copied
    """Whether fields repeat pieces of each other."""
    notes: tuple[str, ...]
    """Notes on how images were read and which statistics do not apply to them, one sentence each."""

    def __getitem__(self, name: str) -> Measure:
        """A measure by its name."""
        return {measure.name: measure for measure in self.measures}[name]

    def verdict(self) -> str:
        """One sentence on how good the prior is, and where it is worst."""
        ranked = sorted(self.measures, key=lambda measure: -measure.times_floor)
        good = sum(measure.times_floor <= GOOD for measure in ranked)
        worst = f"{ranked[0].name} at {ranked[0].told} times the floor"
        if good == len(ranked):
            return f"Good: all {good} statistics are within {GOOD:g} times the floor, the farthest {worst}."
        word = "Fair" if ranked[0].times_floor <= FAIR else "Poor"
        return f"{word}: {good} of {len(ranked)} statistics are within {GOOD:g} times the floor; the worst is {worst}."


def measure_realism(fields: Images, patches: Images, facies: int | None, *, seed: int = 0) -> Realism:
    """Compare fields with patches of the training image.

    Parameters
    ----------
    fields
        n fields, ``[image, row, column]`` or ``[image, layer, row, column]``: category indices, or values of a
        continuous property.
    patches
        2n patches of the same shape at independent random places, in the same values.
    facies
        Number of categories; None for a continuous property.
    seed
        Of the splits and resamples.

    Raises
    ------
    InputError
        If there are not twice as many patches as fields, of one shape, fewer than four fields, values that are not
        finite, or a continuous property that does not vary.
    """
    comparison = _Comparison(fields, patches, facies, seed)
    found, notes = [], comparison.notes()
    for name, measure in comparison.measures().items():
        try:
            found.append(measure())
        except InputError as error:
            notes.append(f"Without {name}: {error}")
    return Realism(tuple(found), comparison.anodi(), comparison.copied(), tuple(notes))


def measure_statistics(
    fields: Images, patches: Images, facies: int | None, names: Collection[str], *, seed: int = 0
) -> dict[str, Measure]:
    """Compare fields with patches as `measure_realism` does, but only by the measures named.

    Raises
    ------
    InputError
        If `measure_realism` refuses the images, has no measure of a name, or one does not apply to such images.
    """
    measures = _Comparison(fields, patches, facies, seed).measures()
    unknown = sorted(set(names) - set(measures))
    if unknown:
        raise InputError(f"There is no measure called '{unknown[0]}'; choose among {', '.join(measures)}.")
    return {name: measures[name]() for name in names}


class _Comparison:
    """Fields and patches, checked and read, and the measures that can be taken of them."""

    def __init__(self, fields: Images, patches: Images, facies: int | None, seed: int) -> None:
        fields, patches = as_stack(fields), as_stack(patches)
        if len(patches) != 2 * len(fields) or patches.shape[1:] != fields.shape[1:] or len(fields) < 4:
            raise InputError(
                f"Fields of shape {fields.shape} and patches of shape {patches.shape} were given; expected at least "
                "four fields, and twice as many patches of the same shape."
            )
        self.fields, self.patches, self.seed = fields, patches, seed
        self.reading = Reading.of(patches, facies)
        self.sampling = Sampling.draw(np.random.default_rng(seed), len(fields))

    def measures(self) -> dict[str, Callable[[], Measure]]:
        """The function that takes each measure, by its name, group by group."""
        reading, images = self.reading, (self.fields, self.patches)

        def pooled(number: int) -> Callable[[], Measure]:
            return lambda: compare(chosen[number], *images, self.sampling)

        def drawn(measure: Callable[..., Measure], number: int, **settings: bool) -> Callable[[], Measure]:
            rng = np.random.default_rng([self.seed, number])
            return lambda: measure(rng, *map(reading.pictures, images), **settings)

        chosen = statistics(reading, self.fields.shape[1:])
        return {
            **{statistic.name: pooled(number) for number, statistic in enumerate(chosen)},
            "multiple-point patterns": self._patterns,
            "windows, sliced Wasserstein": drawn(wasserstein, 1),
            "windows, mean discrepancy": drawn(discrepancy, 2),
            "difference between fields": drawn(variety, 3, nearest=False),
            "difference of the most alike": drawn(variety, 4, nearest=True),
        }

    def _patterns(self) -> Measure:
        fields, patches = (self.reading.indices(images) for images in (self.fields, self.patches))
        return patterns(fields, patches, self.reading.facies, self.sampling)

    def notes(self) -> list[str]:
        """How these images are read."""
        notes = []
        if self.fields.ndim == 4:
            notes.append("Local binary patterns and oriented gradients are those of the layers.")
        if self.reading.median is None:
            notes.append(
                "Without neighbour differences and steps at edges, which facies codes do not have; total variation and "
                "variogram show roughness."
            )
        else:
            notes.append(
                f"Values are scaled so that {self.reading.low:.3g} to {self.reading.high:.3g} becomes 0 to 1; "
                "connectivity, two-point probability, Euler number, patterns and steps at edges are those of cells "
                f"above the image's median, {self.reading.median:.3g}."
            )
        return notes

    def anodi(self) -> float:
        """Analysis of distance of the fields over that of patches."""
        few = min(ANALYSED, len(self.fields))
        fields, (first, second) = self.reading.indices(self.fields), np.split(self.reading.indices(self.patches), 2)
        settings = pattern_size(self.reading.facies, fields.shape[1:])
        target = pattern_histogram(second, **settings)
        ratios = [
            analyse_distances(pattern_histogram(images[:few], **settings), target).ratio() for images in (fields, first)
        ]
        return ratios[0] / ratios[1]

    def copied(self) -> Copied:
        """Repeated tiles between fields, and between patches."""
        tile = min(TILE, *self.fields.shape[1:])
        return Copied(
            *(float(copied_share(images, tile).max()) for images in (self.fields, np.split(self.patches, 2)[0]))
        )
