"""The pools that are compared: how each is created, and texts about what it cannot do."""

import importlib
import importlib.util
import multiprocessing
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

from .findings import INTERPRETERS, LOKY, OURS, PROCESSES, SERIAL, THREADS, TITLES
from .target import Place, WrongTargetError

NAMES = (SERIAL, THREADS, OURS, INTERPRETERS, PROCESSES, LOKY)
_SAME = {title.lower(): name for name, title in TITLES.items()} | {name.lower(): name for name in NAMES}
_REFUSED = re.compile(r"module '?([\w.]+)'? does not support loading in subinterpreters")


def chosen(text: str | None) -> list[str]:
    """Return the names in a comma-separated list. Default: all pools that exist here. Raises WrongTargetError."""
    if text is None:
        return [name for name in NAMES if why_missing(name) is None]
    names = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        name = _SAME.get(word.lower())
        if name is None and ":" not in word:
            raise WrongTargetError(f"--pools: there is no pool {word!r}; there are {', '.join(NAMES)}, or module:function")
        if name is not None and (reason := why_missing(name)) is not None:
            raise WrongTargetError(f"--pools: {name} {reason}")
        names.append(name or f"{Place.parse(word).module}:{Place.parse(word).name}")
    if not names:
        raise WrongTargetError("--pools needs at least one name")
    return list(dict.fromkeys(names))


def why_missing(name: str) -> str | None:
    """Return the reason why this pool does not exist here, or None if it does."""
    if name == INTERPRETERS and sys.version_info < (3, 14):
        return "is new in Python 3.14"
    if name == LOKY and _loky() is None:
        return "is not installed (neither is joblib, which contains it)"
    return None


def maker(name: str, extensions: str | None) -> Callable[[int], Executor]:
    """Import the modules that the pool needs, and return the function that creates it, given a number of workers."""
    if name == THREADS:
        return _attribute("concurrent.futures", "ThreadPoolExecutor")
    if name == OURS:
        ours = _attribute("aiointerpreters", "InterpreterThreadPoolExecutor")
        return lambda workers: ours(workers, extensions=extensions)
    if name == INTERPRETERS:
        return _attribute("concurrent.futures", "InterpreterPoolExecutor")
    if name == PROCESSES:
        # Not fork, the default of 3.13: the children of a process with threads may hang.
        processes, context = (
            _attribute("concurrent.futures", "ProcessPoolExecutor"),
            multiprocessing.get_context("forkserver"),
        )
        return lambda workers: processes(workers, mp_context=context)
    if name == LOKY:
        return _attribute(_loky() or "loky", "ProcessPoolExecutor")
    found: Callable[[int], Executor] = Place.parse(name).find()
    return found


def describe(error: BaseException, name: str, extensions: str | None) -> str:
    """Return a text that says why a pool could not run the function."""
    chain = list(_chain(error))
    for each in chain:
        if (refused := _REFUSED.search(f"{each} {' '.join(getattr(each, '__notes__', ()))}")) is not None:
            package = refused[1].partition(".")[0]
            hint = "; try --extensions private" if name == OURS and extensions != "private" else ""
            return f"{package} cannot be imported in a subinterpreter{hint}"
    if (module := getattr(error, "refused_extension", None)) is not None and extensions != "private":
        return f"{module} cannot be imported in a subinterpreter; try --extensions private"
    text = f"{type(error).__name__}: {_first_line(error)}"
    if name == OURS:
        return text
    if any(type(each).__name__ in {"BrokenProcessPool", "TerminatedWorkerError"} for each in chain):
        return "a worker process died"
    for each in chain:
        if type(each).__name__ == "PicklingError" or "pickle" in str(each).lower() or "local object" in str(each):
            return f"the function, an argument or the result cannot be pickled ({_first_line(each)})"
    if any(type(each).__name__ == "NotShareableError" for each in chain):
        return f"the function, an argument or the result cannot cross interpreters ({_first_line(chain[-1])})"
    return text


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    line = lines[0].strip() if lines else "no text"
    return line if len(line) <= 120 else f"{line[:117]}..."


def _loky() -> str | None:
    for package, module in (("loky", "loky"), ("joblib", "joblib.externals.loky")):
        if importlib.util.find_spec(package) is not None:
            return module
    return None


def _attribute(module: str, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found
