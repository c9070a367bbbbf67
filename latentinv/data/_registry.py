"""The kinds of observation: run files name a kind, and this finds the class that reads it back."""

from latentinv.data.core import AbstractObservation

from ._block_means import BlockMeans
from ._hard_data import HardData
from ._indirect import IndirectData

OBSERVATIONS: dict[str, type[AbstractObservation]] = {
    HardData.kind: HardData,
    BlockMeans.kind: BlockMeans,
    IndirectData.kind: IndirectData,
}
