"""Tagged functions, and wrappers around them. Workers import this by name."""

import functools
from collections.abc import Callable, Generator
from typing import Any

from aiointerpreters import current, interpreter


@interpreter
def tagged(*args: Any, **kwargs: Any) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Return where this runs, and the arguments."""
    return current().where, args, kwargs


def passing_on(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that adds nothing."""

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return fn(*args, **kwargs)

    return wrapper


def with_defaults(fn: Callable[..., Any], last: Any) -> Callable[..., Any]:
    """A decorator with parameters of its own."""

    def wrapper(first: Any, /, second: Any = 2, *rest: Any, third: Any = 3, **kwargs: Any) -> Any:
        return fn(first, second, *rest, last=last, third=third, **kwargs)

    return wrapper


def keeping(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that stores the result before it returns it."""

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = fn(*args, **kwargs)
        return result  # noqa: RET504

    return wrapper


def with_keywords(fn: Callable[..., Any], *, option: Any) -> Callable[..., Any]:
    """A closure that takes only keywords."""

    def wrapper(*, first: Any, second: Any = 2) -> Any:
        return fn(first, second=second, option=option)

    return wrapper


class Wrapper:
    """A decorator that is a class."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        functools.update_wrapper(self, fn)
        self.fn = fn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return self.fn(*args, **kwargs)


def counting(fn: Callable[..., Any], calls: list[object]) -> Callable[..., Any]:
    """A decorator that does something of its own."""

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        return fn(*args, **kwargs)

    return wrapper


class Job:
    """Has tagged methods, and a method that calls one."""

    label = "of the class"

    def __init__(self, number: int) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"Job({self.number})"

    @interpreter
    def method(self, *args: Any) -> Any:
        """Return where this runs, and the number."""
        return current().where, self.number, args

    @staticmethod
    @interpreter
    def alone(*args: Any) -> Any:
        """Return where this runs."""
        return current().where, args

    @classmethod
    @interpreter
    def of_class(cls, *args: Any) -> Any:
        """Return where this runs, and the class."""
        return current().where, cls.__name__, args

    def passing_on(self, value: Any) -> Any:
        """Call the tagged function."""
        return tagged(value)

    @classmethod
    def class_passing_on(cls, value: Any) -> Any:
        """Call the tagged function."""
        return tagged(cls.label, value)

    also = tagged
    partly = functools.partialmethod(tagged, 0)
    also_of_class = classmethod(tagged)

    @property
    def computed(self) -> Any:
        """A property, which is code."""
        return self.number


@interpreter
def generate() -> Generator[str]:
    """Yield where this runs."""
    yield current().where


@interpreter
async def coroutine() -> str:
    """Return where this runs."""
    return current().where
