"""Functions by value that a process calls for the rows of a chunk of `map`: each row starts from what home has."""

import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from . import _by_value_rebuild as rebuild
from . import _process_wire as wire

_PLAIN = (int, str, float, bool, bytes, complex, type(None))


def fresh_for_each(pickle: bytes, *, calls_overlap: bool) -> Callable[..., Any]:
    """Return a function that calls the one of a pickle. It loads it again if an earlier call may have changed something.

    What functools.cache has found stays, as in interpreters.

    calls_overlap: calls may begin while others have not ended.
    """
    caches: list[Any] = []
    loaded: tuple[Callable[..., Any], list[Any]] | None = None

    def call(*row: Any) -> Any:
        nonlocal loaded
        if loaded is None or not _is_same(_parts(loaded[0]), loaded[1]):
            fn = _load(pickle, caches)
            parts = None if calls_overlap else _parts(fn)
            loaded = None if parts is None or not all(map(_is_plain, parts)) else (fn, parts)
        else:
            fn = loaded[0]
        return fn(*row)

    return call


def _load(pickle: bytes, caches: list[Any]) -> Callable[..., Any]:
    token = rebuild.use_caches(caches)
    try:
        fn: Callable[..., Any] = wire.loads([memoryview(pickle)])
        return fn
    finally:
        rebuild.stop_using_caches(token)


def _parts(fn: Callable[..., Any]) -> list[Any] | None:
    """Return all that a function refers to, or None if this is not known."""
    if type(fn) is not FunctionType:
        return None
    names = {name: value for name, value in fn.__globals__.items() if name != "__builtins__"}
    try:
        cells = [cell.cell_contents for cell in fn.__closure__ or ()]
    except ValueError:  # one is empty
        return None
    return [*names, *names.values(), *cells, *(fn.__defaults__ or ()), *(fn.__kwdefaults__ or {}).values()]


def _is_same(parts: list[Any] | None, before: list[Any]) -> bool:
    return parts is not None and len(parts) == len(before) and all(a is b for a, b in zip(parts, before, strict=True))


def _is_plain(value: Any) -> bool:
    """Whether a call cannot change a value, or what it changes belongs to the process."""
    kind = type(value)
    if kind is tuple:
        return all(map(_is_plain, value))
    if kind is ModuleType:
        return sys.modules.get(value.__name__) is value
    if kind is BuiltinFunctionType:
        return value.__self__ is None or type(value.__self__) is ModuleType
    if kind is FunctionType:
        return getattr(sys.modules.get(value.__module__), "__dict__", None) is value.__globals__
    return kind in _PLAIN or (kind is type and rebuild.id_of(value) is None)
