"""Pictures of priors, and of what is made with them, as notebooks show them.

What draws lies above what is drawn, so drawing functions are registered, and found at first use:

    @PICTURES.register("prior")
    def prior_picture(prior, grid, draws, seed): ...  # a PNG
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from latentinv.html import Html, tag
from latentinv.registration import Registry
from latentinv.storage import atomic_file

PICTURES = Registry[Callable[..., bytes]]("picture", rooms=("latentinv.plotting",))
"""Functions that draw a PNG: of a ``prior``, a ``run`` in small, an ``overview`` of a run."""


@final
@dataclass(frozen=True, repr=False)
class Picture:
    """A picture, which notebooks show."""

    png: bytes

    def __repr__(self) -> str:
        return f"Picture of {len(self.png)} bytes; save it with .save('picture.png')"

    def _repr_png_(self) -> bytes:
        return self.png

    def save(self, path: str | Path) -> None:
        """Write the picture as a PNG; a file there is replaced.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        with atomic_file(path) as file:
            file.write(self.png)


def picture_of(kind: str, *subject: Any, **settings: Any) -> Picture:
    """Draw a picture of a registered kind."""
    return Picture(PICTURES[kind](*subject, **settings))


def inlined(kind: str, *subject: Any, alt: str, **settings: Any) -> Html | None:
    """A small picture inside HTML, or None where it cannot be drawn: an object is shown in whatever state it is."""
    try:
        png = PICTURES[kind](*subject, **settings)
    except Exception:
        return None
    return tag("img", src=f"data:image/png;base64,{base64.b64encode(png).decode()}", alt=alt, style="max-width:34em")
