"""Coroutine functions that the tests send to workers by reference, and their helpers."""

import asyncio
import atexit
import contextvars
import functools
import inspect
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Never

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support import endless, failures, work
from support import gate as gates
from support.gate import Ends

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="nothing")

_events: dict[str, asyncio.Event] = {}
_kept: list[Any] = []
_present = 0

# ---- Results


async def square(x: int) -> int:
    """Multiply a number by itself, later."""
    await asyncio.sleep(0)
    return x * x


async def at_once(x: int) -> int:
    """The same without an await."""
    return x * x


async def echo(value: Any) -> Any:
    """Return the argument."""
    await asyncio.sleep(0)
    return value


async def echo_call(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return all the arguments."""
    return args, kwargs


async def nbytes(view: memoryview) -> int:
    """Read memory before and after an await."""
    size = view.nbytes
    await asyncio.sleep(0)
    return size if size == view.nbytes else -1


async def place() -> tuple[str, int, str]:
    """Name the interpreter, the event loop and the thread that run this."""
    return work.HERE, id(asyncio.get_running_loop()), threading.current_thread().name


async def recall(name: str) -> Any:
    """Return the value that `work.remember` has kept in this interpreter."""
    return work.recall(name)


async def call(fn: Callable[..., Any], *args: Any) -> Any:
    """Call what was passed in, in the event loop's thread."""
    return fn(*args)


@interpreter
async def tagged_square(x: int) -> int:
    """Tagged at module level."""
    return await square(x)


class Squarer:
    """Coroutine functions of every kind that a class can have."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    async def method(self, x: int) -> int:
        """Bound to an instance."""
        return await square(x) * self.factor

    @classmethod
    async def of_class(cls, x: int) -> int:
        """Bound to the class."""
        return await square(x)

    @staticmethod
    async def of_nobody(x: int) -> int:
        """Bound to nothing."""
        return await square(x)

    async def __call__(self, x: int) -> int:
        return await square(x) + self.factor


squarer = Squarer(1)
method = squarer.method


def through[**P, R](fn: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Decorate as most decorators do."""

    @functools.wraps(fn)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        return await fn(*args, **kwargs)

    return wrapper


@through
async def decorated(x: int) -> int:
    """Has a decorator that is a coroutine function itself."""
    return await square(x)


@inspect.markcoroutinefunction
def marked(x: int) -> Coroutine[Any, Any, int]:
    """Only marked as a coroutine function."""
    return square(x)


def unmarked(x: int) -> Coroutine[Any, Any, int]:
    """Return a coroutine. Nothing shows that this is a coroutine function."""
    return square(x)


async def generate(x: int) -> AsyncIterator[int]:
    """Be an asynchronous generator."""
    yield x


# ---- Many at once


async def meet(count: int) -> int:
    """Wait until `count` calls are here at the same time. Return their number."""
    global _present
    event = _events.setdefault("meet", asyncio.Event())
    _present += 1
    present = _present
    if _present == count:
        event.set()
    await event.wait()
    return present


async def wait_for(name: str) -> str:
    """Wait until another call calls `tell`."""
    await _events.setdefault(name, asyncio.Event()).wait()
    return name


async def tell(name: str) -> None:
    """End all `wait_for` calls of this interpreter."""
    _events.setdefault(name, asyncio.Event()).set()


async def hold(ends: Ends, value: Any = None) -> Any:
    """Pass a gate while the event loop continues. If several calls of one interpreter wait, the gate must be opened wide."""
    endless.arrive(ends)
    loop = asyncio.get_running_loop()
    opened = asyncio.Event()
    fd = os.dup(ends[1])  # a loop allows one reader for each descriptor
    loop.add_reader(fd, opened.set)
    try:
        await opened.wait()
    finally:
        loop.remove_reader(fd)
        os.close(fd)
    os.read(ends[1], 1)
    return value


async def place_at_gate(ends: Ends) -> str:
    """Name the interpreter that runs this, after the gate."""
    return str(await hold(ends, work.HERE))


async def hold_loop(ends: Ends, value: Any = None) -> Any:
    """Block the event loop at a gate."""
    return gates.hold(ends, value)


# ---- Exceptions


async def fail(exception: BaseException) -> Never:
    """Raise what was passed in, after an await."""
    await asyncio.sleep(0)
    raise exception


async def fail_at_once(exception: BaseException) -> Never:
    """Raise what was passed in."""
    raise exception


async def fail_below() -> None:
    """Fail one call further down."""
    await asyncio.sleep(0)
    failures.fail_in_the_third_line()


async def stop(value: Any) -> Never:
    """Raise StopIteration."""
    raise StopIteration(value)


async def cancel_itself() -> None:
    """Raise CancelledError without having been cancelled."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def make_generator() -> Any:
    """A result that cannot cross."""
    return (n for n in range(3))


# ---- asyncio's facilities


async def _double(n: int) -> int:
    await asyncio.sleep(0)
    return 2 * n


async def use_create_task() -> int:
    """Wait for a task."""
    return await asyncio.create_task(_double(1))


async def use_gather() -> int:
    """Wait for several."""
    return sum(await asyncio.gather(*(_double(n) for n in range(5))))


async def use_task_group() -> int:
    """Wait for a group, and see one fail."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_double(n)) for n in range(5)]
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(1000))
            group.create_task(fail(LookupError()))
    except ExceptionGroup:
        return sum(task.result() for task in tasks)
    raise AssertionError


