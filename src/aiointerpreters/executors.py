"""The executor: one pool whose tagged functions run in interpreters and whose other functions run in threads."""

import itertools
import math
import operator
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.thread import _threads_queues
from contextvars import Context, ContextVar
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from . import _core, _lifecycle, _outline, _replaced_submit
from ._core import Future, interpreter
from ._options import Extensions, Fallback, Words, are_private, forwards, names_of_modules
from ._stopping import is_stop
from ._waiting import as_completed, wait
from ._work_queue import WorkQueue
from ._worker_thread import Service, describe_thread

if TYPE_CHECKING:
    import asyncio

    from _typeshed import SupportsWrite

    from ._elsewhere import Elsewhere
    from .types import MovedFunction

__all__ = ["Future", "InterpreterThreadPoolExecutor", "as_completed", "interpreter", "wait"]


@_outline.replace
class InterpreterThreadPoolExecutor(_core.ExecutorBase):
    """A thread pool that runs tagged functions in interpreters, in parallel.

    A function tagged with `interpreter` runs in a worker's own subinterpreter, which has its own GIL (PEP 684). Every other
    function behaves as in `concurrent.futures.ThreadPoolExecutor`. Both kinds share one pool of threads.
    """

    _elsewhere: "Elsewhere | None" = None

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_interpreters: int | None = None,
        context_vars: Iterable[ContextVar[Any]] = (),
        extensions: Extensions | None = None,
        preload: Iterable[str] = (),
        min_interpreters: int = 0,
        fallback: Fallback | None = None,
        max_processes: int | None = None,
        logging: Words = "forward",
        output: Words = "own",
    ) -> None:
        """Create an executor. Its threads and interpreters start when they are first needed, or earlier if you ask for it.

        Args:
            max_workers: Maximum number of threads. If it is greater than `max_interpreters`, one thread for each interpreter
                is reserved for tagged calls, and the other threads run untagged calls. Then untagged calls never delay
                tagged calls. If both numbers are equal, every thread runs both kinds, so a tagged call may wait for untagged
                calls. If None: the default number of `ThreadPoolExecutor` for untagged calls, plus `max_interpreters`.
            thread_name_prefix: Prefix of the threads' names, in their interpreters too.
            initializer: Called with `initargs`. An untagged initializer runs once in each thread. A tagged one runs once in
                each new interpreter. If it fails, the executor is broken: `submit` and all futures raise
                `concurrent.futures.thread.BrokenThreadPool`.
            initargs: Arguments of `initializer`. If `initializer` is tagged and memoryviews are among its arguments, the
                memory behind them stays locked against resizing as long as the executor exists.
            max_interpreters: Maximum number of interpreters, each in a thread of its own. If None: `max_workers` if that is
                given, otherwise `os.process_cpu_count()`.
            context_vars: Context variables that are copied to the worker with every tagged call. During the call they have
                the values that they had when the call was submitted. Each must be an attribute of a module. To choose the
                variables of one function, use `interpreter.with_context`.
            extensions: Extension modules outside the standard library that interpreters may import. `"declared"`: those that
                declare support for subinterpreters (PEP 489, PEP 684). `"private"`: all. Each interpreter loads its own copy
                of the module's file. If None: the value of the environment variable AIOINTERPRETERS_EXTENSIONS, or
                `"declared"` if the variable is not set.
            preload: Names of modules that each new interpreter imports before it runs a tagged initializer. `"__main__"`
                runs the program's script. If an import fails, all tagged calls raise
                `concurrent.futures.thread.BrokenThreadPool`; untagged calls still run.
            min_interpreters: Number of interpreters that are started in the background when the executor is created, and
                that are created again if they are lost. In a worker, and in a child process after a fork, they are started
                by the first call.
            fallback: What happens to calls of tagged functions that no interpreter can run. `"thread"`: they run in threads,
                as untagged calls do. `"process"`: they run in other processes. `"error"` or None: their futures raise the
                reason. A function's tag can choose otherwise: `interpreter(fn, fallback=...)`.
            max_processes: Maximum number of other processes, for `"process"`. If None: `os.process_cpu_count()`.
            logging: Where log records and warnings of workers go. `"forward"`: to the handlers and filters of the
                interpreter that has created the executor, with its levels, unless the worker has handlers of its own.
                `"own"`: each worker has its own `logging`, without configuration.
            output: Where the output of workers goes. `"forward"`: what they write to `sys.stdout` and `sys.stderr` goes to
                the current `sys.stdout` and `sys.stderr` of the interpreter that has created the executor. `"own"`: to the
                file descriptors 1 and 2.

        Raises:
            ValueError: A number is too small, `min_interpreters` is greater than `max_interpreters`, a context variable is
                not an attribute of a module, a name in `preload` cannot be a module's, or `extensions`,
                `fallback`, `logging` or `output` is unknown.
            TypeError: `initializer` cannot be called, or is a tagged coroutine function. `preload` is a str, or contains
                other objects than str. `max_processes` is not an integer.
            RuntimeError: A thread for `min_interpreters` cannot be started.
            NotTransferableError: An argument of a tagged initializer cannot cross.
            NotImplementedError: `extensions` is `"private"` on musl, macOS or Windows.
        """
        from . import _stacks as _stacks  # now: a signal handler that calls dump_traceback may interrupt another import

        super().__init__(max_workers, thread_name_prefix, initializer, initargs)
        self._max_interpreters = max_interpreters
        self._min_interpreters = operator.index(min_interpreters)
        self._has_default_size = max_workers is None
        if not 0 <= self._min_interpreters <= self._limits()[1]:
            raise ValueError(
                f"min_interpreters must be between 0 and {self._limits()[1]}, the maximum number of interpreters"
            )
        tagged = initializer if isinstance(initializer, interpreter) else None
        self._max_processes = None if max_processes is None else operator.index(max_processes)
        if self._max_processes is not None and self._max_processes < 1:
            raise ValueError("max_processes must be greater than 0")
        self._fallback = fallback
        self._set_elsewhere(fallback, None)
        names = names_of_modules(preload)
        self._said = forwards(logging, output)
        private = are_private(extensions)
        self._pool = _core.Pool(*self._limits(), tagged, initargs, private, names, self._min_interpreters, self._said)
        self._thread_initializer = None if tagged is not None else initializer
        self._thread_initargs = initargs
        self._use_pool()
        if context_vars:
            self._declare_context(context_vars)
        # A worker that imports a module with an executor in it would start the interpreters of that executor, and so on.
        if self._min_interpreters and not _core.is_worker():
            self._start_missing_threads()

    def __repr__(self) -> str:
        pool = getattr(self, "_pool", None)
        if pool is None:
            return super().__repr__()
        return self._describe(pool.census() if pool.is_here else (0, 0, 0, 0))

    def _describe(self, census: tuple[int, int, int, int]) -> str:
        """Return the text of `repr` with these numbers of the pool."""
        most_threads, most_interpreters = self._limits()
        threads, busy, interpreters, queued = census
        parts = [
            f"{threads} of {most_threads} threads",
            f"{interpreters} of {most_interpreters} interpreters",
            f"{busy} busy",
            f"{queued} queued",
        ]
        if self._elsewhere is not None and (moved := self._elsewhere.describe()):
            parts.append(moved)
        if self._broken:
            parts.append("broken")
        elif self._shutdown:
            parts.append("shut down")
        return f"<{type(self).__name__} {self._thread_name_prefix!r} at {id(self):#x}: {', '.join(parts)}>"

    @property
    def fallbacks(self) -> "tuple[MovedFunction, ...]":
        """The functions that no interpreter can run and that have a fallback, with the numbers of their calls so far."""
        return () if self._elsewhere is None else self._elsewhere.fallbacks

    def map[R](
        self,
        fn: Callable[..., R],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[R]:
        """Return an iterator over the results of `fn` for the zipped iterables, in their order.

        Calls run as with `submit`. If a tagged `fn` crosses by value, it is captured only once, when `map` is called.

        Args:
            fn: A function, tagged or not.
            iterables: Arguments of the calls. The shortest iterable ends the iteration.
            timeout: Maximum time in seconds, from the call of `map`. After that, the iterator raises TimeoutError if the
                next result is not available. None means no limit.
            chunksize: Number of calls that a worker receives at once. If one of them fails, its whole chunk fails. It is
                ignored for untagged functions.
            buffersize: Maximum number of chunks that are submitted before their results are consumed. If None, all of them
                are submitted before `map` returns.

        Raises:
            ValueError: `buffersize`, or `chunksize` of a tagged function, is less than 1.
            TypeError: `buffersize` is neither an integer nor None.
            NotTransferableError: A tagged `fn` cannot cross.
        """
        from . import _mapping

        return _mapping.map_calls(self, fn, iterables, timeout, chunksize, buffersize)

    def warm_up(self, interpreters: int | None = None) -> Future[None]:
        """Start interpreters in the background, before calls need them.

        Args:
            interpreters: Number of interpreters that should exist. If None: as many as there may be.

        Returns:
            A future that is done when so many interpreters are ready: they have imported what `preload` names, and have run
            the initializer. It is also done if the executor is shut down first. It raises
            `concurrent.futures.thread.BrokenThreadPool` if an interpreter cannot be created. Do not wait for it in an
            untagged call or a callback of this executor: these occupy a worker that may have to create the interpreter.

        Raises:
            ValueError: `interpreters` is less than 1, or greater than the maximum number of interpreters.
            TypeError: `interpreters` is neither an integer nor None.
            RuntimeError: The executor has been shut down, or a thread cannot be started.
        """
        most = self._limits()[1]
        number = most if interpreters is None else operator.index(interpreters)
        if not 1 <= number <= most:
            raise ValueError(f"interpreters must be between 1 and {most}, the maximum number, not {number}")
        return self._warm_up(interpreter(_core.stand_by), number)

    def broadcast[**P, R](self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[list[R]]:
        """Run `fn(*args, **kwargs)` once in every interpreter, in those that exist and in those that are created later.

        An interpreter that exists runs it after its current call. A new one runs it after the initializer and earlier
        broadcasts, before its first call. If there is none, this makes one.

        If it fails before it has succeeded anywhere, it is withdrawn: interpreters that are created later do not run it. If
        it has succeeded, and then fails in a new interpreter, that interpreter is not used, and the log has the exception:
        tagged calls wait for the other interpreters, or raise `concurrent.futures.thread.BrokenThreadPool` if there are none
        any more, until another attempt succeeds.

        If an untagged call or a callback sends it, the interpreter of that worker runs it at once, before this returns. If
        there is no interpreter then, the future ends at once, without results, and the first interpreter runs it.

        Args:
            fn: A function, tagged or not. It always runs in interpreters.
            args: Positional arguments. They are copied once, and kept for new interpreters.
            kwargs: Keyword arguments.

        Returns:
            A future of a list: the results of the interpreters that exist, in no particular order. It is empty if this had
            to make the first one. If the function fails in one of them, or in the first one, the future raises its
            exception, and new interpreters do not run the function. They do not run it either if you cancel the future
            before all interpreters have begun to run it.

        Raises:
            TypeError: `fn` cannot be called, or is a coroutine function.
            ValueError: `fn` has `lane="process"`.
            NotTransferableError: The function or an argument cannot cross.
            RuntimeError: The executor has been shut down.
            concurrent.futures.thread.BrokenThreadPool: An interpreter or an initializer has failed.
        """
        if not callable(fn):
            raise TypeError(f"broadcast() needs a callable, not {fn!r}")
        number, parts = self._broadcast(fn, *args, **kwargs)
        made = None
        if not parts and threading.current_thread() not in self._threads:  # which may be the one that has to make it
            try:
                made = self._warm_up(interpreter(_core.stand_by), 1)
            except BaseException:
                self._pool.withdraw_broadcast(number)
                raise
        from ._broadcast import Broadcast

        return Broadcast(parts, made, self._pool, number)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no further calls. Queued and running calls finish, then threads and interpreters end.

        Args:
            wait: Whether to wait until all of them have ended.
            cancel_futures: Whether to cancel the calls that have not started.
        """
        self._shutdown = True
        if not self._pool.is_here:
            self._renew()
        self._pool.close()
        elsewhere = self._elsewhere
        if elsewhere is not None:
            elsewhere.close()
        if cancel_futures:
            self._pool.cancel_queued()
            if elsewhere is not None:
                elsewhere.cancel_queued()
        if not wait:
            return
        if threading.current_thread() in self._threads:
            threading.current_thread().join()  # raises RuntimeError: it would wait for itself
        self._pool.wait_ended()
        for thread in list(self._threads):
            thread.join()
        if self._elsewhere is not None:  # calls that the last workers could not begin are there
            self._elsewhere.close()
            self._elsewhere.join()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Shut down and wait. If the block is stopped, cancel queued calls and stop running calls in interpreters.

        A block is stopped by Ctrl-C, by cancellation, and by an interrupt of the call that it belongs to. If one of these
        happens during the wait, it stops the work too, and its exception is raised after the work has ended. If a second
        one happens, its exception is raised immediately.
        """
        stopping = is_stop(exc_val)
        if stopping:
            self._stop()
        try:
            self.shutdown(wait=True)
        except BaseException as error:
            if stopping or not is_stop(error):
                raise
            self._stop()
            self.shutdown(wait=True)
            raise

    def set_as_event_loop_default(self, ctx: "asyncio.AbstractEventLoop | asyncio.Runner | None" = None) -> None:
        """Make this the executor of `asyncio.to_thread` and of `loop.run_in_executor(None, ...)`.

        `asyncio.run` and `asyncio.Runner` shut the executor down when they close the loop.

        Args:
            ctx: An event loop, or an `asyncio.Runner` for its loop. None means the running loop.

        Raises:
            RuntimeError: `ctx` is None and no loop is running.
            TypeError: `ctx` is something else.
        """
        import asyncio  # imported here: most programs with an executor have no event loop

        match ctx:
            case None:
                loop = asyncio.get_running_loop()
            case asyncio.Runner():
                loop = ctx.get_loop()
            case asyncio.AbstractEventLoop():
                loop = ctx
            case _:
                raise TypeError(f"ctx must be an event loop, an asyncio.Runner or None, not {ctx!r}")
        loop.set_default_executor(self)

    def dump_traceback(self, file: "SupportsWrite[str] | None" = None) -> None:
        """Write what each worker runs, since when, and its Python stack, as text. For a program that hangs or is slow.

        Nothing is interrupted: calls continue while their stacks are read. It may be called from any thread, from an event
        loop and from a signal handler. It waits at most one second: for an interpreter that does not answer in that time,
        because a call in C holds its GIL, the text names the call and says so. Arguments of calls are not shown.

        Args:
            file: An object with a method `write` for str. None means `sys.stderr`.

        Raises:
            TypeError: `file` has no method `write`.
            RuntimeError: `file` is None, and so is `sys.stderr`.
        """
        from . import _stacks

        _stacks.dump(self, file)

    def _stop(self) -> None:
        """Accept no more calls, cancel queued calls, and stop calls that run in interpreters."""
        self.shutdown(wait=False, cancel_futures=True)
        self._pool.stop()
        if self._elsewhere is not None:
            self._elsewhere.stop()

    def _renew(self) -> None:
        """Start again in the child of a fork, which has no threads. Earlier calls are left to the parent."""
        self._threads = set()
        self._shutdown_lock = type(self._shutdown_lock)()  # a thread of the parent may have held it
        self._pool = self._pool.renewed()
        vars(self).pop("_elsewhere", None)
        self._set_elsewhere(self._fallback, None)
        self._use_pool()
        if self._shutdown:
            self._pool.close()
        else:
            self._start_missing_threads()  # for min_interpreters

    def _limits(self) -> tuple[int, int]:
        """Return the maximum numbers of threads and interpreters. Raises ValueError if a number is less than 1.

        The default number of threads is for untagged calls. The threads that are reserved for interpreters are added.
        """
        threads = math.ceil(min(self._max_workers, sys.maxsize))  # with 2.5, the standard library starts a third thread
        interpreters = self._max_interpreters
        if interpreters is None:
            default = (os.process_cpu_count() or 1) if self._has_default_size else threads
            interpreters = max(default, self._min_interpreters)
        if interpreters <= 0:
            raise ValueError("max_interpreters must be greater than 0")
        interpreters = min(interpreters, threads)
        return threads + interpreters * self._has_default_size, interpreters

    @property
    def _max_workers(self) -> int:
        """The maximum number of threads. Other code may set it later; existing threads stay."""
        return self._most_workers

    @_max_workers.setter
    def _max_workers(self, number: int) -> None:
        before = getattr(self, "_most_workers", None)
        self._most_workers = number
        if before is not None:
            self._pool.set_limits(*self._limits())
            self._adjust_thread_count()

    def _use_pool(self) -> None:
        self._thread_numbers = itertools.count()
        self._bind(self._pool)
        self._work_queue = WorkQueue(self, self._pool)  # type: ignore[assignment]

    @property  # type: ignore[override]
    def _broken(self) -> str | bool:
        """The reason why the executor accepts no more calls, or False while it does."""
        return self._pool.broken or False

    @_broken.setter
    def _broken(self, _: object) -> None:
        """Ignore the value: the engine knows whether the executor is broken."""

    def _open_elsewhere(self) -> "Elsewhere":
        """Return the object that runs calls elsewhere than in an interpreter. The first call that may be moved needs it."""
        if self._elsewhere is None:
            from ._elsewhere import Elsewhere  # most programs need it never

            opened: Elsewhere = vars(self).setdefault("_elsewhere", Elsewhere(self, self._max_processes, self._said))
            self._set_elsewhere(self._fallback, opened)
            return opened
        return self._elsewhere

    def _adjust_thread_count(self) -> None:
        """Start threads that waiting calls, or interpreters that are wanted, need.

        Other code calls this to start threads in advance. Here a thread starts only if there is work.
        """
        self._start_missing_threads()

    def _submit_by_standard(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Submit through ThreadPoolExecutor.submit. `submit` calls this if a tool has replaced that method."""
        return _replaced_submit.submit(self, fn, args, kwargs)

    def _submit_rows_by_standard(self, tagged: interpreter[..., Any], rows: list[tuple[Any, ...]], /) -> Any:
        """Do the same for a chunk of `map`."""
        return _replaced_submit.submit_rows(self, tagged, rows)

    def _run_by_submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "asyncio.Future[Any]":
        """Start a call of `run` through `submit`. `run` calls this if `submit` has been replaced or overridden."""
        from . import _replaced_run  # needs asyncio, which has been imported by now

        return _replaced_run.run(self, fn, args, kwargs)

    def _start_thread(self, handle: object, context: Context) -> tuple[threading.Thread, Service]:
        """Register the calling thread, which the engine has started because no thread was available.

        handle, context: as in describe_thread. If this raises an exception, the thread ends, and `submit` raises it.
        """
        _lifecycle.see_to_exit()
        thread = describe_thread(f"{self._thread_name_prefix or self}_{next(self._thread_numbers)}", handle, context)
        owner = weakref.ref(self, partial(_close, self._pool))
        service = Service(thread, self._pool, self._thread_initializer, self._thread_initargs, owner)
        thread.run = service  # type: ignore[method-assign] # Thread.run is avoided, because tools wrap it
        cast(Any, _threads_queues)[thread] = self._work_queue
        _lifecycle.pools[thread] = self._pool
        if _lifecycle.is_ending:  # the call was submitted immediately before that
            self._pool.close()
        self._threads.add(thread)
        # `threading` removes it when it lists the thread as active. No lock: its holder may be waiting for this thread.
        vars(threading)["_limbo"][thread] = thread
        return thread, service


def _close(pool: _core.Pool, _: object) -> None:
    """Close the pool of an executor that was dropped: its workers leave when there is no more work.

    In the child of a fork there are no workers, so nothing is done.
    """
    if pool.is_here:
        pool.close()


_outline.complete()
