"""What tasks raise when an extension module has refused them. Workers import this by name."""

import importlib

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import imports


class Mine(Exception):
    """With a note."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.add_note("mine")


def from_it(module: str) -> None:
    """Raise another exception from it."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise Mine from error


def while_handling(module: str) -> None:
    """Raise another exception while handling it."""
    try:
        importlib.import_module(module)
    except ImportError:
        raise Mine  # noqa: B904


def in_a_group(module: str) -> None:
    """Raise it in a group, with another one."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        group = ExceptionGroup("some", [ValueError(), ExceptionGroup("more", [error])])
        group.add_note("mine")
        raise group from None


def in_a_ring(module: str) -> None:
    """Raise one of two that have each other for their causes; it is a context."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        first, second, third = Mine(), Mine(), Mine()
        first.__cause__, second.__context__, third.__context__ = second, third, error
        error.__cause__ = first
        raise first  # noqa: B904


def from_none(module: str) -> None:
    """Raise another exception, and nothing of it."""
    try:
        importlib.import_module(module)
    except ImportError:
        raise ValueError from None


def of_another_kind(module: str) -> None:
    """Raise what only sounds like it."""
    raise ValueError(f"module {module} does not support loading in subinterpreters")


def missing(module: str) -> None:
    """Import what is not there."""
    importlib.import_module(f"no_{module}")


def of_its_own_making() -> None:
    """Raise what CPython would raise."""
    raise ImportError("module other does not support loading in subinterpreters")


def in_own_pool(module: str) -> None:
    """Import it in a worker of a worker."""
    with InterpreterThreadPoolExecutor(1) as pool:
        pool.submit(interpreter(imports.describe), module).result()


async def in_coroutine(module: str) -> None:
    """Import it in a coroutine."""
    importlib.import_module(module)
