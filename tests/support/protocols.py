"""Types of the fixtures."""

from collections.abc import Callable
from typing import Any, Protocol

from aiointerpreters import InterpreterThreadPoolExecutor

type Tag = Callable[[Callable[..., Any]], Callable[..., Any]]


class MakePool(Protocol):
    """Makes pools that end with the test."""

    def __call__(self, *args: Any, **kwargs: Any) -> InterpreterThreadPoolExecutor: ...
