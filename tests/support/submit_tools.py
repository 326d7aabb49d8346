"""Tools for tracing. They replace ThreadPoolExecutor.submit, in each of the known ways."""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from types import CodeType
from typing import Any

import pytest

request: ContextVar[str] = ContextVar("request", default="none")


class Tool:
    """The observations of a tool."""

    def __init__(self) -> None:
        self.submitted: list[Any] = []
        self.ran_in: list[tuple[threading.Thread, str]] = []

    def run_with(self, value: str, fn: Any, args: Any, kwargs: Any) -> Any:
        """Run a call with the `request` of the submitting code."""
        token = request.set(value)
        self.ran_in.append((threading.current_thread(), value))
        try:
            return fn(*args, **kwargs)
        finally:
            request.reset(token)

    def around(self, fn: Any) -> Callable[..., Any]:
        """Return a closure that does the same with a submitted callable."""
        self.submitted.append(fn)
        value = request.get()

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return self.run_with(value, fn, args, kwargs)

        return wrapped


type Install = Callable[[pytest.MonkeyPatch, Tool], None]


def by_assignment(patch: pytest.MonkeyPatch, tool: Tool) -> None:
    """In the way of Sentry: a function in the class, and a closure around the callable."""
    original: Any = ThreadPoolExecutor.submit

    @functools.wraps(original)
    def submit(self: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self, tool.around(fn), *args, **kwargs)

    patch.setattr(ThreadPoolExecutor, "submit", submit)


def by_descriptor(patch: pytest.MonkeyPatch, tool: Tool) -> None:
    """In the way of OpenTelemetry with wrapt: an object that binds itself, and a closure."""
    original: Any = ThreadPoolExecutor.submit

    class Wrapper:
        def __get__(self, instance: Any, owner: type) -> Any:
            return functools.partial(self, instance)

        def __call__(self, instance: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
            return original.__get__(instance)(tool.around(fn), *args, **kwargs)

    patch.setattr(ThreadPoolExecutor, "submit", Wrapper())


_hook: Callable[..., Any]


def _run_with(tool: Tool, value: str, fn: Any, args: Any, kwargs: Any) -> Any:
    return tool.run_with(value, fn, args, kwargs)


def by_code(patch: pytest.MonkeyPatch, tool: Tool) -> None:
    """In the way of ddtrace: other code in the same function, and the callable as an argument of another one."""
    original: Any = ThreadPoolExecutor.submit
    kept: CodeType = original.__code__
    real = type(original)(kept, original.__globals__, "submit", original.__defaults__, original.__closure__)

    def hook(self: Any, fn: Any, args: Any, kwargs: Any) -> Any:
        tool.submitted.append(fn)
        return real(self, _run_with, tool, request.get(), fn, args, kwargs)

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        return __submit_hook(self, fn, args, kwargs)  # type: ignore[name-defined]  # noqa: F821

    patch.setitem(original.__globals__, "__submit_hook", hook)
    patch.setattr(original, "__code__", submit.__code__)


INSTALLS: list[Install] = [by_assignment, by_descriptor, by_code]
