"""Starting points for the fuzz target of the decoder: values for the encoder, and objects carried beside the bytes."""

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass

from aiointerpreters import SharedBuffer, _core


class Part:
    """Is part of a message's pickle. If it is a key, it looks at all visible objects while the message is being decoded."""

    def __hash__(self) -> int:
        gc.collect()
        for seen in gc.get_objects():
            if type(seen) in (list, tuple):
                sum(item is self for item in seen)
        return 1

    def __eq__(self, other: object) -> bool:
        return type(other) is Part

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ()


class Unequal(Part):
    """Cannot be compared."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("incomparable")

    __hash__ = Part.__hash__


class Plain:
    """Is a key by its identity."""

    def __init__(self, *values: object) -> None:
        self.__dict__.update(zip("abc", values, strict=False))


class Slots:
    """Has no __dict__."""

    __slots__ = ("a", "b")

    def __init__(self, a: object, b: object) -> None:
        self.a = a
        self.b = b


def hash_of(*names: str) -> Callable[[object], int]:
    """Make a `__hash__` by value. If a cycle calls it before all attributes are set, it raises ValueError."""

    def hash_by_value(self: object) -> int:
        try:
            return hash(tuple(getattr(self, name) for name in names))
        except AttributeError as error:
            raise ValueError("hashed before it is complete") from error

    return hash_by_value


@dataclass(frozen=True)
class Frozen:
    """Is hashed by value, in Python code."""

    a: object
    b: object

    __hash__ = hash_of("a", "b")


@dataclass(frozen=True, slots=True)
class FrozenSlots:
    """The same, with slots."""

    a: object

    __hash__ = hash_of("a")


class Told(Plain):
    """Has a `__setstate__`."""


UNHASHED = [Plain(1, 2, 3), Plain(1), Plain(), Slots(1, 2), Told(1, 2)]
INSTANCES = [*UNHASHED, Frozen(1, 2), FrozenSlots(1)]
# The end of a message with these instances: the numbers of their layouts, in this order.
LAYOUTS = _core.encode(INSTANCES).data[-4 * (len(INSTANCES) + 1) :]


def look_and_set(self: Plain, state: dict[str, object]) -> None:
    """Look at all visible objects while a message is being decoded."""
    Part.__hash__(Part())
    self.__dict__.update(state)


Told.__setstate__ = look_and_set  # type: ignore[attr-defined]


def shared_buffer() -> SharedBuffer:
    """Make a SharedBuffer with some content."""
    buffer = SharedBuffer(24)
    memoryview(buffer)[:3] = b"abc"
    return buffer


BUFFER = shared_buffer()
VIEW = memoryview(BUFFER).cast("i")[1:4]
# Tags of inputs refer to these by their position: four attachments, then parts.
CARRIED = [VIEW, BUFFER, b"large" * 5000, "größer" * 5000, Part(), Part(), Unequal()]


def cycles(part: object) -> list[object]:
    """Values that contain themselves, and a part that may be a key."""
    of_list: list[object] = [1]
    of_list.append(of_list)
    of_dict: dict[str, object] = {"k": 2.5}
    of_dict["self"] = of_dict
    of_tuple: tuple[list[object], str] = ([], "end")
    of_tuple[0].append(of_tuple)
    of_inner: tuple[list[object]] = ([],)
    of_inner[0].extend([(of_inner,), {part: 1}])
    return [of_list, of_dict, of_tuple, of_inner, [of_list, of_dict, of_tuple, of_list]]


def shared() -> list[object]:
    """Values in which one part is in several places."""
    parts = ["a longer string", "ä", bytearray(b"xy"), (1, 2), frozenset({3}), [4], {5: 6}, {7}, 1j, range(8), slice(9)]
    keys = ("key", b"bytes", (1, frozenset({2, "key"})), frozenset({(1,), ()}))
    return [[part, part, (part, part)] for part in parts] + [{key: key for key in keys}, [*parts, *parts], {*keys}]


LEAVES = [
    *[None, True, False, ..., NotImplemented],
    *[0, -16, 111, 112, -17, 2**15, -(2**31), 2**31, 2**63 - 1, 2**63, -(2**64), 3**200],
    *[0.0, -0.0, float("nan"), float("inf"), 1.5, 2 - 3j],
    *["", "a", "short", "x" * 31, "x" * 32, "é", "naïve" * 9, "Ωμέγα", "\ud800", "😀", "a😀" * 20],
    *[b"", b"a", b"some bytes" * 7, bytearray(), bytearray(b"some")],
    *[range(3), range(5, 2**70, 7), slice(None), slice(1, "x", -2.0)],
]
VALUES: list[object] = [
    *LEAVES,
    *[[], (), {}, set(), frozenset()],
    *[list(range(3)), list(range(9)), [1000] * 5, (2**20, 1, 2, 3), [2**40] * 4, [0.5] * 6, (*range(4), 0.1, 0.2, 0.3, 0.4)],
    *[[[[[[]]]]], ((((),),),), {1: {2: {3: {}}}}, {frozenset({frozenset({frozenset()})})}, {((1,), (2, (3,)))}],
    *[{"name": "value", "list": [1, 2.5, None], "nested": {"a": (1, "b")}}, [{"id": i, "ok": True} for i in range(4)]],
    LEAVES,
    *cycles(0),
    *shared(),
]
REFERRING: list[object] = [
    *CARRIED,
    CARRIED,
    {part: part for part in CARRIED[4:5]},
    [{CARRIED[4]: [1, 2]}, {(CARRIED[5], "x")}, ({CARRIED[4]},)],
    (VIEW, [BUFFER, VIEW], {"k": BUFFER}),
    *cycles(CARRIED[4]),
    slice(VIEW, BUFFER, b"large" * 5000),
]


def instances() -> list[object]:
    """Values of instances, with their layouts in the order of LAYOUTS."""
    cyclic: list[object] = []
    plain = Plain(cyclic, (1, 2), {"k": 2.5})
    cyclic += [plain, (plain,), {plain, 1}, {(plain, 2): plain}]
    frozen = Frozen([1], FrozenSlots((2, 3)))
    slots = [Slots(n, 0.5) for n in range(4)]
    return [*UNHASHED[:1], UNHASHED, [UNHASHED, plain], [*UNHASHED, slots], [INSTANCES, frozen, frozen, {"k": frozen}]]


def native_bytes(value: object) -> bytes:
    """The native part of the message that carries a value (codec/format.h)."""
    message = _core.encode(value)
    mixed, with_instances = 2, 3
    size = len(message.data)
    if message.form == mixed:
        size = int.from_bytes(message.data[-8:], sys.byteorder)
    elif message.form == with_instances:
        size -= 4 * (int.from_bytes(message.data[-4:], sys.byteorder) + 1)
    return message.data[:size]


def inputs() -> list[bytes]:
    """Well-formed inputs: values or calls."""
    values = [native_bytes(value) for value in VALUES + REFERRING + instances()]
    names = native_bytes(("key", "other"))
    calls = [b"\0", *(b"\2" + value for value in values), b"\4" + values[0] + values[-1], b"\3" + names + values[1] * 3]
    return values + calls
