"""Functions of the benchmark of log records. They are apart from the other workloads, because they import `logging`."""

import logging
import time

log = logging.getLogger("benchmark")


class Nothing(logging.Handler):
    """A handler that does nothing. Unlike `logging.NullHandler`, it counts as one."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Handle no record."""
        return True


def use_null_handler() -> None:
    """Log from INFO on, to nowhere."""
    log.addHandler(Nothing())
    log.setLevel(logging.INFO)
    log.propagate = False


def log_many(count: int) -> float:
    """Makes records. Returns the seconds of processor time that one takes in this thread."""
    start = time.thread_time()
    for number in range(count):
        log.info("%d letters of %s", number, "abc")
    return (time.thread_time() - start) / count


def drop_many(count: int) -> float:
    """Makes no records, because of the level. Returns the same."""
    start = time.thread_time()
    for number in range(count):
        log.debug("%d letters of %s", number, "abc")
    return (time.thread_time() - start) / count
