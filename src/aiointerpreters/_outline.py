"""The executor's class in workers, which often import it without using it.

A worker runs a program's script to find the functions in it, and scripts import the executor. Loading everything that the
executor needs would take 5 MB in each worker, most of it for concurrent.futures, which imports logging. So a worker first
gets an outline: the class without its contents. When the class is first used, the module `executors` is loaded and completes
it.
"""

import sys

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_BASE = "concurrent.futures._base"
# Members that code may use before there is an instance. Native members need an instance, and `__init__` completes the class.
_MEMBERS = (
    "__doc__",
    "__enter__",
    "__exit__",
    "__init__",
    "__init_subclass__",
    "__repr__",
    "map",
    "set_as_event_loop_default",
    "shutdown",
    *(("BROKEN", "prepare_context") if sys.version_info >= (3, 14) else ()),
)


class _Member:
    """A placeholder for a member of the class."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> object:
        """Complete the class, and return its member of this name."""
        from . import executors as executors

        return getattr(owner if instance is None else instance, self._name)


class _Watch:
    """A finder that notices the import of concurrent.futures. Then the outline has to derive from ThreadPoolExecutor."""

    def find_spec(self, name: str, path: "Any" = None, target: "ModuleType | None" = None) -> "ModuleSpec | None":
        if name != _BASE:
            return None
        _stop_watching()
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def execute_and_derive(module: "ModuleType") -> None:
                del loader.exec_module
                execute(module)
                _core.ExecutorBase  # noqa: B018 - its first use gives the outline its base class

            loader.exec_module = execute_and_derive
        return spec


def _make() -> "type[Any] | None":
    base = _core.outline_executor()
    if base is None:
        return None
    members = {name: _Member(name) for name in _MEMBERS}
    made = type("InterpreterThreadPoolExecutor", (base,), {"__module__": f"{__package__}.executors", **members})
    sys.meta_path.insert(0, _Watch())
    return made


# None: this is not a worker, or concurrent.futures has been imported already. Then the module `executors` defines the class.
_outline = _make()
_contents: "dict[str, object]" = {}  # set in the outline by `complete`


def executor_class() -> "type[Any]":
    """Return InterpreterThreadPoolExecutor, which may be an outline."""
    if _outline is not None:
        return _outline
    from . import executors

    return executors.InterpreterThreadPoolExecutor


def complete[C: type](made: C) -> C:
    """Copy the contents of the class `made` into the outline and return the outline. Without an outline, return `made`.

    Attributes that other code has set in the outline are kept. If this is interrupted, the import of `executors` fails, and
    the next import repeats it.
    """
    if _outline is None:
        return made
    outline: Any = _outline
    found = {name: value for name, value in vars(made).items() if name not in {"__dict__", "__weakref__"}}
    for value in found.values():
        for cell in getattr(value, "__closure__", None) or ():
            if cell.cell_contents is made:  # the cell that `super()` uses
                cell.cell_contents = outline
    found["__init__"] = found.pop("__init__")  # set last, because instances can exist from then on
    for name, value in found.items():
        there = vars(outline).get(name)
        if there is _contents.get(name) or isinstance(there, _Member) or name == "__module__":
            setattr(outline, name, value)
            _contents[name] = value
    for name in _MEMBERS:
        if isinstance(vars(outline).get(name), _Member):
            delattr(outline, name)  # the base class has it
    _stop_watching()
    completed: C = outline
    return completed


def _stop_watching() -> None:
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Watch)]
