"""Context variables and functions that read them. Workers import this by name.

Tests use `variables.request`. If a module imported a variable directly, workers could find it in that module too.
"""

import asyncio
from contextvars import ContextVar
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support.gate import Ends, hold

request: ContextVar[Any] = ContextVar("request", default="no request")
user: ContextVar[Any] = ContextVar("user", default="nobody")
undeclared: ContextVar[Any] = ContextVar("undeclared", default="not declared")
without_default: ContextVar[Any] = ContextVar("without_default")
odd: ContextVar[Any] = ContextVar("a name of its own", default="not odd")

type Seen = tuple[Any, Any]


def read(_: object = None) -> Any:
    """The value of `request` here."""
    return request.get()


def read_both(_: object = None) -> Seen:
    """The values of `request` and `user` here."""
    return request.get(), user.get()


async def read_in_loop(_: object = None) -> Any:
    """The value of `request` here, before and after other tasks had their turn."""
    before = request.get()
    await asyncio.sleep(0)
    assert request.get() == before
    return before


def read_all() -> dict[str, Any]:
    """The values of all variables with a default here."""
    return {variable.name: variable.get() for variable in (request, user, undeclared, odd)}


def read_without_default() -> Any:
    """Raise LookupError if the variable is not set here."""
    return without_default.get()


def read_with(first: Any, second: Any = None, *, third: Any = None) -> tuple[Any, ...]:
    """The value of `request` here, and the arguments."""
    return request.get(), first, second, third


def replace(value: Any) -> Any:
    """Set `request`. Return its earlier value."""
    before = request.get()
    request.set(value)
    return before


async def replace_in_loop(value: Any) -> Any:
    """The same."""
    return replace(value)


def append(value: Any) -> list[Any]:
    """Change the object in `request` in place."""
    rows: list[Any] = request.get()
    rows.append(value)
    return rows


def write(value: int) -> None:
    """Change the memory that `request` refers to."""
    request.get()[0] = value


def hold_request(ends: Ends) -> Any:
    """Pass the gate. Return the value of `request` then."""
    hold(ends)
    return request.get()


@interpreter.with_context(request)
def tagged_read() -> Any:
    """The value of `request` here, tagged."""
    return request.get()


def read_in_own_pool(value: Any) -> list[Any]:
    """Set `request`, and make a further call from here."""
    request.set(value)
    with InterpreterThreadPoolExecutor(1) as pool:
        return [tagged_read(), pool.submit(tagged_read).result(), pool.submit(interpreter(read)).result()]


class Reader:
    """All methods return the value of `request`."""

    @interpreter.with_context(request)
    def method(self) -> Any:
        """A method."""
        return request.get()

    @classmethod
    @interpreter.with_context(request)
    def of_class(cls) -> Any:
        """A method of the class."""
        return cls.__name__, request.get()

    @staticmethod
    @interpreter.with_context(request)
    def static(n: int) -> Any:
        """A static method."""
        return n, request.get()

    def plain(self) -> Any:
        """A method that is not tagged."""
        return request.get()

    def __call__(self) -> Any:
        """Instances can be called."""
        return request.get()
