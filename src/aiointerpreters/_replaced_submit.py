"""Calls that go through ThreadPoolExecutor.submit, because a tool has replaced that method.

Tracing tools replace it, so that calls carry the context of the submitting code. The executor's `submit` then calls the
replacement. The replacement finally calls the standard library's function, which puts a work item into the executor's
queue. `accept` receives the item.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future as StandardFuture
from contextvars import Context
from functools import partial
from types import BuiltinMethodType, CellType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Protocol, cast

from . import _core
from ._core import interpreter

if TYPE_CHECKING:
    from .executors import InterpreterThreadPoolExecutor

type Args = tuple[Any, ...]


class Followed(Protocol):
    """The interface of the future that a FollowingFuture follows: a future of the engine."""

    def add_done_callback(self, fn: Callable[[Any], object], /) -> object: ...
    def running(self) -> bool: ...
    def cancel(self) -> bool: ...
    def interrupt(self) -> bool: ...


class Call:
    """A call with the arguments that `submit` was called with."""

    def __init__(
        self,
        executor: "InterpreterThreadPoolExecutor",
        fn: Any,
        args: Args,
        kwargs: dict[str, Any],
        to_engine: Callable[[], Followed],
    ) -> None:
        self.executor = executor
        self.fn = fn
        self.args = args
        self.kwargs = kwargs
        self._to_engine = to_engine
        self.future_class: type[FollowingFuture] = FollowingFuture  # the future that a tool receives
        self.is_by_run = False  # if true, every submit is checked for it until it is found
        self.is_found = False

    def start(self) -> Followed:
        """Pass the call to the engine, without a tool's wrapper."""
        self.is_found = True
        return self._to_engine()


class _Calls(threading.local):
    """The calls that this thread is submitting."""

    def __init__(self) -> None:
        self.stack: list[Call] = []


calls = _Calls()

# How many objects are examined to find a tagged function in a tool's wrapper.
_LOOKS = 200


def submit(executor: "InterpreterThreadPoolExecutor", fn: Any, args: Args, kwargs: dict[str, Any]) -> StandardFuture[Any]:
    """Pass the call to the replaced ThreadPoolExecutor.submit, and return the future."""
    return _submit(Call(executor, fn, args, kwargs, partial(executor._submit_here, fn, *args, **kwargs)))


def submit_rows(executor: "InterpreterThreadPoolExecutor", tagged: Any, rows: list[Args]) -> StandardFuture[Any]:
    """Do the same for a chunk of `map`."""
    return _submit(
        Call(executor, partial(_call_rows, tagged), (rows,), {}, partial(executor._submit_rows_here, tagged, rows))
    )


def accept(executor: "InterpreterThreadPoolExecutor", item: Any) -> None:
    """Submit a work item that the standard library's function has put into the queue to the engine.

    A tagged call runs in an interpreter, without the tool's wrapper, if the function can be found in the wrapper and the
    arguments are the same. Any other item runs with the wrapper.
    """
    fn, args, kwargs = item.task if hasattr(item, "task") else (item.fn, item.args, item.kwargs)
    call = _find(executor, fn, args, kwargs)
    native: Followed = executor._submit_here(fn, *args, **kwargs) if call is None else call.start()
    item.future.__class__ = FollowingFuture if call is None else call.future_class
    item.future.native = native


def is_tagged(fn: Any, args: Args) -> bool:
    """Whether the engine finds a tag in `fn` (core/binding/submission.h)."""
    for _ in range(_LOOKS):
        match fn:
            case interpreter():
                return True
            case partial():
                fn, args = fn.func, fn.args + args
            case MethodType():
                return isinstance(fn.__func__, interpreter)
            case BuiltinMethodType() if isinstance(fn.__self__, Context) and args:
                fn, args = args[0], args[1:]
            case _:
                return fn is _call_rows
    return False


def _submit(call: Call) -> StandardFuture[Any]:
    calls.stack.append(call)
    try:
        future: StandardFuture[Any] = super(_core.ExecutorBase, call.executor).submit(call.fn, *call.args, **call.kwargs)
    finally:
        calls.stack.pop()
    native = future.__dict__.get("native") if isinstance(future, FollowingFuture) else None
    return native if isinstance(native, StandardFuture) else future


