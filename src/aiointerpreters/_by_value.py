"""Pickling of what plain pickle cannot name: functions and classes by value, and what stands behind a tag."""

import io
import sys
from collections.abc import Callable
from functools import reduce
from types import FunctionType
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from . import _script
from ._core import interpreter


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle's, with two rules more: of a script's `__main__`, which workers run, names suffice; and tags are seen."""

    def __init__(self, file: io.BytesIO, persistent_id: Callable[[object], object]) -> None:
        super().__init__(file, protocol=5)
        self.persistent_id = persistent_id
        self._main_by_value = _script.describe() is None
        self.names_main = False

    def reducer_override(self, obj: Any) -> Any:
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
                    return NotImplemented  # pickle's own way: by name
        return super().reducer_override(obj)


def _find(obj: FunctionType | type | interpreter[..., Any]) -> object:
    """Return what obj's module and qualified name lead to, None if nowhere."""
    try:
        return reduce(getattr, obj.__qualname__.split("."), sys.modules[obj.__module__])
    except (AttributeError, KeyError):
        return None


def dumps(obj: object, persistent_id: Callable[[object], object]) -> tuple[bytes, bool]:
    """Return the pickle of obj, protocol 5, and whether it names something of a script's `__main__`.

    What no name leads back to is in it by value. persistent_id: as of pickle.Pickler.
    """
    with io.BytesIO() as file:
        pickler = _Pickler(file, persistent_id)
        pickler.dump(obj)
        return file.getvalue(), pickler.names_main
