"""Registries: the parts of one kind, such as samplers or image formats, each registered where it is defined.

A decorator at the class or function enters it under its name:

    ALGORITHMS = Registry[type[AbstractAlgorithm]]("algorithm", rooms=("latentinv.inference",))

    @ALGORITHMS.register("walk")
    class Walk(AbstractAlgorithm): ...

At first use a registry imports all modules of its packages, and then the entry points that other packages declare in
the group ``latentinv.KIND`` (here ``latentinv.algorithm``). So a new sampler is one file, in this package or
in another one. Help texts, tables of the documentation and tests read the registry.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar, final

from latentinv.errors import InputError

Part = TypeVar("Part")
Registered = TypeVar("Registered")


@final
class Registry(Mapping[str, Part], Generic[Part]):
    """Parts of one kind by name, in alphabetical order.

    Parameters
    ----------
    kind
        What they are, in words and as the entry-point group ``latentinv.KIND``, with underscores for blanks.
    rooms
        Packages whose modules register parts.
    """

    def __init__(self, kind: str, *, rooms: tuple[str, ...]) -> None:
        self.kind, self._rooms = kind, rooms
        self._parts: dict[str, Part] = {}
        self._complete = False

    def register(self, name: str) -> Callable[[Registered], Registered]:
        """Enter a class or function under a name.

        Raises
        ------
        ValueError
            If another one has this name.
        """

        def enter(part: Registered) -> Registered:
            other = self._parts.get(name)
            if other is not None and _place(other) != _place(part):
                raise ValueError(f"There are two {self.kind}s called '{name}', {_place(other)} and {_place(part)}.")
            self._parts[name] = part  # type: ignore[assignment]
            return part

        return enter

    def __getitem__(self, name: str) -> Part:
        if name not in self._parts:
            self._find_all()
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        self._find_all()
        return iter(sorted(self._parts))

    def __len__(self) -> int:
        self._find_all()
        return len(self._parts)

    def _find_all(self) -> None:
        if self._complete:
            return
        self._complete = True  # first, since the modules may look in here while they are imported
        for room in self._rooms:
            package = importlib.import_module(room)
            for module in pkgutil.walk_packages(package.__path__, f"{room}."):
                importlib.import_module(module.name)
        for point in entry_points(group=f"latentinv.{self.kind.replace(' ', '_')}"):
            point.load()


def _place(part: object) -> str:
    return f"{getattr(part, '__module__', '?')}.{getattr(part, '__qualname__', part)}"


def format_by_ending(path: str | Path, *registries: Registry[Any], also: tuple[str, ...] = ()) -> Any:
    """Find the registered format of a file's ending.

    Parameters
    ----------
    path
        The file.
    registries
        Of formats that list their `endings`.
    also
        Endings that the caller writes by other means, for the message.

    Raises
    ------
    InputError
        If the ending is unknown.
    """
    known = {ending: form for registry in registries for form in registry.values() for ending in form.endings}
    ending = Path(path).suffix.lower()
    if ending not in known:
        raise InputError(f"{path} has an unsupported file extension; use one of {', '.join((*also, *sorted(known)))}.")
    return known[ending]
