"""Context variables that calls carry into workers: how they are named at home, and set there."""

import importlib
import sys
from collections.abc import Callable, Iterable
from contextvars import Context, ContextVar, copy_context
from functools import cache
from types import ModuleType
from typing import Any

from . import _script
from ._core import interpreter

type Declared = tuple[tuple[str, ContextVar[Any], bool], ...]
"""Name ("module:attribute"), variable, and whether a worker has to run home's script to find it; once for each variable."""


def describe(variables: Iterable[ContextVar[Any]]) -> Declared:
    """Find the names by which workers find the variables.

    Raises TypeError for what is no ContextVar, ValueError for one that no module has among its attributes.
    """
    return tuple(_describe(variable) for variable in dict.fromkeys(variables))


def _describe(variable: ContextVar[Any]) -> tuple[str, ContextVar[Any], bool]:
    if not isinstance(variable, ContextVar):
        raise TypeError(f"a ContextVar is needed, not {variable!r}")
    names = [
        (module_name, attribute)
        for module_name, module in list[tuple[str, object]](sys.modules.items())  # anybody can put anything there
        if isinstance(module, ModuleType)
        for attribute in ([variable.name] if module.__dict__.get(variable.name) is variable else _search(module, variable))
    ]
    for module, attribute in names:
        if module not in _script.NAMES:
            return f"{module}:{attribute}", variable, False
    for _, attribute in names:
        if _script.describe() is not None or _script.is_running_homes():
            return f"__main__:{attribute}", variable, True
    raise ValueError(f"workers cannot find the context variable {variable.name!r}: no module that they can import has it")


def _search(module: ModuleType, variable: ContextVar[Any]) -> list[str]:
    return [name for name, value in list(module.__dict__.items()) if value is variable][:1]


def reduce(tag: type[interpreter[..., Any]], fn: Callable[..., Any], declared: Declared) -> tuple[Any, ...]:
    """Return how pickle makes a tag of fn that carries these variables."""
    return _rebuild, (tag, fn, *(name for name, _, _ in declared))


def _rebuild(tag: type[interpreter[..., Any]], fn: Callable[..., Any], *names: str) -> interpreter[..., Any]:
    return tag.with_context(*(_find(name) for name in names))(fn)


def make(values: dict[str, Any]) -> Context:
    """Make the context of a call: this thread's, with these variables, by their names, set.

    Raises ImportError or AttributeError for one that is not there.
    """
    context = copy_context()
    context.run(_set, values)
    return context


def _set(values: dict[str, Any]) -> None:
    for name, value in values.items():
        _find(name).set(value)


@cache
def _find(name: str) -> ContextVar[Any]:
    module, attribute = name.split(":")
    return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]
