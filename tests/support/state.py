"""Functions that look at, and change, the state of the interpreter or of the process."""

import decimal
import locale
import os
import random
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter


def variable(name: str) -> str | None:
    """Look up an environment variable as `os` has it."""
    return os.environ.get(name)


def set_variable(name: str, value: str) -> None:
    """Set an environment variable."""
    os.environ[name] = value


def delete_variable(name: str) -> None:
    """Delete an environment variable."""
    del os.environ[name]


def variables() -> dict[str, str]:
    """Return all environment variables."""
    return dict(os.environ)


def replace_environ() -> None:
    """Replace `os.environ` by an ordinary dict."""
    os.environ = {"ONLY": "here"}  # type: ignore[assignment]  # noqa: B003


def in_own_pool(fn: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a worker of this interpreter."""
    with InterpreterThreadPoolExecutor(1) as pool:
        return pool.submit(interpreter(fn), *args).result()


def look(name: str) -> Any:
    """Read one kind of state."""
    return _LOOKS[name]()


def set_recursion_limit(limit: int) -> None:
    """Set the limit of this interpreter."""
    sys.setrecursionlimit(limit)


def set_precision(digits: int) -> None:
    """Set the precision of this thread's decimal context, and of later threads'."""
    decimal.getcontext().prec = decimal.DefaultContext.prec = digits


def seed(number: int) -> None:
    """Seed the functions of `random`."""
    random.seed(number)


def change_folder(path: str) -> None:
    """Change the working directory."""
    os.chdir(path)


def set_umask(mask: int) -> None:
    """Set the umask."""
    os.umask(mask)


def set_locale(name: str) -> None:
    """Set the C locale."""
    locale.setlocale(locale.LC_NUMERIC, name)


def append_path(path: str) -> None:
    """Append to sys.path."""
    sys.path.append(path)


def close(descriptor: int) -> None:
    """Close a file descriptor."""
    os.close(descriptor)


def set_handler() -> None:
    """Install a signal handler."""
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_LOOKS = {
    "recursion limit": sys.getrecursionlimit,
    "precision": lambda: decimal.getcontext().prec,
    "random": random.random,
    "folder": os.getcwd,
    "umask": _umask,
    "locale": lambda: locale.setlocale(locale.LC_NUMERIC),
    "path": lambda: list(sys.path),
    "stdout": lambda: id(sys.stdout),
    "argv": lambda: list(sys.argv),
    "flags": lambda: (sys.flags.dev_mode, sorted(sys._xoptions), list(sys.warnoptions)),
    "process": lambda: (os.getpid(), os.getuid(), resource.getrlimit(resource.RLIMIT_NOFILE)),
    "filters": lambda: [(action, str(category)) for action, _, category, *_ in warnings.filters],
    "switch interval": sys.getswitchinterval,
}
