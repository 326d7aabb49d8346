"""Functions that say something: log records, warnings, output."""

import logging
import sys
import threading
import warnings
from typing import Any, override

from support.gate import Ends, hold

log = logging.getLogger("support.words")


class Unsendable:
    """An object that cannot cross, and has a repr."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __repr__(self) -> str:
        return "<Unsendable>"


class OwnWarning(UserWarning):
    """A category of a module that home has too."""


def say(level: int, message: Any, *args: Any, name: str = "support.words", **options: Any) -> None:
    """Log one record."""
    logging.getLogger(name).log(level, message, *args, **options)


def say_many(count: int, name: str) -> None:
    """Log numbered records."""
    for number in range(count):
        log.warning("%s %d", name, number)


def say_unsendable() -> None:
    """Log objects that cannot cross: as an argument, and as an attribute."""
    log.warning("it is %s", Unsendable(), extra={"thing": Unsendable(), "number": 5})


def say_badly() -> None:
    """Log messages that cannot be formatted."""
    log.warning("%d", "no number")
    log.warning("%d", Unsendable())


def say_and_hold(ends: Ends) -> None:
    """Log, and then wait at a gate."""
    log.warning("before the gate")
    hold(ends)


def fail() -> None:
    """Log an exception, and where it was logged."""
    try:
        raise LookupError("no such word")
    except LookupError:
        log.exception("failed", stack_info=True)


def fail_unknown() -> None:
    """Log an exception of a class that home cannot find."""

    class LocalError(Exception):
        pass

    try:
        raise LocalError("a local one")
    except LocalError:
        log.exception("failed")


def is_enabled(level: int, name: str) -> bool:
    """Whether a logger is enabled here."""
    return logging.getLogger(name).isEnabledFor(level)


def configure(path: str) -> None:
    """Configure logging here, as a program does."""
    logging.basicConfig(filename=path, level=logging.INFO, format="own %(message)s")


def set_level(name: str, level: int) -> None:
    """Set the level of a logger here."""
    logging.getLogger(name).setLevel(level)


def silence(name: str) -> None:
    """Add a handler that does nothing, as libraries do."""
    logging.getLogger(name).addHandler(logging.NullHandler())


def drop_odd(record: logging.LogRecord) -> bool:
    """Filter records by their argument, and mark the others."""
    record.marked = True
    args: Any = record.args
    return bool(args[0] % 2 == 0)


def say_filtered(count: int) -> None:
    """Log through a filter."""
    log.addFilter(drop_odd)
    try:
        for number in range(count):
            log.warning("%d", number)
    finally:
        log.removeFilter(drop_odd)


def use_factory() -> None:
    """Log with a record factory of this interpreter."""
    original = logging.getLogRecordFactory()

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = original(*args, **kwargs)
        record.made_by = "a factory"
        return record

    logging.setLogRecordFactory(make)
    try:
        log.warning("made")
    finally:
        logging.setLogRecordFactory(original)


def use_tool(name: str) -> list[str]:
    """Replace a method of Logger, as tools do, log, and return what the replacement has seen."""
    seen: list[str] = []
    original = getattr(logging.Logger, name)

    def replaced(self: logging.Logger, *args: Any, **kwargs: Any) -> Any:
        seen.append(self.name)
        return original(self, *args, **kwargs)

    setattr(logging.Logger, name, replaced)
    try:
        log.warning("with %s", name)
    finally:
        setattr(logging.Logger, name, original)
    log.warning("without %s", name)
    return seen


class OwnLogger(logging.Logger):
    """A logger that changes each record."""

    @override
    def makeRecord(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = super().makeRecord(*args, **kwargs)
        record.msg = f"changed: {record.msg}"
        return record


def use_own_logger() -> None:
    """Log with a class of loggers of this interpreter."""
    logger = OwnLogger("support.words")
    logger.parent = logging.root
    logger.warning("%d", 5)


def say_from_afar() -> None:
    """Log for the caller of a helper."""

    def helper() -> None:
        log.warning("for the caller", stacklevel=2)

    helper()


def in_thread() -> None:
    """Log from another thread."""
    thread = threading.Thread(target=log.warning, args=("from a thread",), name="said here")
    thread.start()
    thread.join()


async def in_loop() -> None:
    """Log from a coroutine function."""
    log.warning("from a loop")


def handlers() -> int:
    """Count the handlers of the root logger here."""
    return len(logging.getLogger().handlers)


def imported() -> list[str]:
    """Tell which modules that this package changes are imported here."""
    return [name for name in ("logging", "warnings", "aiointerpreters._words_worker") if name in sys.modules]


def warn(text: str, category: type[Warning] = UserWarning) -> str | None:
    """Warn, and return what was raised instead."""
    try:
        warnings.warn(text, category, stacklevel=1)
    except Warning as error:
        return f"{type(error).__name__}: {error}"
    return None


def filter_warnings(action: Any, category: type[Warning]) -> None:
    """Add a filter here."""
    warnings.simplefilter(action, category)


def warn_recorded(text: str) -> list[str]:
    """Warn where warnings are recorded."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warnings.warn(text, stacklevel=1)
    return [str(each.message) for each in found]


def write(text: str, name: str = "stdout") -> None:
    """Print to one of the standard streams."""
    print(text, file=getattr(sys, name))


def write_part(text: str) -> None:
    """Write less than a line."""
    sys.stdout.write(text)
    sys.stdout.flush()


def describe_stdout() -> tuple[int, bool, str]:
    """Tell what sys.stdout says of itself."""
    return sys.stdout.fileno(), sys.stdout.isatty(), sys.stdout.encoding