async def use_timeout() -> str:
    """Run into timeouts."""
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(1000)
    except TimeoutError:
        pass
    try:
        await asyncio.wait_for(asyncio.sleep(1000), 0)
    except TimeoutError:
        return "timed out"
    raise AssertionError


async def use_queue() -> list[int]:
    """Pass numbers through a queue."""
    queue: asyncio.Queue[int] = asyncio.Queue(1)

    async def produce() -> None:
        for n in range(5):
            await queue.put(n)

    producer = asyncio.create_task(produce())
    numbers = [await queue.get() for _ in range(5)]
    await producer
    return numbers


async def use_lock() -> list[str]:
    """Take turns."""
    lock = asyncio.Lock()
    seen: list[str] = []

    async def enter(name: str) -> None:
        async with lock:
            seen.append(name)
            await asyncio.sleep(0)
            seen.append(name)

    await asyncio.gather(enter("a"), enter("b"))
    return seen


async def use_to_thread() -> tuple[bool, bool]:
    """Run something in a thread of this interpreter."""
    here, ident, _ = await asyncio.to_thread(work.here_and_thread)
    return ident != threading.get_ident(), here == work.HERE


async def use_call_later() -> str:
    """Have the loop call back."""
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0, future.set_result, "called")
    return str(await future)


async def use_subprocess() -> str:
    """Run a program."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print('out')", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return f"{out.decode().strip()} {process.returncode}"


async def use_streams() -> bytes:
    """Talk over a socket."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
    return answer


async def use_context() -> tuple[str, str]:
    """Set a variable that no other call must see."""
    before = variable.get()
    variable.set("set here")
    await asyncio.sleep(0)
    return before, variable.get()


async def use_async_generator() -> list[int]:
    """Iterate."""
    return [n async for n in generate(3)]


async def use_run() -> None:
    """Run a loop inside a loop."""
    main = asyncio.sleep(0)
    try:
        asyncio.run(main)
    finally:
        main.close()


async def use_names() -> tuple[str, str, bool]:
    """Return how asyncio prints this task."""
    task = asyncio.current_task()
    assert task is not None
    coroutine: Any = task.get_coro()
    return coroutine.__name__, repr(task), task in asyncio.all_tasks()


async def run_eagerly(on: bool) -> None:
    """Make the loop run new tasks eagerly."""
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory if on else None)


async def refuse_tasks(on: bool) -> None:
    """Make the loop refuse to create tasks."""

    def refuse(*_: Any, **__: Any) -> Never:
        raise LookupError("no tasks today")

    asyncio.get_running_loop().set_task_factory(refuse if on else None)


