"""Sends values to another interpreter, and compares graphs: types, contents, orders, and shared parts."""

import pickle
import struct
import types
from collections import deque
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

from aiointerpreters import SharedBuffer, _core


def carry(value: object) -> Any:
    """Return `value` as another interpreter would see it."""
    return _core.decode(_core.encode(value))


def as_pickle(value: object) -> Any:
    """The value that the worker must get."""
    return pickle.loads(pickle.dumps(value, 5))


def same_graph(left: object, right: object) -> bool:
    """Return whether two values have the same types, contents and orders, and share their parts in the same places.

    The comparison includes items of containers of any type, attributes, slots, and the variables that a function captures.
    """
    partners: dict[int, object] = {}
    taken: dict[int, object] = {}
    waiting: list[tuple[object, object]] = [(left, right)]
    while waiting:
        a, b = waiting.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, Enum | type):
            if a is not b:
                return False
            continue
        if type(a) is float:
            if struct.pack("d", a) != struct.pack("d", b):
                return False
            continue
        if a is None or type(a) in (int, bool):
            if a != b:
                return False
            continue
        if id(a) in partners or id(b) in taken:
            if partners.get(id(a)) is not b or taken.get(id(b)) is not a:
                return False
            continue
        partners[id(a)] = b
        taken[id(b)] = a
        pairs = _pairs(a, b)
        if pairs is None:
            return False
        waiting += pairs
    return True


def _pairs(a: Any, b: Any) -> list[tuple[object, object]] | None:
    """The properties that must be equal for two objects of one type to be equal. None if such objects always differ."""
    if isinstance(a, list | tuple | deque):
        if len(a) != len(b):
            return None
        pairs = list(zip(a, b, strict=True))
    elif isinstance(a, dict):
        if len(a) != len(b):
            return None
        pairs = [*zip(a, b, strict=True), *zip(a.values(), b.values(), strict=True)]
    elif isinstance(a, set | frozenset):
        own = {_label(element): element for element in b}
        labels = [_label(element) for element in a]
        if len(a) != len(b) or own.keys() != set(labels):
            return None
        pairs = [(element, own[label]) for element, label in zip(a, labels, strict=True)]
    elif isinstance(a, slice):
        pairs = [(a.start, b.start), (a.stop, b.stop), (a.step, b.step)]
    elif isinstance(a, complex):
        pairs = [(a.real, b.real), (a.imag, b.imag)]
    elif isinstance(a, types.FunctionType):
        if a.__code__.co_code != b.__code__.co_code:
            return None
        pairs = [(a.__defaults__, b.__defaults__), (_cells(a), _cells(b))]
    elif isinstance(a, BaseException):
        pairs = [*zip(a.args, b.args, strict=True)] if len(a.args) == len(b.args) else [(a.args, b.args)]
    elif isinstance(a, memoryview):
        if (a.format, a.shape, a.readonly, a.tobytes()) != (b.format, b.shape, b.readonly, b.tobytes()):
            return None
        return []
    elif isinstance(a, SharedBuffer):
        return [] if bytes(a) == bytes(b) else None
    elif hasattr(a, "__dict__") or hasattr(type(a), "__slots__"):
        pairs = []
    else:
        return [] if a == b else None
    if isinstance(a, str | bytes | bytearray | int | float) and a != b:
        return None
    own_state, other_state = dict(_state(a)), dict(_state(b))
    if list(own_state) != list(other_state):
        return None
    return [*pairs, *((value, other_state[name]) for name, value in own_state.items())]


def _label(element: Any) -> object:
    """The key of an element of a set: its value, or its number if it is hashed by identity."""
    if isinstance(element, tuple | frozenset):
        labels = [_label(one) for one in element]
        return type(element), tuple(labels) if isinstance(element, tuple) else frozenset(labels)
    if is_dataclass(element):
        return type(element), tuple(_label(one) for _, one in _state(element))
    hashes: Any = type(element).__hash__
    return (type(element), getattr(element, "number", None)) if hashes is object.__hash__ else element


def _state(value: Any) -> Iterator[tuple[str, object]]:
    """Attributes and slots, by name. The names need not be shared objects. Pickle does not promise that either."""
    yield from getattr(value, "__dict__", {}).items() if not isinstance(value, types.FunctionType) else ()
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(value, name):
                yield name, getattr(value, name)


def _cells(function: types.FunctionType) -> list[object]:
    return [cell.cell_contents for cell in function.__closure__ or ()]
