"""Imports in workers. Workers import this by name."""

import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable
from typing import Any

from support.gate import Ends, hold_then


def arrive_and_call(ends: Ends, fn: Callable[..., Any], *args: Any) -> Any:
    """Call as soon as all other workers are ready too."""
    return hold_then(ends, fn, *args)


def call(module: str, name: str, *args: Any) -> Any:
    """Call a function of a module."""
    return getattr(importlib.import_module(module), name)(*args)


def count_in(path: str) -> int:
    """Open a library through ctypes and let it count."""
    count: int = importlib.import_module("ctypes").CDLL(path).count_without_python()
    return count


def open_library(path: str) -> bool:
    """Open a library through ctypes; return whether it is open."""
    return bool(importlib.import_module("ctypes").CDLL(path)._handle)


def code_of(module: str) -> list[str]:
    """Import a module and return the files from which its code is mapped, in order."""
    path = importlib.import_module(module).__file__
    assert path is not None
    name = path.rpartition("/")[2]
    with open("/proc/self/maps", encoding="utf-8") as maps:
        fields = [line.split(maxsplit=5) for line in maps]
    return sorted({each[5].strip() for each in fields if "x" in each[1] and each[-1].strip().endswith(name)})


def get(module: str, name: str) -> Any:
    """Import a module and return its attribute of that name."""
    return getattr(importlib.import_module(module), name)


def import_in_two_threads(meeting: str, first: str, second: str) -> None:
    """Import the second module while a thread imports the first one. The first import ends before the second one."""
    events = importlib.import_module(meeting)

    def import_first() -> None:
        importlib.import_module(first)
        events.first_is_done.set()

    thread = threading.Thread(target=import_first)
    thread.start()
    events.first_is_inside.wait()
    importlib.import_module(second)
    thread.join()


def is_importable(module: str) -> bool:
    """Import it and return whether that works."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def is_imported(module: str) -> bool:
    """Whether it is in sys.modules."""
    return module in sys.modules


def describe(module: str) -> tuple[str, str | None, str | None]:
    """Import a module and return its name, its file and the origin of its spec."""
    imported = importlib.import_module(module)
    spec = imported.__spec__
    return imported.__name__, getattr(imported, "__file__", None), spec.origin if spec is not None else None


def is_same_again(module: str) -> bool:
    """Import a module, forget it, and import it again."""
    first = importlib.import_module(module)
    del sys.modules[module]
    return importlib.import_module(module) is first


def load_from(module: str, path: str) -> str:
    """Import a module from a file, by making a spec."""
    spec = importlib.util.spec_from_file_location(module, path)
    assert spec is not None
    return importlib.util.module_from_spec(spec).__name__


def forget_finders() -> None:
    """Make finders look again for files that did not exist before."""
    importlib.invalidate_caches()


def import_each(modules: list[str]) -> dict[str, str]:
    """Import modules. Return the reason for each module that cannot be imported."""
    errors = {}
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            errors[module] = str(error)
    return errors


def write_own_traceback(path: str) -> str:
    """Let faulthandler write a traceback, and read it."""
    with open(path, "w+", encoding="utf-8") as file:
        call("faulthandler", "dump_traceback", file)
        file.seek(0)
        return file.read()


def use_readline() -> dict[str, Any]:
    """Set what programs usually set, and return what they find there."""
    readline = importlib.import_module("readline")
    readline.set_completer(len)
    readline.set_completer_delims(" ")
    readline.parse_and_bind("tab: complete")
    readline.add_history("one")
    readline.add_history("two")
    readline.replace_history_item(1, "three")
    readline.remove_history_item(0)
    return {
        "name": readline.__name__,
        "completer": readline.get_completer().__name__,
        "delims": readline.get_completer_delims(),
        "history": [readline.get_history_item(1), readline.get_history_item(2)],
    }
