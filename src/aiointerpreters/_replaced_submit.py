"""Calls that go through ThreadPoolExecutor.submit, because a tool has put a function of its own in its place.

Tools for tracing do that, to have calls carry the context of who submits. The executor's `submit` then calls what stands
there; that calls the standard library's function in the end, which puts a work item into the executor's queue, and so it
comes back here.
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
    """What a FollowingFuture follows: a future of the engine's."""

    def add_done_callback(self, fn: Callable[[Any], object], /) -> object: ...
    def running(self) -> bool: ...
    def cancel(self) -> bool: ...
    def interrupt(self) -> bool: ...


class Call:
    """A call as it was handed to `submit`."""

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
        self.future_class: type[FollowingFuture] = FollowingFuture  # what a tool gets for it
        self.is_by_run = False  # it is looked for in whatever is submitted meanwhile, until it has been found
        self.is_found = False

    def start(self) -> Followed:
        """Give it to the engine, as it is."""
        self.is_found = True
        return self._to_engine()


class _Calls(threading.local):
    """The calls that this thread is submitting."""

    def __init__(self) -> None:
        self.stack: list[Call] = []


calls = _Calls()

# How many objects are looked at to find a tagged function in what a tool has made of it.
_LOOKS = 200


def submit(executor: "InterpreterThreadPoolExecutor", fn: Any, args: Args, kwargs: dict[str, Any]) -> StandardFuture[Any]:
    """Have what stands at ThreadPoolExecutor.submit see the call, and return what that returns."""
    return _submit(Call(executor, fn, args, kwargs, partial(executor._submit_here, fn, *args, **kwargs)))


def submit_rows(executor: "InterpreterThreadPoolExecutor", tagged: Any, rows: list[Args]) -> StandardFuture[Any]:
    """Do the same for a chunk of `map`."""
    return _submit(
        Call(executor, partial(_call_rows, tagged), (rows,), {}, partial(executor._submit_rows_here, tagged, rows))
    )


def accept(executor: "InterpreterThreadPoolExecutor", item: Any) -> None:
    """Submit to the engine what the standard library's function has put into the queue.

    A tagged call runs in an interpreter, without what the tool has put around it, as long as the function can be found
    in that and its arguments are the same. All else runs as the tool wants it.
    """
    fn, args, kwargs = item.task if hasattr(item, "task") else (item.fn, item.args, item.kwargs)
    call = _find(executor, fn, args, kwargs)
    native: Followed = executor._submit_here(fn, *args, **kwargs) if call is None else call.start()
    item.future.__class__ = FollowingFuture if call is None else call.future_class
    item.future.native = native


def is_tagged(fn: Any, args: Args) -> bool:
    """Whether the engine sees a tag there (core/binding/submission.h)."""
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
    """Return the tagged call that a tool has submitted as this one: one of `run`, or the last one."""
    by_run = [call for call in calls.stack if call.is_by_run and not call.is_found]
    last = [call for call in calls.stack[-1:] if not call.is_by_run]
    for call in by_run + last:
        if call.executor is executor and _is_around(fn, args, kwargs, call):
            return call
    return None


def _call_rows(tagged: Callable[..., Any], rows: list[Args]) -> list[Any]:
    return [tagged(*row) for row in rows]


class FollowingFuture(StandardFuture[Any]):
    """A future that the standard library has made for a call of the engine's: it ends as the engine's future does.

    It follows that from the first time on when somebody looks. Its class is set when it is there already.
    """

    @property
    def _condition(self) -> threading.Condition:  # type: ignore[override]
        """What every method uses first, and `wait` and `as_completed` too."""
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
        """Stop the call, as the engine's futures do it."""
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
    """Whether it calls the tagged function of that call, with the same arguments, as far as one can see."""
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
    """Whether `wanted` is what a function, a partial or a callable object holds."""
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
