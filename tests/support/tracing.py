"""tracemalloc in programs that have workers."""

import sys
import threading
import tracemalloc
from concurrent.futures import Executor


def stop_tracing(pool: Executor, workers: int) -> None:
    """Stop tracemalloc. If CPython needs it, all of the pool's workers must be idle meanwhile.

    Before 3.13.2, `tracemalloc.stop` frees memory that another interpreter still uses if it is allocating at that moment
    (python/cpython#128679).
    """
    if sys.version_info >= (3, 13, 2):
        tracemalloc.stop()
        return
    arrived, stopped = threading.Barrier(workers + 1), threading.Event()

    def rest() -> None:
        arrived.wait()
        stopped.wait()

    resting = [pool.submit(rest) for _ in range(workers)]
    arrived.wait()
    tracemalloc.stop()
    stopped.set()
    for future in resting:
        future.result()
