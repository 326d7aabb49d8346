"""Pickles functions and classes by value if plain pickle cannot find them by name, and functions behind a tag."""

import io
import marshal
import sys
from collections import ChainMap
from collections.abc import Callable
from functools import reduce
from types import CodeType, FunctionType
from typing import Any, ClassVar

import cloudpickle  # type: ignore[import-untyped]

from . import _script
from ._core import interpreter

type Reductions = dict[type, Callable[[Any], Any]]


def _reduce_code(code: CodeType) -> Any:
    """Reduce code by marshal. It keeps the file name, so that tracebacks show where a function was written.

    cloudpickle drops the file name since 3.1.3. It is used for code with constants that marshal does not support.
    """
    try:
        return marshal.loads, (marshal.dumps(code),)
    except ValueError:
        return cloudpickle.Pickler.dispatch_table[CodeType](code)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle's pickler with three more rules.

    Objects of a script's `__main__` are pickled by name, because workers run the script. Functions behind a tag are found.
    Code keeps its file name.
    """

    dispatch_table: ClassVar = ChainMap({CodeType: _reduce_code}, cloudpickle.Pickler.dispatch_table)

    def __init__(self, file: io.BytesIO, persistent_id: Callable[[object], object], reductions: Reductions | None) -> None:
        super().__init__(file, protocol=5)
        self.persistent_id = persistent_id
        self._reductions = reductions or {}
        self._main_by_value = _script.describe(sys.modules.get("__main__")) is None
        self.names_main = False

    def reducer_override(self, obj: Any) -> Any:
        if (reduce_own := self._reductions.get(type(obj))) is not None:
            return reduce_own(obj)
        if isinstance(obj, FunctionType | type | interpreter):
            in_main = obj.__module__ in _script.NAMES
            if in_main and self._main_by_value:
                if isinstance(obj, interpreter):
                    return (interpreter, (obj.fn,))
            else:
                found = _find(obj)
                behind_tag = isinstance(found, interpreter) and found.fn is obj
                if in_main and (found is obj or behind_tag):
                    self.names_main = True
                if behind_tag:
                    return (getattr, (found, "fn"))
                if in_main and found is obj:
                    return NotImplemented  # pickle does it by name
        return super().reducer_override(obj)


def _find(obj: FunctionType | type | interpreter[..., Any]) -> object:
    """Return the object that has the module and qualified name of `obj`, or None."""
    try:
        return reduce(getattr, obj.__qualname__.split("."), sys.modules[obj.__module__])
    except (AttributeError, KeyError):
        return None


def dumps(
    obj: object, persistent_id: Callable[[object], object], reductions: Reductions | None = None
) -> tuple[bytes, bool]:
    """Return the pickle of `obj`, protocol 5, and whether it names an object of a script's `__main__`.

    Functions and classes that cannot be found by name are pickled by value.
    persistent_id: as in pickle.Pickler.
    reductions: for some types, the functions that reduce their objects.
    """
    with io.BytesIO() as file:
        pickler = _Pickler(file, persistent_id, reductions)
        pickler.dump(obj)
        return file.getvalue(), pickler.names_main
