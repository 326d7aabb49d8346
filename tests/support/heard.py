"""Collects log records at home."""

import contextlib
import logging
import threading
from collections.abc import Iterator


class Collector(logging.Handler):
    """Keeps the records, and the threads that have brought them."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.threads: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.threads.append(threading.get_ident())

    @property
    def texts(self) -> list[str]:
        return [record.getMessage() for record in self.records]


@contextlib.contextmanager
def listening_to(name: str) -> Iterator[Collector]:
    """Collect what is logged under a name, from INFO on."""
    collector = Collector()
    logger = logging.getLogger(name)
    logger.addHandler(collector)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield collector
    finally:
        logger.removeHandler(collector)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
