"""The two ways to declare context variables. Tests of common behaviour use both."""

from contextvars import ContextVar
from typing import Any, Protocol

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support.protocols import MakePool, Tag


class Place(Protocol):
    """Makes a pool with one worker, and a tag, whose calls carry these variables."""

    def __call__(self, make_pool: MakePool, /, *carried: ContextVar[Any]) -> tuple[InterpreterThreadPoolExecutor, Tag]: ...


def at_executor(make_pool: MakePool, /, *carried: ContextVar[Any]) -> tuple[InterpreterThreadPoolExecutor, Tag]:
    """The pool carries them for all tags."""
    return make_pool(1, context_vars=carried), interpreter


def at_tag(make_pool: MakePool, /, *carried: ContextVar[Any]) -> tuple[InterpreterThreadPoolExecutor, Tag]:
    """The tag carries them through every pool."""
    return make_pool(1), interpreter.with_context(*carried)


PLACES: list[Place] = [at_executor, at_tag]
