"""The standard library's `wait` and `as_completed`; for type checkers they return the kind of future that they get."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any, NamedTuple

class DoneAndNotDone[F: Future[Any]](NamedTuple):
    done: set[F]
    not_done: set[F]

def as_completed[F: Future[Any]](fs: Iterable[F], timeout: float | None = None) -> Iterator[F]: ...
def wait[F: Future[Any]](
    fs: Iterable[F], timeout: float | None = None, return_when: str = "ALL_COMPLETED"
) -> DoneAndNotDone[F]: ...
