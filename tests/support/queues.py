"""Functions that workers call with a concurrent.interpreters.Queue (3.14)."""

from collections.abc import Iterable
from typing import Any, Never

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work


class Queue:
    """Another class of the same name."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self.items = list(items)


class QueueFailure(Exception):
    """An exception with an attribute."""

    queue: Any = None


def put_all(queue: Any, items: Iterable[Any]) -> None:
    """Put these items in, one by one."""
    for item in items:
        queue.put(item)


def get_all(queue: Any, count: int) -> list[Any]:
    """Wait for this number of items and take them out."""
    return [queue.get() for _ in range(count)]


def move(source: Any, target: Any, count: int) -> None:
    """Take numbers out of one queue and put their squares into the other."""
    for _ in range(count):
        target.put(source.get() ** 2)


def make(items: Iterable[Any] = ()) -> Any:
    """A queue created here. This interpreter does not keep it."""
    from concurrent import interpreters

    queue = interpreters.create_queue()
    put_all(queue, items)
    return queue


def make_nested() -> Any:
    """A result with a queue in several places."""
    queue = make()
    return [queue, {"k": (queue, Queue([queue]))}]


def fail_with(queue: Any, where: str) -> Never:
    """Raise an exception that carries a queue."""
    if where == "args":
        raise QueueFailure("with", queue)
    error = QueueFailure("with")
    error.queue = queue
    raise error


def fail_with_own(where: str) -> Never:
    """Raise an exception that carries a queue created here."""
    fail_with(make(), where)


def through_own_pool(queue: Any) -> Any:
    """Pass it to a pool of this interpreter, and return the result."""
    with InterpreterThreadPoolExecutor(1) as pool:
        return pool.submit(interpreter(work.echo), queue).result()


def from_own_pool() -> Any:
    """A queue created in a pool of this interpreter, after that pool has ended."""
    with InterpreterThreadPoolExecutor(1) as pool:
        future = pool.submit(interpreter(make))
    return future.result()


def put_kept(name: str, item: Any) -> None:
    """Put an object into a queue that was kept here."""
    work.recall(name).put(item)
