"""The runner: functions in interpreters for asyncio, without an executor that the user creates."""

import asyncio
import inspect
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial, wraps
from types import MethodType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, overload
from weakref import WeakSet

from . import _core, _module_functions
from ._core import interpreter
from ._options import Extensions, Fallback, Words, are_private, forwards, names_of_modules
from ._stopping import is_stop
from ._window import Window, zipped
from .errors import InterpreterError, RunnerError
from .executors import InterpreterThreadPoolExecutor

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


__all__ = ["InterpreterError", "ModuleInfo", "Runner", "RunnerError", "get_module_info"]

type ModuleInfo = tuple[Literal["module", "path"], str, str]
"""Place of a function: `("module", module, name)`, or `("path", file, name)` for a function of a script."""

type _Items[T] = Iterable[T] | AsyncIterable[T]

# The default limit of `map`, for each worker: enough work between two iterations of the event loop.
_WINDOW = 32


class Runner:
    """Runs functions in interpreters from asyncio, without an executor.

    Use `async with Runner(workers=4) as runner` in a coroutine, or `with Runner(workers=4) as runner` around `asyncio.run`.
    A runner uses an `InterpreterThreadPoolExecutor`. If you have an executor, you can await its `run` instead.
    """

    def __init__(
        self,
        *,
        workers: int,
        extensions: Extensions | None = None,
        fallback: Fallback | None = None,
        preload: Iterable[str] = (),
        logging: Words = "forward",
        output: Words = "own",
    ) -> None:
        """Create a runner. Its interpreters are created when it is started.

        Args:
            workers: Number of interpreters.
            extensions: Extension modules that the interpreters may import, as for `InterpreterThreadPoolExecutor`.
            fallback: What happens to calls that no interpreter can run, as for `InterpreterThreadPoolExecutor`.
            preload: Names of modules that each interpreter imports before its first call, likewise.
            logging: Where log records of the interpreters go, likewise.
            output: Where their output goes, likewise.

        Raises:
            ValueError: `workers` is less than 1, `extensions`, `fallback`, `logging` or `output` is unknown, or a name in
                `preload` cannot be a module's.
            TypeError: `workers` is not an integer, or `preload` is a str or contains other objects than str.
            NotImplementedError: `extensions` is `"private"` where private copies do not exist.
        """
        if not isinstance(workers, int):
            raise TypeError(f"workers must be an integer, not {workers!r}")
        if workers < 1:
            raise ValueError("workers must be greater than 0")
        are_private(extensions)
        _core.check_fallback(fallback)
        forwards(logging, output)
        self.workers = workers
        self._fallback = fallback
        self._extensions = extensions
        self._preload = names_of_modules(preload)
        self._logging: Words = logging
        self._output: Words = output
        self._executor: InterpreterThreadPoolExecutor | None = None
        self._coroutine_functions: dict[ModuleInfo, bool] = {}  # found out in workers
        self._awaited = 0  # calls under way, except those of `map`
        self._windows: WeakSet[Window[Any, Any]] = WeakSet()  # one for each running `map`

    def __repr__(self) -> str:
        workers = f"{self.workers} worker{'s' * (self.workers > 1)}"
        if self._executor is None:
            return f"<Runner of {workers}, not started>"
        calls = self._awaited + sum(window.under_way for window in self._windows)
        queued = min(self._executor._pool.queued, calls)
        return f"<Runner of {workers}, started, {calls} call{'s' * (calls != 1)} under way, {queued} of them queued>"

    def dump_traceback(self, file: "SupportsWrite[str] | None" = None) -> None:
        """Write what each worker runs, since when, and its Python stack, as text.

        As `InterpreterThreadPoolExecutor.dump_traceback`.

        Args:
            file: An object with a method `write` for str. None means `sys.stderr`.

        Raises:
            RunnerError: The runner is not started.
            TypeError: `file` has no method `write`.
            RuntimeError: `file` is None, and so is `sys.stderr`.
        """
        self._started().dump_traceback(file)

    def start(self) -> Self:
        """Return the runner itself. Programs for version 0.6.0 write `with runner.start() as runner:`.

        The `with` block starts the runner, not this method. `with runner:` does the same.
        """
        return self

    def __enter__(self) -> Self:
        """Start the runner and all its interpreters. At the end of the block, submitted calls finish.

        The end of a `with` block waits for them and blocks the event loop. The end of `async with` does not block it. If the
        block is cancelled or interrupted, or ended by Ctrl-C, queued calls are cancelled and running calls are stopped.
        Afterwards the runner can be started again.

        Raises:
            RunnerError: The runner is already started.
        """
        self._begin()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Finish the calls, or stop them. Raises RunnerError if the runner is not started."""
        self._end().__exit__(exc_type, exc_val, exc_tb)

    async def __aenter__(self) -> Self:
        """Start the runner, as `with` does."""
        self._begin()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Finish the calls, or stop them, as at the end of `with`. Other tasks of the event loop keep running meanwhile."""
        executor = self._end()
        if is_stop(exc_val):
            executor._stop()
        with ThreadPoolExecutor(1, "Runner-end") as ender:  # the loop's own executor may be busy, or shut down
            ending = asyncio.get_running_loop().run_in_executor(ender, executor.shutdown)
            try:
                await asyncio.shield(ending)
            except BaseException as error:
                if not is_stop(error):
                    raise
                executor._stop()
                while not ending.done():  # otherwise the exit of `ender` would block the loop
                    with suppress(asyncio.CancelledError):
                        await asyncio.shield(ending)
                raise

    async def warm_up(self) -> None:
        """Wait until all interpreters are ready: they exist, and have imported what `preload` names.

        Raises:
            RunnerError: The runner is not started.
            concurrent.futures.thread.BrokenThreadPool: An interpreter cannot be created.
        """
        await asyncio.wrap_future(self._started().warm_up())

    async def broadcast[**P, R](self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """Run `fn(*args, **kwargs)` once in every interpreter, and return the results of those that are ready now.

        It works like `InterpreterThreadPoolExecutor.broadcast`. Cancelling the await stops the calls.

        Raises:
            RunnerError: The runner is not started.
            TypeError: `fn` cannot be called, or is a coroutine function.
            NotTransferableError: The function, an argument or a result cannot cross.
        """
        future = self._started().broadcast(fn, *args, **kwargs)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.interrupt()
            raise

    @overload
    async def run[**P, R](self, /, fn: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    async def run[**P, R](self, /, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...
    async def run(self, /, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `fn(*args, **kwargs)` in an interpreter and return its result.

        It works like `InterpreterThreadPoolExecutor.run`, but the call starts when you await it. Exceptions of the
        function are raised with their own types. Cancelling the await stops the call.

        Args:
            fn: Any function that the executor can run, tagged or not. A bound method that a module has under the method's
                own name, such as `random.randint`, is looked up in the worker's module. Other bound methods cross together
                with their object.
            args: Positional arguments.
            kwargs: Keyword arguments.

        Raises:
            RunnerError: The runner is not started.
            NotTransferableError: The function, an argument or the result cannot cross.
        """
        return await self._await(_as_found(fn), args, kwargs)

    async def _await(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        executor = self._started()
        self._awaited += 1
        try:
            return await executor.run(fn, *args, **kwargs)
        finally:
            self._awaited -= 1

    @overload
    def wrap[**P, R](self, fn: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[None, None, R]]: ...
    @overload
    def wrap[**P, R](self, fn: Callable[P, R]) -> Callable[P, Coroutine[None, None, R]]: ...
    def wrap(self, fn: Callable[..., Any]) -> Callable[..., Coroutine[None, None, Any]]:
        """Return an asynchronous function that runs `fn` in an interpreter. It has the signature and the name of `fn`.

        A call of this function works like a call of `run`. You can call `wrap` before the runner is started.

        Args:
            fn: Any function that `run` accepts.

        Raises:
            TypeError: `fn` cannot be called.
        """
        tagged = fn if isinstance(fn, interpreter) else interpreter(_as_found(fn))

        @wraps(fn)
        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            return await self._await(tagged, args, kwargs)

        return wrapped

    async def run_module_function(self, /, module_info: ModuleInfo, *args: Any, **kwargs: Any) -> Any:
        """Run a function that the main interpreter does not have to import.

        A script is run once in each interpreter, under a name that is not `__main__`. If the function cannot be found,
        ImportError, FileNotFoundError or AttributeError is raised. Context variables are not copied to the worker, because
        the main interpreter does not know which of them the function has declared.

        Args:
            module_info: The place of the function, as `get_module_info` returns it.
            args: Positional arguments.
            kwargs: Keyword arguments.

        Raises:
            RunnerError: The runner is not started, or `module_info` has a different form.
        """
        self._started()
        match module_info:
            case ("path", str(path), str(name)) if _is_this_script(path):
                return await self._await(getattr(sys.modules["__main__"], name), args, kwargs)
            case ("module" | "path" as kind, str(place), str(name)):
                info: ModuleInfo = (kind, place, name)
                if info not in self._coroutine_functions:
                    self._coroutine_functions[info] = await self._await(_module_functions.is_coroutine_function, info, {})
                return await self._await(_finder(info, in_loop=self._coroutine_functions[info]), args, kwargs)
            case _:
                raise RunnerError(
                    f"module_info has to be ('module', module, name) or ('path', file, name), not {module_info!r}"
                )

    @overload
    def map[A, R](
        self,
        fn: Callable[[A], Coroutine[Any, Any, R]],
        iterable: _Items[A],
        /,
        *,
        limit: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[R]: ...
    @overload
    def map[A, B, R](
        self,
        fn: Callable[[A, B], Coroutine[Any, Any, R]],
        iterable: _Items[A],
        iterable2: _Items[B],
        /,
        *,
        limit: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[R]: ...
    @overload
    def map[A, B, C, R](
        self,
        fn: Callable[[A, B, C], Coroutine[Any, Any, R]],
        iterable: _Items[A],
        iterable2: _Items[B],
        iterable3: _Items[C],
        /,
        *,
        limit: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[R]: ...
    @overload
    def map[R](
        self,
        fn: Callable[..., Coroutine[Any, Any, R]],
        iterable: _Items[Any],
        iterable2: _Items[Any],
        iterable3: _Items[Any],
        iterable4: _Items[Any],
        /,
        *iterables: _Items[Any],
        limit: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[R]: ...
    @overload
    def map[A, R](
        self,
        fn: Callable[[A], R],
        iterable: _Items[A],
        /,
        *,
        limit: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[R]: ...
    @overload
    def map[A, B, R](
        self,
        fn: Callable[[A, B], R],
        iterable: _Items[A],
        iterable2: _Items[B],
        /,
        *,
        limit: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[R]: ...
    @overload
    def map[A, B, C, R](
        self,
        fn: Callable[[A, B, C], R],
        iterable: _Items[A],
        iterable2: _Items[B],
        iterable3: _Items[C],
        /,
        *,
        limit: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[R]: ...
    @overload
    def map[R](
        self,
        fn: Callable[..., R],
        iterable: _Items[Any],
        iterable2: _Items[Any],
        iterable3: _Items[Any],
        iterable4: _Items[Any],
        /,
        *iterables: _Items[Any],
        limit: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[R]: ...
    def map(
        self,
        fn: Callable[..., Any],
        iterable: _Items[Any],
        /,
        *iterables: _Items[Any],
        limit: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[Any]:
        """Return an asynchronous iterator (PEP 525) over the results of `fn` for the items.

        The first exception, of a call or of an iterable, ends the iteration. At the end of the iteration, queued calls are
        cancelled and running calls are stopped. This also happens if you leave the loop early. But if you keep a reference
        to the iterator, they continue until you call its `aclose()`.

        Args:
            fn: A function or a coroutine function, tagged or not.
            iterable: An iterable or an asynchronous iterable of items.
            iterables: More of them, for further arguments of each call. The shortest one ends the iteration.
            limit: Maximum number of calls that are queued, are running, or have a result that you have not taken yet. At the
                limit, no further item is taken from the iterables. If None: 32 for each worker.
            ordered: Whether results come in the order of the items. If False, they come in the order in which calls end.

        Raises:
            RunnerError: The runner is not started.
            ValueError: `limit` is less than 1.
            TypeError: `fn` cannot be called, `limit` is neither an integer nor None, or an argument is not iterable.
        """
        if not callable(fn):
            raise TypeError(f"map() needs a callable, not {fn!r}")
        if limit is None:
            limit = _WINDOW * self.workers
        if not isinstance(limit, int):
            raise TypeError(f"limit must be an integer or None, not {limit!r}")
        if limit < 1:
            raise ValueError("limit must be None or > 0")
        call = partial(self._started().run, _as_found(fn))
        window = Window[Any, Any](_of_row(call) if iterables else call, limit, ordered=ordered)
        self._windows.add(window)
        items = zipped(iterable, *iterables) if iterables else iterable
        if isinstance(items, AsyncIterable):
            return window.results_of_stream(items)
        return window.results(iter(items))

    def _begin(self) -> None:
        if self._executor is not None:
            raise RunnerError("the runner is already started")
        executor = InterpreterThreadPoolExecutor(
            self.workers,
            f"Runner-{id(self):x}",
            extensions=self._extensions,
            preload=self._preload,
            fallback=self._fallback,
            max_processes=self.workers,
            logging=self._logging,
            output=self._output,
        )
        executor.warm_up()
        self._executor = executor

    def _end(self) -> InterpreterThreadPoolExecutor:
        executor = self._started()
        self._executor = None
        return executor

    def _started(self) -> InterpreterThreadPoolExecutor:
        if self._executor is None:
            raise RunnerError("the runner is not started: use `async with runner:` or `with runner:`")
        return self._executor


def _of_row(call: Callable[..., Any]) -> Callable[[tuple[Any, ...]], Any]:
    return lambda row: call(*row)


def get_module_info(fn: Callable[..., Any]) -> ModuleInfo:
    """Return the place where a worker finds a function, for `Runner.run_module_function`.

    Args:
        fn: A function, tagged or not, that can be found in its module under its own name.

    Returns:
        `("module", module, name)`, or `("path", file, name)` for a function of the program's script.

    Raises:
        RunnerError: The function cannot be found in its module under its own name.
    """
    fn = fn.fn if isinstance(fn, interpreter) else fn
    module, name = getattr(fn, "__module__", None), getattr(fn, "__name__", None)
    if isinstance(module, str) and isinstance(name, str) and (_is_top_level(fn) or _is_of_module(fn)):
        if module != "__main__":
            return "module", module, name
        with suppress(TypeError):  # it has no file
            return "path", inspect.getfile(fn), name
    raise RunnerError(f"{fn} is not a top level function")


def _is_top_level(fn: Callable[..., Any]) -> bool:
    """Whether fn was defined at the top level. A decorator may have replaced it since then."""
    name = fn.__name__
    return not isinstance(fn, MethodType) and getattr(fn, "__qualname__", None) == name and name.isidentifier()  # no lambda


def _is_of_module(fn: Callable[..., Any]) -> bool:
    """Whether the module of fn has it under its own name."""
    return getattr(sys.modules.get(fn.__module__), getattr(fn, "__name__", ""), None) is fn


def _as_found(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return fn. If it is a method that a module has under its own name, return a function that finds it in a worker."""
    if isinstance(fn, MethodType) and fn.__module__ != "__main__" and _is_of_module(fn):
        return _finder(get_module_info(fn), in_loop=_core.is_coroutine_function(fn))
    return fn


def _finder(info: ModuleInfo, *, in_loop: bool) -> Callable[..., Any]:
    return partial(_module_functions.call_in_loop if in_loop else _module_functions.call, *info)


def _is_this_script(path: str) -> bool:
    return getattr(sys.modules["__main__"], "__file__", None) == path