def _find(executor: "InterpreterThreadPoolExecutor", fn: Any, args: Args, kwargs: dict[str, Any]) -> Call | None:
    """Return the tagged call to which this item belongs: a call of `run`, or the latest call of `submit`."""
    by_run = [call for call in calls.stack if call.is_by_run and not call.is_found]
    last = [call for call in calls.stack[-1:] if not call.is_by_run]
    for call in by_run + last:
        if call.executor is executor and _is_around(fn, args, kwargs, call):
            return call
    return None


def _call_rows(tagged: Callable[..., Any], rows: list[Args]) -> list[Any]:
    return [tagged(*row) for row in rows]


class FollowingFuture(StandardFuture[Any]):
    """A future of the standard library for a call that the engine runs. It ends like the engine's future.

    It begins to follow the engine's future when it is first used. The standard library creates the object, and `accept`
    then changes its class to this one.
    """

    @property
    def _condition(self) -> threading.Condition:  # type: ignore[override]
        """The condition. Every method, `wait` and `as_completed` use it first."""
        native = self.__dict__.pop("native", None)
        if native is not None:
            self.__dict__["followed"] = native
            native.add_done_callback(self._end_as)
        return cast(threading.Condition, self.__dict__["_condition"])

    @property
    def _native(self) -> Followed:
        followed = self.__dict__.get("followed")
        return cast(Followed, self.__dict__["native"] if followed is None else followed)

    def running(self) -> bool:
        return self._native.running()

    def cancel(self) -> bool:
        return self._native.cancel() and super().cancel()

    def interrupt(self) -> bool:
        """Stop the call, like the engine's futures."""
        return self._native.interrupt()

    def _end_as(self, native: StandardFuture[Any]) -> None:
        if native.cancelled():
            super().cancel()
        if not self.set_running_or_notify_cancel():
            return
        error = native.exception()
        if error is not None:
            self.set_exception(error)
        else:
            self.set_result(native.result())


def _is_around(fn: Any, args: Args, kwargs: dict[str, Any], call: Call) -> bool:
    """Whether `fn` seems to call the tagged function of `call` with the same arguments."""
    if not is_tagged(call.fn, call.args):
        return False
    if fn is call.fn or _contains(fn, call.fn):
        return _ends_with(args, call.args) and all(kwargs.get(name) is value for name, value in call.kwargs.items())
    if not any(callable(value) and _contains(value, call.fn) for value in args):
        return False
    return _ends_with(args, call.args) or any(isinstance(value, tuple) and _are_same(value, call.args) for value in args)


def _are_same(these: Args, those: Args) -> bool:
    return len(these) == len(those) and all(one is other for one, other in zip(these, those, strict=True))


def _ends_with(these: Args, those: Args) -> bool:
    return _are_same(these[len(these) - len(those) :], those) if len(those) <= len(these) else False


def _contains(around: Any, wanted: Any) -> bool:
    """Whether a function, a partial or a callable object refers to `wanted`."""
    found: list[Any] = [around]
    seen: set[int] = set()
    for _ in range(_LOOKS):
        if not found:
            break
        one = found.pop()
        if one is wanted:
            return True
        if id(one) not in seen:
            seen.add(id(one))
            found.extend(_held_by(one))
    return False


def _held_by(one: Any) -> Iterator[Any]:
    match one:
        case FunctionType():
            for cell in one.__closure__ or ():
                yield from _held_by(cell)
            yield from one.__defaults__ or ()
            yield from (one.__kwdefaults__ or {}).values()
            yield from vars(one).values()
        case CellType():
            try:
                yield one.cell_contents
            except ValueError:  # it is empty
                return
        case partial():
            yield one.func
            yield from one.args
            yield from one.keywords.values()
        case MethodType():
            yield one.__func__
            yield one.__self__
        case tuple() | list():
            yield from one[:_LOOKS]
        case type():
            return
        case _ if callable(one):
            yield from getattr(one, "__dict__", {}).values()
