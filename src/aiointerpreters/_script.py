"""Finds out where `__main__` comes from, and runs it in a worker so that the worker has its functions.

The rules are those of multiprocessing's spawn (Lib/multiprocessing/spawn.py): a script's functions are found by running the
script once more, as `__mp_main__`, in each interpreter that needs one of them.
"""

import io
import os
import sys
from _weakref import ref
from importlib.util import MAGIC_NUMBER
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ALIAS = "__mp_main__"
_has_alias: "ref[ModuleType] | None" = None  # the module that got this name here
NAMES = ("__main__", ALIAS)
"""The names of a program's main module. Workers have the second one too."""


def describe(main: ModuleType | None) -> tuple[bool, str] | None:
    """Return how a worker finds the program's `__main__`: (True, module name), (False, path of the script), or None.

    None means a `__main__` that cannot be run again: -c, stdin, a REPL, a notebook, an app of Streamlit, or a package's
    `__main__.py`, which usually does not check its name. In the main interpreter `__mp_main__` becomes another name of
    `__main__`. So instances of a script's classes have the right class when they come back.
    """
    if main is None:
        return None
    _give_alias(main)
    if _is_run_by_a_tool():
        return None
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return None if spec.name == "__main__" or spec.name.endswith(".__main__") else (True, spec.name)
    path = getattr(main, "__file__", None)
    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    return (False, os.path.abspath(path))


def _give_alias(main: ModuleType) -> None:
    """Make `__mp_main__` another name of `__main__`, also if a tool has replaced it. Workers keep theirs."""
    global _has_alias
    known = sys.modules.get(ALIAS)
    if known is None or (_has_alias is not None and _has_alias() is known):
        sys.modules[ALIAS] = main
        _has_alias = ref(main)


def is_beside_script(obj: object) -> bool:
    """Return whether a function of a script's `__main__` is not in the script: it was typed at a prompt (python -i)."""
    code = getattr(getattr(obj, "fn", obj), "__code__", None)
    return code is not None and code.co_filename.startswith("<")


def _is_run_by_a_tool() -> bool:
    """Return whether a tool runs the program in parts, or several programs one after the other, as `__main__`.

    A worker that runs the file does not get the same functions, even if the module names a file: IPython and Jupyter (VS
    Code sets `__file__`, and %run runs scripts), marimo, Streamlit. Each is asked by its documented function, if it has been
    imported.
    """
    asked: list[tuple[str, Callable[[Any], bool]]] = [
        ("IPython", lambda module: module.get_ipython() is not None),
        ("marimo", lambda module: module.app_meta().mode is not None),
        ("streamlit.runtime", lambda module: module.exists()),
    ]
    for name, is_running in asked:
        try:
            if (module := sys.modules.get(name)) is not None and is_running(module):
                return True
        except Exception:  # it is being imported, or is another version
            continue
    return False


def is_running_homes() -> bool:
    """Return whether this worker is running the program's script now. It becomes `__main__` here when it has ended."""
    main = sys.modules.get("__main__")
    return sys.modules.get(ALIAS, main) is not main


def run_module(name: str) -> None:
    """Run the module `name` as this interpreter's `__mp_main__` and `__main__`."""
    import runpy

    _install(_module(runpy.run_module(name, run_name=ALIAS, alter_sys=True)))


def run_path(path: str) -> None:
    """Run the script at `path` as this interpreter's `__mp_main__` and `__main__`.

    This does the same as `runpy.run_path`, which would import pkgutil and collections: 0.8 MB in each worker.
    """
    with io.open_code(path) as file:
        source = file.read()
    if source.startswith(MAGIC_NUMBER):  # a compiled file
        import runpy

        _install(_module(runpy.run_path(path, run_name=ALIAS)))
        return
    main = _module({"__file__": path, "__package__": ""})
    if sys.version_info < (3, 15):
        main.__dict__["__cached__"] = None
    code = compile(source, path, "exec", dont_inherit=True)
    argument = sys.argv[0]
    sys.modules[ALIAS], sys.argv[0] = main, path
    try:
        exec(code, main.__dict__)
    except BaseException:
        sys.modules.pop(ALIAS, None)
        raise
    finally:
        sys.argv[:1] = [argument]  # the script may have emptied the list
    _install(main)


def _module(names: dict[str, object]) -> ModuleType:
    module = ModuleType(ALIAS)
    module.__dict__.update(names)
    return module


def _install(main: ModuleType) -> None:
    sys.modules["__main__"] = sys.modules[ALIAS] = main