async def stop_loop() -> str:
    """Stop the loop."""
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0)
    return "goes on"


async def close_loop() -> None:
    """Try to close the loop while it runs."""
    asyncio.get_running_loop().close()


async def meddle(method: str, *args: Any) -> str:
    """Call a method of the coroutine that asyncio is running, from inside it."""
    task = asyncio.current_task()
    assert task is not None
    refused = "was not refused"
    try:
        getattr(task.get_coro(), method)(*args)
    except ValueError as error:
        refused = str(error)
    await asyncio.sleep(0)
    return refused


async def fail_in_callback() -> str:
    """Have the loop's exception handler called."""
    loop = asyncio.get_running_loop()
    seen = loop.create_future()
    loop.set_exception_handler(lambda _, context: seen.set_result(type(context["exception"]).__name__))
    loop.call_soon(failures.fail_in_the_third_line)
    try:
        return str(await seen)
    finally:
        loop.set_exception_handler(None)


async def child_that_leaves() -> str:
    """Await a task that calls sys.exit, which asyncio lets out of its loop."""
    try:
        await asyncio.create_task(fail(SystemExit(3)))
    except SystemExit as error:
        return f"exit {error.code}"
    raise AssertionError


# ---- Cancellation


async def sleep(ends: Ends) -> Never:
    """Report that this is running, and wait forever."""
    endless.arrive(ends)
    await asyncio.get_running_loop().create_future()
    raise AssertionError


async def tell_end(ends: Ends, path: str) -> None:
    """The same. Also write down the name of the exception that ended it, and report that."""
    try:
        await sleep(ends)
    except BaseException as error:
        await asyncio.sleep(0)
        work.append_line(path, type(error).__name__)
        raise
    finally:
        endless.arrive(ends)


async def swallow(ends: Ends, path: str) -> str:
    """Swallow the cancellation, continue, and report that."""
    try:
        await sleep(ends)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        work.append_line(path, "swallowed")
        endless.arrive(ends)
    return "swallowed"


async def fail_instead(ends: Ends) -> None:
    """Turn the cancellation into something else."""
    try:
        await sleep(ends)
    except asyncio.CancelledError as error:
        raise LookupError("instead") from error


async def ignore(ends: Ends) -> Any:
    """Swallow the cancellation, report that, and continue until the gate is opened."""
    try:
        await sleep(ends)
    except asyncio.CancelledError:
        return await hold(ends)


async def shield(ends: Ends, path: str) -> None:
    """Wait for a shielded future."""

    async def inner() -> None:
        await hold(ends)
        work.append_line(path, "finished")
        endless.arrive(ends)

    task = asyncio.create_task(inner())
    _kept.append(task)
    await asyncio.shield(task)


async def own_thread() -> tuple[str, bool, bool, bool]:
    """Return facts about the loop's thread: its name, whether it is listed, alive, a daemon."""
    thread = threading.current_thread()
    return thread.name, thread in threading.enumerate(), thread.is_alive(), thread.daemon


async def loop(ends: Ends) -> Never:
    """Never reach an await."""
    endless.loop(ends)


async def loop_later(ends: Ends) -> Never:
    """Never reach a second await."""
    await asyncio.sleep(0)
    endless.loop(ends)


async def loop_when_cancelled(ends: Ends) -> None:
    """Clean up without end."""
    try:
        await sleep(ends)
    finally:
        endless.loop(ends)


async def loop_in_child(ends: Ends) -> None:
    """Await a task that never reaches an await."""
    await asyncio.create_task(loop(ends))


async def clean_up_with_awaits(ends: Ends, path: str) -> None:
    """Await in the clean-up after an interrupt in a step."""
    try:
        endless.loop(ends)
    except TaskInterrupted:
        await asyncio.sleep(0)
        work.append_line(path, "cleaned up")
        endless.arrive(ends)
        raise


