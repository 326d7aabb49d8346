"""The start-up hook: replaces a standard executor by one of this package, in every process that the tests start.

`suites.make_environment` makes an environment whose start-up imports this module. It imports others only on demand.
It does nothing if the variable VARIABLE is not set. That variable names a role.
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
    """Finds only `concurrent.futures`."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find it as usual, with the Loader below."""
        spec = PathFinder.find_spec(name, path, target) if name == PACKAGE else None
        if spec is not None and spec.origin is not None:
            spec.loader = Loader(name, spec.origin)
        return spec


class Loader(SourceFileLoader):
    """Loads `concurrent.futures` and swaps an executor in it."""

    def exec_module(self, module: ModuleType) -> None:
        """Load it. Then make the standard name, and the replacement's own name, lead to the replacement."""
        super().exec_module(module)
        standard, home, own = ROLES[os.environ[VARIABLE]]
        if standard not in module.__all__:
            return  # a test pretends that there are no interpreters, so there is no InterpreterPoolExecutor
        names = vars(module)
        names.pop(standard, None)  # 3.15: a lazy import
        otherwise = names.get("__getattr__")  # 3.13 and 3.14: it imports the other names

        def find(name: str) -> object:
            if name in (standard, own):
                return getattr(importlib.import_module(home), own)
            if otherwise is None:
                raise AttributeError(f"module {PACKAGE!r} has no attribute {name!r}")
            return otherwise(name)

        names["__getattr__"] = find


if VARIABLE in os.environ:
    sys.meta_path.insert(0, Finder)
