"""Finds the argument of a call that cannot be created in a worker, because a module or class is missing there.

The same is done for results in the main interpreter, and for the values of context variables.
"""

import io
from _pickle import Unpickler
from collections.abc import Callable
from typing import Any


class _StandIn:
    """A substitute for an object whose class or function is missing. It accepts everything that pickle does with it.

    Each missing class or function is represented by its own class, derived from this one, or by an object of that class.
    """

    missing = ""  # its name and module
    path = ""  # module.name

    def __new__(cls, *_args: object, **_kwargs: object) -> "_StandIn":
        return super().__new__(cls)

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, item: object) -> None:
        pass

    def __call__(self, *_args: object, **_kwargs: object) -> "_StandIn":
        return self


class _Unpickler(Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except Exception:
            return type(name, (_StandIn,), {"missing": f"{name!r} of module {module!r}", "path": f"{module}.{name}"})


def unpickle(content: bytes, persistent_load: Callable[[int], object] | None) -> object:
    """Read a pickle. Use stand-ins for objects whose class or function is missing."""
    unpickler = _Unpickler(io.BytesIO(content))
    if persistent_load is not None:
        unpickler.persistent_load = persistent_load  # type: ignore[method-assign]
    return unpickler.load()


def find_class(module: str, name: str) -> Any:
    """Return the object that has this name in a pickle, or a stand-in if the object is missing."""
    unpickler = _Unpickler(io.BytesIO(b"\x80\x04N."))
    unpickler.load()  # reads the protocol, which allows dotted names
    return unpickler.find_class(module, name)


def explain(error: Exception, values: tuple[Any, ...], root: str | None, is_refused: bool) -> Exception:
    """Return the exception to raise instead of `error`. Its text names the first stand-in among the values.

    values: one value that is called `root`. If `root` is None: the arguments of a call, then the tuple of keyword names.
    is_refused: an extension module refuses the worker's interpreter. `error` says so.

    The exception has the same type, with `error` as its cause. If only its own class can create it, `error` gets a note.
    """
    found = _find([(root, values[0])] if root is not None else _label(values[:-1], values[-1]))
    if found is None:
        return error
    path, missing = found
    where = "the main interpreter" if root == "result" else "the worker"
    text = f"{path} needs {missing.missing}, which is not available in {where}"
    if is_refused:
        text = f"{path}: {missing.path}"
    explained: Exception
    match error:
        case ImportError():
            is_plain = type(error) in (ImportError, ModuleNotFoundError)
            explained = type(error)(f"{text}: {error}", name=error.name, path=error.path) if is_plain else error
        case _ if type(error).__module__ == "builtins" and len(error.args) == 1 and isinstance(error.args[0], str):
            explained = type(error)(f"{text}: {error}")
        case _:
            explained = error
    if explained is error:
        error.add_note(text)
        return error
    explained.__cause__ = error
    return explained


def _label(arguments: tuple[object, ...], names: tuple[str, ...]) -> list[tuple[str, object]]:
    positional = len(arguments) - len(names)
    labels = [f"argument {i}" for i in range(positional)] + [f"argument {name!r}" for name in names]
    return list(zip(labels, arguments, strict=True))


def _find(values: list[tuple[str, object]]) -> tuple[str, type[_StandIn]] | None:
    waiting = values[::-1]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _StandIn):
            return path, type(value)
        if isinstance(value, type) and issubclass(value, _StandIn):
            return path, value
        if id(value) not in seen:
            seen.add(id(value))
            waiting += _parts(path, value)[::-1]
    return None


def _parts(path: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, list | tuple):
        return [(f"{path}[{i}]", item) for i, item in enumerate(value)]
    if isinstance(value, dict):
        return [(f"{path} key", key) for key in value] + [(f"{path}[{key!r}]", item) for key, item in value.items()]
    if isinstance(value, set | frozenset):
        return [(f"{path} element", item) for item in value]
    attributes = getattr(value, "__dict__", None)
    if isinstance(attributes, dict) and not isinstance(value, type):
        return [(f"{path}.{name}", item) for name, item in attributes.items()]
    return []
