"""Has a function called when the import of a module has just been completed. For finders of workers."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


def find_spec(
    finders: "Iterable[Any]", name: str, path: "Any", target: "ModuleType | None", then: "Callable[[ModuleType], object]"
) -> "ModuleSpec | None":
    """Find a module as these finders do, with a loader that calls `then` with the module after it has been executed.

    name, path, target: what the finder was asked for that calls this.
    """
    for finder in finders:
        spec: ModuleSpec | None = finder.find_spec(name, path, target)
        if spec is not None:
            loader: Any = spec.loader
            if hasattr(loader, "exec_module"):
                spec.loader = _Loader(loader, then)  # type: ignore[assignment]
            return spec
    return None


class _Loader:
    """The loader of one import. The module has its own loader again before it is executed."""

    def __init__(self, loader: "Any", then: "Callable[[ModuleType], object]") -> None:
        self._loader = loader
        self._then = then

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)

    def exec_module(self, module: "ModuleType") -> None:
        spec: Any = module.__spec__
        spec.loader = self._loader
        if hasattr(module, "__loader__"):
            module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._then(module)
