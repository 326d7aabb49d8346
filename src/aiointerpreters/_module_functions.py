"""Functions named by where they are defined, found and called in a worker's interpreter."""

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any


def call(kind: str, place: str, name: str, /, *args: Any, **kwargs: Any) -> Any:
    """Call the function of that name in the module ("module") or in the file ("path") `place`.

    Each file is run once in each interpreter, under a name that is not `__main__`. Raises what finding it raises:
    ImportError, FileNotFoundError, AttributeError.
    """
    return _find(kind, place, name)(*args, **kwargs)


@cache
def _find(kind: str, place: str, name: str) -> Callable[..., Any]:
    module = importlib.import_module(place) if kind == "module" else _run(place)
    return getattr(module, name)  # type: ignore[no-any-return]


@cache
def _run(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("my_module", path)  # the name that it has had since release 0.1
    if spec is None or spec.loader is None:
        raise ImportError(f"no Python file: {path}", path=path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
