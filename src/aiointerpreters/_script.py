"""Finds out where `__main__` comes from, and runs it in a worker so that the worker has its functions.

The rules are those of multiprocessing's spawn (Lib/multiprocessing/spawn.py): a script's functions are found by running the
script once more, as `__mp_main__`, in each interpreter that needs one of them.
"""

import io
import os
import sys
from importlib.util import MAGIC_NUMBER
from types import ModuleType

_ALIAS = "__mp_main__"
NAMES = ("__main__", _ALIAS)
"""The names of a program's main module. Workers have the second one too."""


def describe(main: ModuleType | None) -> tuple[bool, str] | None:
    """Return how a worker finds the program's `__main__`: (True, module name), (False, path of the script), or None.

    None means a `__main__` that cannot be run again: -c, stdin, a REPL, a notebook, or a package's `__main__.py`, which
    usually does not check its name. In the main interpreter `__mp_main__` becomes another name of `__main__`. So instances
    of a script's classes have the right class when they come back.
    """
    if main is None:
        return None
    sys.modules.setdefault(_ALIAS, main)
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return None if spec.name == "__main__" or spec.name.endswith(".__main__") else (True, spec.name)
    path = getattr(main, "__file__", None)
    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    return (False, os.path.abspath(path))


def is_running_homes() -> bool:
    """Return whether this worker is running the program's script now. It becomes `__main__` here when it has ended."""
    main = sys.modules.get("__main__")
    return sys.modules.get(_ALIAS, main) is not main


def run_module(name: str) -> None:
    """Run the module `name` as this interpreter's `__mp_main__` and `__main__`."""
    import runpy

    _install(_module(runpy.run_module(name, run_name=_ALIAS, alter_sys=True)))


def run_path(path: str) -> None:
    """Run the script at `path` as this interpreter's `__mp_main__` and `__main__`.

    This does the same as `runpy.run_path`, which would import pkgutil and collections: 0.8 MB in each worker.
    """
    with io.open_code(path) as file:
        source = file.read()
    if source.startswith(MAGIC_NUMBER):  # a compiled file
        import runpy

        _install(_module(runpy.run_path(path, run_name=_ALIAS)))
        return
    main = _module({"__file__": path, "__package__": ""})
    if sys.version_info < (3, 15):
        main.__dict__["__cached__"] = None
    code = compile(source, path, "exec", dont_inherit=True)
    argument = sys.argv[0]
    sys.modules[_ALIAS], sys.argv[0] = main, path
    try:
        exec(code, main.__dict__)
    except BaseException:
        sys.modules.pop(_ALIAS, None)
        raise
    finally:
        sys.argv[:1] = [argument]  # the script may have emptied the list
    _install(main)


def _module(names: dict[str, object]) -> ModuleType:
    module = ModuleType(_ALIAS)
    module.__dict__.update(names)
    return module


def _install(main: ModuleType) -> None:
    sys.modules["__main__"] = sys.modules[_ALIAS] = main
