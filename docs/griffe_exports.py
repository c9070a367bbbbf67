"""Tell the reference which names of a package are public: those imported as ``from ._x import Y as Y``."""

import ast
from typing import Any

import griffe


class Exports(griffe.Extension):
    """Marks what a package's ``__init__`` imports under its own name as public."""

    def on_module(self, *, mod: griffe.Module, **others: Any) -> None:
        """Mark the names of a package."""
        if not mod.is_init_module:
            return
        for node in ast.parse("\n".join(mod.lines)).body:
            if isinstance(node, ast.ImportFrom):
                for name in (alias.asname for alias in node.names if alias.asname == alias.name):
                    if name in mod.members:
                        mod.members[name].public = True
