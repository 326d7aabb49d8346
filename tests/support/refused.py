"""Exceptions of tasks whose extension module was refused. Workers import this by name."""

import importlib

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import imports


class Mine(Exception):
    """Add a note to it."""

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
    """Raise it in a group together with another one."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        group = ExceptionGroup("some", [ValueError(), ExceptionGroup("more", [error])])
        group.add_note("mine")
        raise group from None


def in_a_ring(module: str) -> None:
    """Raise one of two exceptions that are each other's causes. It is the context."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        first, second, third = Mine(), Mine(), Mine()
        first.__cause__, second.__context__, third.__context__ = second, third, error
        error.__cause__ = first
        raise first  # noqa: B904


def from_none(module: str) -> None:
    """Raise another exception without it."""
    try:
        importlib.import_module(module)
    except ImportError:
        raise ValueError from None


def of_another_kind(module: str) -> None:
    """Raise an exception with a similar text."""
    raise ValueError(f"module {module} does not support loading in subinterpreters")


def missing(module: str) -> None:
    """Import a module that does not exist."""
    importlib.import_module(f"no_{module}")


def of_its_own_making() -> None:
    """Raise the exception that CPython would raise."""
    raise ImportError("module other does not support loading in subinterpreters")


def in_own_pool(module: str) -> None:
    """Import it in a worker of a worker."""
    with InterpreterThreadPoolExecutor(1) as pool:
        pool.submit(interpreter(imports.describe), module).result()


async def in_coroutine(module: str) -> None:
    """Import it in a coroutine."""
    importlib.import_module(module)