def compute(seconds: float) -> None:
    """Keep the thread busy with Python code."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


async def clean_up_for_long(ends: Ends, path: str) -> None:
    """When told to end, stay busy during several looks of the visitor."""
    try:
        await sleep(ends)
    finally:
        compute(0.5)
        work.append_line(path, "cleaned up")


async def clean_up_a_step_for_long(ends: Ends, path: str) -> None:
    """The same after an interrupt in a step."""
    try:
        endless.loop(ends)
    finally:
        compute(0.5)
        work.append_line(path, "cleaned up")


class BusyWhenDropped:
    """Its destruction takes long."""

    def __del__(self) -> None:
        compute(0.3)


async def leave_what_is_busy_when_dropped(ends: Ends) -> None:
    """Leave the loop a callback that takes long."""
    asyncio.get_running_loop().call_soon(work.nothing, BusyWhenDropped())
    await sleep(ends)


async def in_threads(ends: Ends, count: int) -> None:
    """Use several threads of the loop's executor, then only one of them, while the others are idle."""
    await asyncio.gather(*(asyncio.to_thread(compute, 0.01) for _ in range(count)))
    await asyncio.to_thread(endless.loop, ends)


async def close_itself(how: str) -> str:
    """Is closed by a child task while it is running itself."""
    task = asyncio.current_task()
    assert task is not None
    itself: Any = task.get_coro()
    seen = asyncio.get_running_loop().create_future()

    async def child() -> None:
        itself.close()

    kept = asyncio.create_task(child())
    try:
        await seen
    finally:
        calls: dict[str, Callable[[], Any]] = {
            "send": lambda: itself.send(None),
            "throw": lambda: itself.throw(ValueError()),
            "close": itself.close,
        }
        try:
            calls[how]()
        except ValueError as error:
            _kept.extend([kept, str(error)])
    return "unreachable"


def last_kept() -> Any:
    """The object that the latest call has left here."""
    return _kept[-1]


async def return_endless(ends: Ends) -> endless.EndlessResult:
    """Return an object whose pickling never ends."""
    await asyncio.sleep(0)
    return endless.EndlessResult(ends)


# ---- Left behind


async def leave_task(ends: Ends, path: str) -> str:
    """Return, but leave a task behind."""
    _kept.append(asyncio.create_task(tell_end(ends, path)))
    await asyncio.sleep(0)
    return "returned"


async def leave_generator(path: str) -> int:
    """Return, but leave an unfinished asynchronous generator behind."""

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            work.append_line(path, "closed")

    generator = numbers()
    _kept.append(generator)
    return await anext(generator)


async def leave_socket_and_thread() -> str:
    """Return, but leave a server and a thread of the default executor behind."""
    _kept.append(await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0))
    await asyncio.to_thread(work.nothing)
    return "returned"


async def drive_itself_at_the_end(path: str) -> None:
    """Resume the coroutine of this call after its loop has gone, and write down the result."""
    task = asyncio.current_task()
    assert task is not None
    coroutine: Any = task.get_coro()

    def drive() -> None:
        for name, args in (("send", (None,)), ("throw", (ValueError(),)), ("close", ())):
            outcome = "None"
            try:
                getattr(coroutine, name)(*args)
            except RuntimeError:
                outcome = "RuntimeError"
            work.append_line(path, f"{name} {outcome}")

    atexit.register(drive)


async def set_useless_factory() -> None:
    """Make the loop refuse to create further tasks."""
    factory: Any = lambda *_, **__: None  # noqa: E731
    asyncio.get_running_loop().set_task_factory(factory)


# ---- Pools inside


async def run_in_own_pool(numbers: list[int]) -> tuple[list[int], bool]:
    """Create a pool in this interpreter and await its calls."""
    with InterpreterThreadPoolExecutor(2) as pool:
        results = await asyncio.gather(*(pool.run(square, n) for n in numbers), *(pool.run(work.square, n) for n in numbers))
        inside, _, _ = await pool.run(place)
        return results, inside != work.HERE


async def sleep_in_own_pool(ends: Ends, path: str) -> None:
    """Await an endless call in a pool of its own, and write down how that ends."""
    with InterpreterThreadPoolExecutor(1) as pool:
        await pool.run(tell_end, ends, path)
