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
_THREAD = "concurrent.futures.thread"
# Members that code may use before there is an instance. Native members need an instance, and `__init__` completes the class.
_MEMBERS = (
    "__doc__",
    "__enter__",
    "__exit__",
    "__init__",
    "__init_subclass__",
    "__repr__",
    "broadcast",
    "dump_traceback",
    "fallbacks",
    "map",
    "set_as_event_loop_default",
    "shutdown",
    "warm_up",
    *(("BROKEN", "prepare_context") if sys.version_info >= (3, 14) else ()),
)


class _Member:
    """A placeholder for a member of the class."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> object:
        """Complete the class, and return the member of this name, as the class or `super()` would return it."""
        from . import executors

        outline: Any = _outline
        if _contents.get(self._name) is self:  # other code has removed the package's modules, and they were loaded again
            anew = executors.InterpreterThreadPoolExecutor
            outline.__bases__, outline.__doc__ = (anew,), anew.__doc__
            _contents["__doc__"] = anew.__doc__
            _remove_members(outline)
        if self._name not in _contents:
            return getattr(super(outline, owner if instance is None else instance), self._name)
        value = _contents[self._name]
        bind = getattr(type(value), "__get__", None)
        return value if bind is None else bind(value, instance, owner)


class _Watch:
    """A finder that notices the import of concurrent.futures. Then the outline has to derive from ThreadPoolExecutor.

    It stays in sys.meta_path, because other threads may be going through that list.
    """

    def find_spec(self, name: str, path: "Any" = None, target: "ModuleType | None" = None) -> "ModuleSpec | None":
        if name not in {_BASE, _THREAD} or "ExecutorBase" in vars(_core):
            return None
        from . import _after_import

        finders = list(sys.meta_path)
        others = finders[finders.index(self) + 1 :] if self in finders else finders
        return _after_import.find_spec(others, name, path, target, _derive)


def _derive(module: "ModuleType") -> None:
    """Give the outline its base class, if the module is the last one that is needed for that. Else import the others."""
    if module.__name__ == _THREAD:
        _core.ExecutorBase  # noqa: B018 - its first use gives the outline its base class
        return
    try:
        import concurrent.futures.thread  # noqa: F401 - then this is called for it too
    except (ImportError, RuntimeError):  # it cannot be imported, or another thread imports it and waits for this import
        return


def _make() -> "type[Any] | None":
    base = _core.outline_executor()
    if base is None:
        return None
    _contents.update({name: _Member(name) for name in _MEMBERS}, __module__=f"{__package__}.executors")
    made = type("InterpreterThreadPoolExecutor", (base,), dict(_contents))
    sys.meta_path.insert(0, _Watch())
    return made


def _remove_members(outline: "type[Any]") -> None:
    """Remove the placeholders that are left. Base classes have what they stand for."""
    for name in _MEMBERS:
        if isinstance(_contents.get(name), _Member):
            if vars(outline).get(name) is _contents[name]:
                delattr(outline, name)
            del _contents[name]


# What the outline contains, except what other code has set there.
_contents: "dict[str, Any]" = {}
_kept: "set[str] | None" = None  # the names that other code had set or deleted before the outline was completed
_made: "type[Any] | None" = None
# None: this is not a worker, or concurrent.futures has been imported already. Then the module `executors` defines the class.
_outline = _make()


def executor_class() -> "type[Any]":
    """Return InterpreterThreadPoolExecutor, which may be an outline."""
    if _outline is not None:
        return _outline
    from . import executors

    return executors.InterpreterThreadPoolExecutor


def replace[C: type](made: C) -> C:
    """Return the outline, which `complete` will give the contents of `made`. Without an outline, return `made`."""
    global _made
    outline: Any = _outline
    if outline is None:
        return made
    _made = made
    replaced: C = outline
    return replaced


def complete() -> None:
    """Copy the contents of the class into the outline. The module `executors` calls this when everything else is done.

    What other code has set or deleted in the outline stays so. If this fails, the import of `executors` fails, and the next
    import repeats it.
    """
    global _kept, _made
    made, _made = _made, None
    outline: Any = _outline
    if made is None:
        return
    found = {name: value for name, value in vars(made).items() if name not in {"__dict__", "__weakref__"}}
    for value in found.values():
        for cell in getattr(value, "__closure__", None) or ():
            if cell.cell_contents is made:  # the cell that `super()` uses
                cell.cell_contents = outline
    found["__init__"] = found.pop("__init__")  # set last, because instances can exist from then on
    if _kept is None:
        _kept = {name for name in found if vars(outline).get(name) is not _contents.get(name)}
    _contents.update(found)
    for name, value in found.items():
        if name not in _kept:
            setattr(outline, name, value)
    _remove_members(outline)
