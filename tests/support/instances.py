"""Ordinary classes of all kinds, and the names of the forms of messages."""

import abc
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar

NATIVE, MIXED, INSTANCES = 1, 2, 3


class Plain:
    """An ordinary class; its instances are keys by their identity."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Child(Plain):
    """A subclass, with a property and a method."""

    kind = "child"

    @property
    def first(self) -> Any:
        return next(iter(self.__dict__.values()), None)


@dataclass
class Point:
    """A plain data class."""

    x: Any = None
    y: Any = None


@dataclass
class Counted:
    """Its constructor must not be called again."""

    made: ClassVar[int] = 0
    x: int
    scale: InitVar[int] = 1
    y: int = field(init=False, default=0)

    def __post_init__(self, scale: int) -> None:
        type(self).made += 1
        self.y = self.x * scale


@dataclass(frozen=True)
class Frozen:
    """Hashable by value, and read-only."""

    x: Any = None
    y: Any = None


@dataclass(slots=True)
class Slotted:
    """With slots, in an order that differs from their order in memory."""

    second: Any = None
    first: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSlotted:
    """With slots, frozen: dataclasses provides the methods for its state."""

    second: Any = None
    first: Any = None
    limit: ClassVar[int] = 3


@dataclass(slots=True)
class MoreSlots(Slotted):
    """Has slots of its own and inherited ones."""

    third: Any = None


class Bare:
    """Has slots, some of which are not set, one of them private."""

    __slots__ = ("__private", "__weakref__", "left", "number", "right")

    def __init__(self, **attributes: Any) -> None:
        self.__private = attributes.pop("private", None)
        for name, value in attributes.items():
            setattr(self, name, value)

    def private(self) -> Any:
        return self.__private


class OneSlot:
    """Its slot is a plain str."""

    __slots__ = "only"


class Nothing:
    """Has no state."""

    __slots__ = ()


class Abstract(abc.ABC):
    """With another metaclass."""

    @abc.abstractmethod
    def answer(self) -> Any: ...


class Concrete(Abstract):
    """Derived from an abstract class."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def answer(self) -> Any:
        return self.value


class Parametrized[T]:
    """Generic."""

    def __init__(self, value: T) -> None:
        self.value = value


class Outer:
    """Has a class in it."""

    @dataclass
    class Inner:
        """Has a dotted name."""

        value: Any = None


def with_attributes(cls: Any, **attributes: Any) -> Any:
    """An instance created without its constructor."""
    made = cls.__new__(cls)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made
