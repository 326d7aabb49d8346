"""What workers say, at home: log records, warnings and output reach home's handlers, filters and streams.

The engine calls `handle` for each word, in the order of the words of each worker (core/pool/relay.h). `_words_worker` is
the other half.
"""

import logging
import re
import sys
import warnings
from typing import Any

from . import _core
from ._script import ALIAS

RECORD, WARNING, OUTPUT = range(3)
_FIELDS = _core.record_fields()

_MARK: Any = "aiointerpreters"  # no level


def handle(kind: int, content: tuple[Any, ...], extra: dict[str, Any] | None, exception: BaseException | None) -> None:
    """Handle one word as if code of this interpreter had said it."""
    if kind == RECORD:
        _handle_record(content, extra, exception)
    elif kind == WARNING:
        _handle_warning(*content)
    elif kind == OUTPUT:
        _write(*content)


def _handle_record(content: tuple[Any, ...], extra: dict[str, Any] | None, exception: BaseException | None) -> None:
    said = dict(zip(_FIELDS, content, strict=True))
    name = _name_here(said["name"])
    logger = logging.getLogger(name)
    if not logger.isEnabledFor(said["levelno"]):
        return
    info = None if exception is None else (type(exception), exception, exception.__traceback__)
    given = [said[field] for field in ("levelno", "pathname", "lineno", "msg", "args")]
    record = logging.getLogRecordFactory()(name, *given, info, said["funcName"], said["stack_info"])
    start: float = vars(logging)["_startTime"]
    created = said["created"]
    attributes = vars(record)
    attributes["relativeCreated"] = created * 1000 - start / 1_000_000 if start > 1e12 else (created - start) * 1000
    for field in ("created", "msecs", "thread", "threadName", "taskName", "exc_text"):
        attributes[field] = said[field]
    if extra:
        attributes.update(extra)
    logger.handle(record)


def _name_here(name: str) -> str:
    """Return the name that a module of a worker, or a logger named after it, has here. The script's module differs."""
    head, dot, rest = name.partition(".")
    return f"{vars(sys.modules[head]).get('__name__') or head}{dot}{rest}" if head == ALIAS in sys.modules else name


_registries: dict[str, dict[Any, Any]] = {}  # of files whose module is not imported here


def _handle_warning(text: str, names: list[tuple[str, str]], path: str, line: int, module: str | None) -> None:
    """Apply this interpreter's filters, and show the warning.

    names: module and qualified name of the category and of its base classes. The first one that exists here counts.
    """
    category = next(filter(None, (_find_category(*name) for name in names)), Warning)
    module = module and _name_here(module)
    known = sys.modules.get(module or "")
    registry = _registries.setdefault(path, {}) if known is None else vars(known).setdefault("__warningregistry__", {})
    try:
        warnings.warn_explicit(text, category, path, line, module, registry)
    except Warning as error:  # the filter is "error", but the call has ended or goes on
        warnings.showwarning(error, type(error), path, line)


def _find_category(module: str, name: str) -> type[Warning] | None:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, Warning) else None


def _write(name: str, text: str) -> None:
    stream = getattr(sys, name)
    if stream is not None:
        stream.write(text)
        stream.flush()


def mark_cache() -> dict[Any, bool]:
    """Return the dict that `logging` clears when a level changes. It is not empty, so that CPython reports the change."""
    cache: dict[Any, bool] = vars(logging.root)["_cache"]
    cache[_MARK] = False
    return cache


def settings() -> dict[str, Any]:
    """Return what workers follow: the levels of loggers, and the warning filters."""
    return {"levels": _levels(), "filters": list(filter(None, map(_describe, warnings.filters)))}


def _levels() -> dict[str, int]:
    """Return the levels of all loggers that have one, by name. The empty name stands for `logging.disable`."""
    manager: logging.Manager = logging.root.manager
    found = {"": manager.disable, "root": logging.root.level}
    for name, logger in list(manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.level:
            found[name] = logger.level
    return found


def _describe(item: object) -> tuple[Any, ...] | None:
    """Return a filter as plain data. None: other code has put there what is no filter."""
    match item:
        case (str() as action, None | str() | re.Pattern() as message, type() as category, module, int() as line) if (
            module is None or isinstance(module, str | re.Pattern)
        ):
            return action, _pattern(message), category.__module__, category.__qualname__, _pattern(module), line
    return None


def _pattern(expression: Any) -> Any:
    return (expression.pattern, expression.flags) if isinstance(expression, re.Pattern) else expression
