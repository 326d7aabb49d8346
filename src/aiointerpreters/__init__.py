"""Run CPU-bound Python in parallel, in one process, from asyncio or from threads.

A function tagged with `interpreter` runs in a worker's own subinterpreter, which has its own GIL (PEP 684). All other
functions run in threads, as in `concurrent.futures.ThreadPoolExecutor`.

The names below are loaded on first use, because a worker that imports a module with tagged functions needs only the tag.
"""

TYPE_CHECKING = False  # type checkers know the name; to import it from `typing` would cost each worker 1.4 MB
if TYPE_CHECKING:
    from ._core import Current as Current
    from ._core import SharedBuffer as SharedBuffer
    from ._core import current as current
    from ._core import interpreter as interpreter
    from ._waiting import as_completed as as_completed
    from ._waiting import wait as wait
    from .errors import FallbackWarning as FallbackWarning
    from .errors import InterpreterError as InterpreterError
    from .errors import LostTagWarning as LostTagWarning
    from .errors import NotTransferableError as NotTransferableError
    from .errors import ProcessEndedError as ProcessEndedError
    from .errors import RunnerError as RunnerError
    from .errors import TaskInterrupted as TaskInterrupted
    from .executors import InterpreterThreadPoolExecutor as InterpreterThreadPoolExecutor
    from .runner import Runner as Runner
    from .types import Shareable as Shareable

    __version__: str

_HOMES = {
    "Current": "._core",
    "FallbackWarning": ".errors",
    "InterpreterError": ".errors",
    "LostTagWarning": ".errors",
    "NotTransferableError": ".errors",
    "ProcessEndedError": ".errors",
    "Runner": ".runner",
    "RunnerError": ".errors",
    "Shareable": ".types",
    "SharedBuffer": "._core",
    "TaskInterrupted": ".errors",
    "as_completed": "._waiting",
    "current": "._core",
    "interpreter": "._core",
    "wait": "._waiting",
}

__all__ = [
    "Current",
    "FallbackWarning",
    "InterpreterError",
    "InterpreterThreadPoolExecutor",
    "LostTagWarning",
    "NotTransferableError",
    "ProcessEndedError",
    "Runner",
    "RunnerError",
    "Shareable",
    "SharedBuffer",
    "TaskInterrupted",
    "as_completed",
    "current",
    "interpreter",
    "wait",
]


def __getattr__(name: str) -> object:
    import importlib  # here: at the module's level it would be one of the package's names

    if name == "__version__":
        value: object = importlib.import_module("importlib.metadata").version(__name__)
    elif name == "InterpreterThreadPoolExecutor":
        value = importlib.import_module("._outline", __name__).executor_class()
    elif name == "executors":  # which a worker may not have loaded with the class
        value = importlib.import_module(".executors", __name__)
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name], __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
