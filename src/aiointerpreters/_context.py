"""Context variables that calls carry into workers.

Finds their names in the main interpreter, and sets them in the worker.
"""

import importlib
import sys
from collections.abc import Callable, Iterable
from contextvars import Context, ContextVar
from functools import cache
from types import ModuleType
from typing import Any

from . import _script
from ._core import interpreter

type Declared = tuple[tuple[str, ContextVar[Any], bool], ...]
"""Name, variable, and whether a worker must run the main interpreter's script to find it. One entry for each variable.

A name lists the modules that have the variable, and its attribute in each: "module:attribute ...". A worker may not be able
to import all of them.
"""


def describe(variables: Iterable[ContextVar[Any]]) -> Declared:
    """Return the names by which workers find the variables.

    Raises TypeError for an object that is not a ContextVar, and ValueError for one that is not an attribute of a module.
    """
    variables = list(variables)
    for variable in variables:
        if not isinstance(variable, ContextVar):
            raise TypeError(f"a ContextVar is needed, not {variable!r}")
    return tuple(_describe(variable) for variable in dict.fromkeys(variables))


def _describe(variable: ContextVar[Any]) -> tuple[str, ContextVar[Any], bool]:
    modules = {name: module for name, module in list(sys.modules.items()) if type(module) is ModuleType}
    places = [(name, variable.name) for name, module in modules.items() if vars(module).get(variable.name) is variable]
    if not places:  # its attribute has another name
        places = [
            (name, attribute)
            for name, module in modules.items()
            for attribute, value in list(vars(module).items())
            if value is variable
        ]
    importable = [place for place in places if place[0] not in _script.NAMES]
    if importable:
        importable.sort(key=lambda place: _is_being_imported(modules[place[0]]))  # such a module imports it from another one
        return " ".join(map(":".join, importable)), variable, False
    if places and (_script.describe(sys.modules.get("__main__")) is not None or _script.is_running_homes()):
        return f"__main__:{places[0][1]}", variable, True
    raise ValueError(f"workers cannot find the context variable {variable.name!r}: no module that they can import has it")


def _is_being_imported(module: ModuleType) -> bool:
    return getattr(module.__spec__, "_initializing", False)


def reduce(tag: type[interpreter[..., Any]], fn: Callable[..., Any], declared: Declared) -> tuple[Any, ...]:
    """Return the reduction of a tag of `fn` that carries these variables."""
    needs_script = any(is_of_script for _, _, is_of_script in declared)
    script = "__main__" if needs_script else ""  # the codec looks for this name in a pickle
    return _rebuild, (tag, fn, script, *(name for name, _, _ in declared))


def _rebuild(tag: type[interpreter[..., Any]], fn: Callable[..., Any], _: str, *names: str) -> interpreter[..., Any]:
    return tag.with_context(*map(find, names))(fn)


def reduce_routing(
    tag: type[interpreter[..., Any]], plain: interpreter[..., Any], fallback: Any, lane: Any
) -> tuple[Any, ...]:
    """Return the reduction of a tag like `plain` with these options."""
    return _rebuild_routing, (tag, plain, fallback, lane)


def _rebuild_routing(
    tag: type[interpreter[..., Any]], plain: interpreter[..., Any], fallback: Any, lane: Any
) -> interpreter[..., Any]:
    return tag(plain, fallback=fallback, lane=lane)


def make(base: Context, values: dict[str, Any]) -> Context:
    """Return the context of a call: a copy of `base` in which these variables are set, by their names.

    Raises ImportError or AttributeError if a variable cannot be found.
    """
    context = base.copy()
    context.run(_set, values)
    return context


def _set(values: dict[str, Any]) -> None:
    for name, value in values.items():
        find(name).set(value)


@cache
def find(name: str) -> ContextVar[Any]:
    """Return the variable with this name (see Declared)."""
    places = [place.split(":") for place in name.split()]
    places.sort(key=lambda place: place[0] not in sys.modules)
    failures = []
    for module, attribute in places:
        try:
            return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]
        except (ImportError, AttributeError) as error:
            failures.append(error)
    raise failures[0]
