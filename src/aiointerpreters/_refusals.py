"""Which argument of a call cannot be made in a worker, since a module or class that it needs is not to be had there."""

import io
from _pickle import Unpickler
from collections.abc import Callable
from typing import Any


class _StandIn:
    """Stands in for what is made by something that is not to be had; takes whatever pickle does with it."""

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
            return _StandIn


def unpickle(content: bytes, persistent_load: Callable[[int], object] | None) -> object:
    """Read a pickle, with stand-ins for what is made by something that is not to be had."""
    unpickler = _Unpickler(io.BytesIO(content))
    if persistent_load is not None:
        unpickler.persistent_load = persistent_load  # type: ignore[method-assign]
    return unpickler.load()


def find_class(module: str, name: str) -> Any:
    """Return what a pickle means by such a name; a stand-in if it is not to be had."""
    unpickler = _Unpickler(io.BytesIO(b"\x80\x04N."))
    unpickler.load()  # it knows then that names may be dotted
    return unpickler.find_class(module, name)


def find(arguments: tuple[object, ...], names: tuple[str, ...]) -> str | None:
    """Return the path to the first stand-in among the arguments of a call, the last ones of which have names."""
    positional = len(arguments) - len(names)
    labels = [f"argument {i}" for i in range(positional)] + [f"argument {name!r}" for name in names]
    waiting = list(zip(labels, arguments, strict=True))[::-1]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _StandIn) or value is _StandIn:
            return path
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
