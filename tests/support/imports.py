"""Imports in workers. Workers import this by name."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from support.gate import Ends, hold_then


def arrive_and_call(ends: Ends, fn: Callable[..., Any], *args: Any) -> Any:
    """Call as soon as all others have come, too."""
    return hold_then(ends, fn, *args)


def call(module: str, name: str, *args: Any) -> Any:
    """Call a function of a module."""
    return getattr(importlib.import_module(module), name)(*args)


def get(module: str, name: str) -> Any:
    """Import a module and return what it has of that name."""
    return getattr(importlib.import_module(module), name)


def is_imported(module: str) -> bool:
    """Whether it is in sys.modules."""
    return module in sys.modules


def describe(module: str) -> tuple[str, str | None, str | None]:
    """Import a module and tell its name, its file and its spec's origin."""
    imported = importlib.import_module(module)
    spec = imported.__spec__
    return imported.__name__, getattr(imported, "__file__", None), spec.origin if spec is not None else None


def is_same_again(module: str) -> bool:
    """Import a module, forget it, and import it again."""
    first = importlib.import_module(module)
    del sys.modules[module]
    return importlib.import_module(module) is first


def load_from(module: str, path: str) -> str:
    """Import a module from a file, as who makes a spec does."""
    spec = importlib.util.spec_from_file_location(module, path)
    assert spec is not None
    return importlib.util.module_from_spec(spec).__name__


def forget_finders() -> None:
    """Have finders look again for files that were not there before."""
    importlib.invalidate_caches()
