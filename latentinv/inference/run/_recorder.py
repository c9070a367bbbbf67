"""The record of a run so far: held in memory, or written to the run file at each checkpoint."""

from typing import Any

import numpy as np

from latentinv.inference.core import draw_tables, no_draws
from latentinv.posterior import Posterior
from latentinv.storage import RunFile


class RunRecorder:
    """Trace rows and draws of a run.

    Parameters
    ----------
    posterior
        What is explored.
    store
        The file that takes over what is saved; without it everything stays in memory.
    """

    def __init__(self, posterior: Posterior, store: RunFile | None) -> None:
        self._posterior, self._store = posterior, store
        self._rows: list[dict[str, np.ndarray]] = []
        self._blocks: list[dict[str, np.ndarray]] = []

    def take_over(self, file: RunFile) -> None:
        """Keep in memory what a file holds, which another process advances."""
        trace = file.trace()
        self._rows = [{name: column[n] for name, column in trace.items()} for n in range(file.steps)]
        if file.draw_count:
            self._blocks = [{name: file.draws(name) for name in file.draw_names()}]

    def add_row(self, row: dict[str, np.ndarray]) -> None:
        """Add a step's row of the trace."""
        self._rows.append(row)

    def add_draws(self, tables: dict[str, np.ndarray]) -> None:
        """Add tables of draws; tables without rows are left out."""
        if len(tables["latents"]):
            self._blocks.append(tables)

    @property
    def pending_bytes(self) -> int:
        """Memory of the draws that are not in the file yet."""
        return sum(table.nbytes for block in self._blocks for table in block.values())

    def save(
        self,
        state: Any,
        steps: int,
        *,
        finished: bool = False,
        message: str = "",
        results: dict[str, Any] | None = None,
        seconds: float = 0.0,
        done: float = 0.0,
    ) -> None:
        """Write everything to the file, which the run must have; see `RunFile.checkpoint`."""
        assert self._store is not None
        blocks = {name: self._joined(name) for name in self._blocks[0]} if self._blocks else None
        self._store.checkpoint(
            state,
            steps=steps,
            trace_rows=self._rows,
            draws=blocks,
            finished=finished,
            message=message,
            results=results,
            seconds=seconds,
            done=done,
        )
        self._rows, self._blocks = [], []

    def trace(self) -> dict[str, np.ndarray]:
        """All columns of the trace."""
        columns = self._store.trace() if self._store is not None else {}
        for name in self._rows[0] if self._rows else ():
            column = np.stack([row[name] for row in self._rows])
            columns[name] = np.concatenate([columns[name], column]) if name in columns else column
        return columns

    def tables(self) -> dict[str, np.ndarray]:
        """All draws, by the names of their tables."""
        if not self.draw_count:
            return draw_tables(self._posterior, no_draws(self._posterior))
        names = self._blocks[0] if self._blocks or self._store is None else self._store.draw_names()
        return {name: self.table(name) for name in names}

    def table(self, name: str) -> np.ndarray:
        """One table of all draws, of which there is at least one."""
        stored = [self._store.draws(name)] if self._store is not None and self._store.draw_count else []
        parts = stored + [block[name] for block in self._blocks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @property
    def draw_count(self) -> int:
        """Number of draws so far, in the file or not."""
        stored = 0 if self._store is None else self._store.draw_count
        return stored + sum(len(block["latents"]) for block in self._blocks)

    def _joined(self, name: str) -> np.ndarray:
        return np.concatenate([block[name] for block in self._blocks])
