"""Static parts of pytrees that are compared by identity: functions, simulators and other objects of the user."""

from typing import Any, final


@final
class ByIdentity:
    """An object as a static part of a pytree, equal to itself alone, whatever its own ``==`` says.

    Parameters
    ----------
    value
        Any object; it need not be hashable.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByIdentity) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)
