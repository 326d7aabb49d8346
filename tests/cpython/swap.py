"""The start-up hook: puts an executor of this package in the place of a standard one, in whatever process the tests start.

`suites.make_environment` makes the environment whose start-up imports this module. Nothing is imported before it is asked
for, and without the variable VARIABLE, which names a role, nothing happens at all.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

VARIABLE = "AIOINTERPRETERS_STANDS_IN"
PACKAGE = "concurrent.futures"

ROLES = {
    "threads": ("ThreadPoolExecutor", "aiointerpreters", "InterpreterThreadPoolExecutor"),
    "tagged": ("ThreadPoolExecutor", "cpython.tagging", "TaggingThreadPoolExecutor"),
    "interpreters": ("InterpreterPoolExecutor", "cpython.tagging", "TaggingInterpreterPoolExecutor"),
}
"""By role: the standard executor, and the module and the name of what stands in for it."""


class Finder:
    """Finds `concurrent.futures`, and only that."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find it as ever, to be loaded by the Loader."""
        spec = PathFinder.find_spec(name, path, target) if name == PACKAGE else None
        if spec is not None and spec.origin is not None:
            spec.loader = Loader(name, spec.origin)
        return spec


class Loader(SourceFileLoader):
    """Loads `concurrent.futures` and swaps an executor in it."""

    def exec_module(self, module: ModuleType) -> None:
        """Load it, then let the standard name, and the stand-in's own, lead to the stand-in."""
        super().exec_module(module)
        standard, home, own = ROLES[os.environ[VARIABLE]]
        if standard not in module.__all__:
            return  # there is no InterpreterPoolExecutor where there are no interpreters, which a test pretends
        names = vars(module)
        names.pop(standard, None)  # 3.15: a lazy import
        otherwise = names.get("__getattr__")  # 3.13 and 3.14: what imports the others

        def find(name: str) -> object:
            if name in (standard, own):
                return getattr(importlib.import_module(home), own)
            if otherwise is None:
                raise AttributeError(f"module {PACKAGE!r} has no attribute {name!r}")
            return otherwise(name)

        names["__getattr__"] = find


if VARIABLE in os.environ:
    sys.meta_path.insert(0, Finder)
