"""Where a learned prior comes from."""

import json
from typing import Any


class Provenance:
    """Provenance of a prior, as JSON text; all are equal, because compiled programs do not depend on it."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.text = json.dumps(content)

    @property
    def content(self) -> dict[str, Any]:
        """A copy of it."""
        content: dict[str, Any] = json.loads(self.text)
        return content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Provenance)

    def __hash__(self) -> int:
        return hash(Provenance)
