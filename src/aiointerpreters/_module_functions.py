"""Finds functions by the place of their definition, and calls them, in a worker's interpreter."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from . import _core


def call(kind: str, place: str, name: str, /, *args: Any, **kwargs: Any) -> Any:
    """Call the function of that name in the module ("module") or in the file ("path") `place`.

    Each interpreter runs a file once, under a name that is not `__main__`. If the function cannot be found, raises
    ImportError, FileNotFoundError or AttributeError.
    """
    return _find(kind, place, name)(*args, **kwargs)


async def call_in_loop(kind: str, place: str, name: str, /, *args: Any, **kwargs: Any) -> Any:
    """The same for a coroutine function."""
    return await _find(kind, place, name)(*args, **kwargs)


def is_coroutine_function(kind: str, place: str, name: str) -> bool:
    """Return whether the function is a coroutine function. Raises the same as `call` if it cannot be found."""
    return _core.is_coroutine_function(_find(kind, place, name))


@cache
def _find(kind: str, place: str, name: str) -> Callable[..., Any]:
    module = importlib.import_module(place) if kind == "module" else _run(place)
    return getattr(module, name)  # type: ignore[no-any-return]


@cache
def _run(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("my_module", path)  # the same name since release 0.1
    if spec is None or spec.loader is None:
        raise ImportError(f"no Python file: {path}", path=path)
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(spec.name)
    sys.modules[spec.name] = module  # only while the file runs: dataclasses, for example, look here
    try:
        spec.loader.exec_module(module)
    finally:
        if before is None:
            sys.modules.pop(spec.name, None)
        else:
            sys.modules[spec.name] = before
    return module
