"""The functions of one executor that no interpreter can run, and the key, name and place of any callable."""

import operator
import os
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, NamedTuple

from .errors import FallbackWarning
from .types import MovedFunction

_LONGEST_REASON = 500
_MOST_WRAPPERS = 100  # around a function; a wrapper may lead back to itself
_HERE = os.path.dirname(__file__) + os.sep
_shown: dict[Any, Any] = {}  # the warnings that have been shown, for `warnings`: each is shown once in a process


class _Moved(NamedTuple):
    name: str
    lane: Literal["thread", "process"]
    reason: str
    left: Iterator[int]  # of sys.maxsize calls: a counter that threads can use without a lock, and that can be read


class MovedFunctions:
    """The functions, and how many calls of them have been moved. Thread: any."""

    def __init__(self) -> None:
        self._known: dict[object, _Moved] = {}

    def all(self) -> tuple[MovedFunction, ...]:
        """Return them, in the order in which they have been moved."""
        return tuple(
            MovedFunction(name, lane, reason, sys.maxsize - operator.length_hint(left))
            for name, lane, reason, left in list(self._known.values())
        )

    def count(self, key: object) -> bool:
        """Return whether the function with this key has been moved. If so, count one call."""
        known = self._known.get(key)
        if known is None:
            return False
        next(known.left)
        return True

    def add(self, key: object, fn: Callable[..., Any], in_process: bool, error: BaseException | None) -> None:
        """Move a function, and warn. If it has been moved already, only count the call."""
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_REASON]
        lane: Literal["thread", "process"] = "process" if in_process else "thread"
        name = name_of(fn)
        made = _Moved(name, lane, reason, iter(range(sys.maxsize)))
        known = self._known.setdefault(key, made)
        next(known.left)
        if known is not made:
            return
        where = "other processes" if in_process else "threads of the main interpreter"
        text = f"no interpreter can run {name}, so its calls run in {where}: {reason}"
        if (code := getattr(_innermost(fn), "__code__", None)) is not None:
            module = _module_of(fn)
            warnings.warn_explicit(text, FallbackWarning, code.co_filename, code.co_firstlineno, module, _shown)
        else:  # it is written in C: the line that submits the call, if this thread does that
            warnings.warn(text, FallbackWarning, skip_file_prefixes=(_HERE,))


def key_of(fn: Any) -> object:
    """Return the key of a callable. Callables with the same key are moved together.

    Functions of the same name and code have the same key. So have wrappers of the same kind around them, such as those of
    functools.lru_cache; all objects of a class with a `__call__` in Python; methods of the same name of all lists; and equal
    objects such as two of `operator.itemgetter(0)`.
    """
    kinds: list[type] = []  # of the wrappers around it
    for _ in range(_MOST_WRAPPERS):
        inner = fn.func if isinstance(fn, partial) else _wrapped_by(fn)
        if inner is None or isinstance(fn, type | types.FunctionType | types.MethodType):
            break
        kinds.append(type(fn))
        fn = inner
    else:
        return kinds[0]
    return (*kinds, _key_of_innermost(fn)) if kinds else _key_of_innermost(fn)


def _key_of_innermost(fn: Any) -> object:
    kind = type(fn)
    if kind is types.BuiltinFunctionType and isinstance(fn.__self__, types.ModuleType | None):
        return fn
    if kind is types.FunctionType:
        return fn.__code__, fn.__qualname__, fn.__module__
    if kind is types.MethodType:
        return key_of(fn.__func__)
    if isinstance(fn, type):
        return fn
    if isinstance(getattr(kind, "__call__", None), types.FunctionType):  # noqa: B004 - the function itself is wanted
        return kind
    owner = getattr(fn, "__self__", None)
    if owner is not None and not isinstance(owner, types.ModuleType):
        return owner if isinstance(owner, type) else type(owner), getattr(fn, "__name__", None)
    return fn if hasattr(fn, "__name__") else _key_by_content(fn)


def _key_by_content(fn: object) -> object:
    try:
        key = type(fn), fn.__reduce__()
        hash(key)
    except Exception:  # it cannot be pickled, or has arguments that change
        return type(fn)
    return key


def name_of(fn: Any) -> str:
    """Return the name of a callable for messages: its module and qualified name, or those of its class."""
    name = getattr(fn, "__qualname__", None)
    return f"{_module_of(fn)}.{name if isinstance(name, str) else type(fn).__qualname__}"


def _module_of(fn: Any) -> str:
    module = getattr(fn, "__module__", None)
    return module if isinstance(module, str) else type(getattr(fn, "__self__", fn)).__module__


def _wrapped_by(fn: object) -> Any:
    """Return what a wrapper wraps, or None. The attribute may be computed by any code, which may fail."""
    try:
        return getattr(fn, "__wrapped__", None)
    except Exception:
        return None


def _innermost(fn: Any) -> Any:
    """Return the function that a callable calls first of all, or the callable itself if it is written in C."""
    for _ in range(_MOST_WRAPPERS):
        if isinstance(fn, types.FunctionType):
            return fn
        if isinstance(fn, types.MethodType):
            fn = fn.__func__
        elif isinstance(fn, type):
            fn = fn.__dict__.get("__init__")
        elif isinstance(fn, partial):
            fn = fn.func
        elif (inner := _wrapped_by(fn)) is not None:
            fn = inner
        else:
            return getattr(type(fn), "__call__", None)  # noqa: B004 - the function itself is wanted
    return None
