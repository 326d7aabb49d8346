"""Classes whose instances the tests send across."""

import enum
import sys
import types
from collections import namedtuple
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from aiointerpreters import interpreter
from support import work


@dataclass
class Point:
    """A plain data class."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class FrozenPoint:
    """Frozen, with slots, hashable."""

    x: float
    y: float


@dataclass
class Box:
    """Holds any object."""

    items: Any = field(default_factory=list)


class Color(enum.Enum):
    """An enumeration."""

    RED = 1
    GREEN = 2


class Access(enum.Flag):
    """A flag enumeration."""

    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    """Members are ints."""

    LOW = 1
    HIGH = 2


class Named(NamedTuple):
    """A typed named tuple."""

    name: str
    value: int


Pair = namedtuple("Pair", ["first", "second"])


class TaggedList(list[Any]):
    """A list with an attribute."""

    def __init__(self, items: Any = (), label: str = "") -> None:
        super().__init__(items)
        self.label = label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaggedList) and list(self) == list(other) and self.label == other.label

    __hash__ = None


class MyDict(dict[Any, Any]):
    """A dict of another type."""


class MyInt(int):
    """An int of another type."""


class MyStr(str):
    """A str of another type."""

    __slots__ = ()


class MyBytes(bytes):
    """A bytes of another type."""


class MyTuple(tuple[Any, ...]):
    """A tuple of another type."""

    __slots__ = ()


class MySet(set[Any]):
    """A set of another type."""


class MyFloat(float):
    """A float of another type."""

    __slots__ = ()


class Node:
    """May refer to itself."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.next: Node | None = None


class Slotted:
    """Has slots, no dict."""

    __slots__ = ("left", "right")

    def __init__(self, left: Any, right: Any) -> None:
        self.left = left
        self.right = right

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slotted) and (self.left, self.right) == (other.left, other.right)

    __hash__ = None  # type: ignore[assignment]


class WithState:
    """Decides itself how it is pickled."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.cache: list[int] | None = [value] * 3

    def __getstate__(self) -> dict[str, Any]:
        return {"value": self.value}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.value = state["value"]
        self.cache = None


class Singleton:
    """Pickles as a name."""

    def __reduce__(self) -> str:
        return "THE_ONE"


THE_ONE = Singleton()


class FailsToPickle:
    """Raises while it is pickled."""

    def __reduce__(self) -> Any:
        raise ValueError("this one stays at home")


def _refuse(message: str) -> Any:
    raise LookupError(message)


class FailsToUnpickle:
    """Can be pickled, and raises when it is unpickled."""

    def __reduce__(self) -> Any:
        return _refuse, ("this one cannot be made again",)


def make_fails_to_unpickle() -> FailsToUnpickle:
    """Return, from a worker, an object that home cannot create."""
    return FailsToUnpickle()


class Counter:
    """Counts; its methods are tagged in every way."""

    step = 2

    def __init__(self, start: int = 0) -> None:
        self.start = start

    @interpreter
    def plus(self, n: int) -> int:
        """A tagged method."""
        return self.start + n

    @classmethod
    @interpreter
    def made(cls, n: int) -> int:
        """A tagged class method."""
        return cls.step * n

    @staticmethod
    @interpreter
    def outside(n: int) -> int:
        """A tagged static method."""
        return n + 1

    @interpreter
    @staticmethod
    def inside(n: int) -> int:
        """A static method inside the tag."""
        return n + 2

    @interpreter
    def place(self) -> str:
        """The interpreter that runs this."""
        return work.HERE

    @classmethod
    @interpreter
    def class_place(cls) -> str:
        """The interpreter that runs this."""
        return work.HERE

    @staticmethod
    @interpreter
    def static_place() -> str:
        """The interpreter that runs this."""
        return work.HERE

    def untagged(self, n: int) -> int:
        """A plain method."""
        return self.start * n

    @classmethod
    def untagged_made(cls, n: int) -> Self:
        """A plain class method."""
        return cls(n)

    class Inner:
        """A nested class."""

        @interpreter
        def twice(self, n: int) -> int:
            """A tagged method of a nested class."""
            return 2 * n


class Adder:
    """Instances can be called."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, x: int) -> int:
        return self.n + x


class Locked:
    """Cannot cross: it holds a lock."""

    def __init__(self) -> None:
        import threading

        self.lock = threading.Lock()

    def method(self) -> None:
        """Do nothing."""

    def __call__(self) -> None:
        """Do nothing."""


@interpreter
@dataclass
class TaggedPoint:
    """A class tagged at module level."""

    x: int
    y: int


def make_box_with_generator() -> Box:
    """A result that cannot cross, in an attribute."""
    return Box([0, 1, (i for i in range(3))])


def make_generator() -> Any:
    """A result that cannot cross."""
    return (i for i in range(3))


def empty_generator() -> Generator[int]:
    """An argument that cannot cross."""
    yield from ()


def make_rows_with_generator() -> Any:
    """A result that cannot cross, deep in native containers."""
    return {"rows": [0, (1, make_generator())]}


def make_of_a_module(name: str) -> Any:
    """A result in native containers. Its class is in a module that only this interpreter has."""
    module: Any = types.ModuleType(name)
    exec("class Row: pass", vars(module))
    sys.modules[name] = module
    return {"rows": [0, module.Row()]}


def make_local_instance() -> Any:
    """A result whose class home cannot find."""

    class Local:
        pass

    return Local()


def node_cycle(node: Node) -> bool:
    """Return whether a node refers to itself through one other node."""
    return node.next is not None and node.next.next is node


def make_node_cycle() -> Node:
    """Two nodes that refer to each other."""
    first, second = Node("first"), Node("second")
    first.next, second.next = second, first
    return first


class Methods:
    """Has methods of every kind."""

    def __init__(self, start: int) -> None:
        self.start = start

    def add(self, n: int) -> int:
        """Bound to an instance."""
        return self.start + n

    @classmethod
    def name(cls) -> str:
        """Bound to the class."""
        return cls.__name__

    @staticmethod
    def double(n: int) -> int:
        """Bound to nothing."""
        return 2 * n

    def __call__(self, n: int) -> int:
        return self.start * n


class Tally:
    """Counts its own calls."""

    def __init__(self) -> None:
        self.calls = 0

    def tally(self, more: int = 0) -> int:
        """Return the number of calls plus `more`."""
        self.calls += 1
        return self.calls + more


tally = Tally().tally  # like random.randint, a method of the module


def _make() -> Callable[[int], int]:
    def made(x: int) -> int:
        return x + 1

    return made


made = _make()


class Speaker:
    """Has a method that can cross: pickled by its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def speak(self, *_: object) -> str:
        """Say the name."""
        return self.name
