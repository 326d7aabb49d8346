"""Pickles functions and classes by value if plain pickle cannot find them by name, and functions behind a tag.

Each kind of object has a function of its own: in _by_value_code.py and _by_value_types.py.
"""

import io
import marshal
import sys
import types
from collections import ChainMap
from collections.abc import Callable
from functools import reduce
from types import CodeType, FunctionType
from typing import Any, ClassVar

import cloudpickle  # type: ignore[import-untyped]

from . import _by_value_code, _by_value_rebuild, _by_value_types, _script
from ._core import interpreter

type Reductions = dict[type, Callable[[Any], Any]]

_BUILTIN_TYPES = {kind: name for name, kind in vars(types).items() if type(kind) is type}
_SINGLETONS = {type(None): None, type(...): ..., type(NotImplemented): NotImplemented}


def _reduce_code(code: CodeType) -> Any:
    """Reduce code by marshal. It keeps the file name, so that tracebacks show where a function was written.

    cloudpickle drops the file name since 3.1.3. It is used for code with constants that marshal does not support.
    """
    try:
        return marshal.loads, (marshal.dumps(code),)
    except ValueError:
        return cloudpickle.Pickler.dispatch_table[CodeType](code)


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles what has no name by value. For kinds that have no function of ours, cloudpickle's are used.

    Objects of a script's `__main__` are pickled by name, because workers run the script. Functions behind a tag are found.
    """

    dispatch_table: ClassVar = ChainMap({CodeType: _reduce_code}, cloudpickle.Pickler.dispatch_table)

    def __init__(
        self,
        file: io.BytesIO,
        persistent_id: Callable[[object], object],
        reductions: Reductions | None,
        keeps_annotations: bool,
    ) -> None:
        super().__init__(file, protocol=5)
        self.persistent_id = persistent_id
        self.keeps_annotations = keeps_annotations
        self._reductions = reductions or {}
        self._main_by_value = _script.describe(sys.modules.get("__main__")) is None
        self._modules_by_value = cloudpickle.list_registry_pickle_by_value()
        self._once: dict[int, tuple[object, Any]] = {}
        self.names_main = False

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if (reduce_own := self._reductions.get(kind)) is not None:
            return reduce_own(obj)
        if kind is FunctionType:
            return self._reduce_function(obj)
        if issubclass(kind, type):
            return self._reduce_class(obj)
        if (reduce_known := _by_value_types.REDUCTIONS.get(kind)) is not None:
            return reduce_known(self, obj)
        if issubclass(kind, property | classmethod | staticmethod) and kind not in self.dispatch_table:
            reduction = _by_value_types.descriptor_of_subclass(obj)
            return NotImplemented if reduction is None else reduction
        if kind is interpreter:
            if (named := self.by_name(obj, obj.__module__, getattr(obj, "__qualname__", None))) is not None:
                return named
            if self._main_by_value and obj.__module__ in _script.NAMES:
                return interpreter, (obj.fn,)
        return NotImplemented

    def _reduce_function(self, fn: FunctionType) -> Any:
        if (named := self.by_name(fn, fn.__module__, fn.__qualname__)) is not None:
            return named
        if fn.__code__ is _by_value_types.DISPATCHER:
            return _by_value_types.dispatcher(fn)
        return _by_value_code.reduce_function(self, fn)

    def _reduce_class(self, kind: type) -> Any:
        if kind in _SINGLETONS:
            return type, (_SINGLETONS[kind],)
        if kind in _BUILTIN_TYPES:
            return _by_value_rebuild.attribute_of, ("types", _BUILTIN_TYPES[kind])
        if (named := self.by_name(kind, kind.__module__, kind.__qualname__)) is not None:
            return named
        return _by_value_code.reduce_class(self, kind)

    def by_name(self, obj: Any, module: Any, name: Any) -> _by_value_types.Reduction | None:
        """Return a reduction of an object to this name, if a worker finds it there. Otherwise return None."""
        in_main = module in _script.NAMES
        if (in_main and self._main_by_value) or not isinstance(name, str):
            return None
        if self.is_module_by_value(module) and not (isinstance(obj, type) and _is_written_in_c(obj)):
            return None
        found = _find(module, name)
        behind_tag = isinstance(found, interpreter) and found.fn is obj
        if found is not obj and not behind_tag:
            return None
        if in_main and _script.is_beside_script(obj):
            return None
        self.names_main |= in_main
        return (getattr, (found, "fn")) if behind_tag else name

    def is_module_by_value(self, module: object) -> bool:
        """Return whether cloudpickle has been told to pickle a module, or one of its packages, by value."""
        registered = self._modules_by_value
        return bool(registered) and any(f"{module}.".startswith(f"{name}.") for name in registered)

    def once[T](self, key: object, make: Callable[[], T]) -> T:
        """Return what `make` returns, the same object each time: pickle asks again for an object that refers to itself."""
        if id(key) not in self._once:
            self._once[id(key)] = (key, make())
        made: T = self._once[id(key)][1]
        return made


def _is_written_in_c(kind: type) -> bool:
    return not {"__firstlineno__", "__dict__", "__weakref__", "__slots__"} & kind.__dict__.keys()


def _find(module: Any, name: str) -> object:
    """Return the object that has this module and qualified name, or None."""
    try:
        return reduce(getattr, name.split("."), sys.modules[module])
    except (AttributeError, KeyError):
        return None


def dumps(
    obj: object, persistent_id: Callable[[object], object], reductions: Reductions | None = None
) -> tuple[bytes, bool]:
    """Return the pickle of `obj`, protocol 5, and whether it names an object of a script's `__main__`.

    Functions and classes that cannot be found by name are pickled by value. If what their annotations refer to cannot be
    pickled, they lose their annotations.
    persistent_id: as in pickle.Pickler.
    reductions: for some types, the functions that reduce their objects.
    """
    try:
        return _dumps(obj, persistent_id, reductions, keeps_annotations=True)
    except Exception as error:
        try:
            return _dumps(obj, persistent_id, reductions, keeps_annotations=False)
        except Exception:
            raise error from None


def _dumps(
    obj: object, persistent_id: Callable[[object], object], reductions: Reductions | None, *, keeps_annotations: bool
) -> tuple[bytes, bool]:
    with io.BytesIO() as file:
        pickler = Pickler(file, persistent_id, reductions, keeps_annotations)
        pickler.dump(obj)
        return file.getvalue(), pickler.names_main
