"""The facts about a machine that a bug report should contain: `python -m aiointerpreters info`."""

import contextlib
import os
import platform
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from . import _core

_VARIABLES = (
    "AIOINTERPRETERS_EXTENSIONS",
    "AIOINTERPRETERS_EXTENSIONS_TRUSTED",
    "AIOINTERPRETERS_CACHE",
    "AIOINTERPRETERS_WARN_LOST_TAGS",
    "PYTHON_GIL",
)
_ASKED_FOR = ("cloudpickle", "anyio", "uvloop", "numpy", "pandas", "polars", "pyarrow", "pydantic", "lxml", "scipy", "torch")


def lines() -> Iterator[str]:
    """Yield the lines of the report: a name, a colon, the value."""
    yield f"aiointerpreters: {metadata.version('aiointerpreters')}"
    version = f"{platform.python_implementation()} {platform.python_version()}{_build()}"
    yield f"Python: {version}, {_without_home(sys.executable)}"
    yield f"system: {platform.platform()}, {platform.machine()}, {' '.join(platform.libc_ver()) or 'libc unknown'}"
    yield f"processors: {os.process_cpu_count() or 'unknown'} for this process, {os.cpu_count() or 'unknown'} in all"
    yield from _limits()
    yield f"private copies of extension modules: {_core.why_no_copies() or 'supported'}"
    for path, refused, absent, _, copies, nbytes, _ in _core.describe_copies():
        content = f"not used: {refused}" if refused else "empty" if absent else f"copies: {copies}, {nbytes / 1e6:.1f} MB"
        yield f"cache: {_without_home(path)} ({content})"
    for name in _VARIABLES:
        if name in os.environ:
            yield f"{name}: {os.environ[name]}"
    yield f"packages: {', '.join(_versions()) or 'none of those that this command looks for'}"
    yield f"alive: {'; '.join(_other_processes()) or 'no other process of this user has loaded this package'}"


def _without_home(path: str) -> str:
    """Return the path. If it is in the home folder, that part is replaced by `~`, which hides the user's name."""
    home = Path.home()
    return f"~/{Path(path).relative_to(home)}" if Path(path).is_relative_to(home) else path


def _build() -> str:
    kinds = {"debug": hasattr(sys, "gettotalrefcount"), "free-threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED"))}
    return "".join(f" ({kind})" for kind, is_so in kinds.items() if is_so)


def _limits() -> Iterator[str]:
    """Yield limits of Linux: the quota of the control groups, and memory mappings."""
    quota = _core.cpu_quota("")
    yield f"CPU quota of the control groups: {'none' if quota is None else f'{quota:.3g} processors'}"
    most, maps = _text("/proc/sys/vm/max_map_count"), _text("/proc/self/maps")
    if most is not None and maps is not None:
        yield f"memory mappings: {len(maps.splitlines())} of {most}"
    with contextlib.suppress(ImportError):
        import resource  # not on every system

        for name, limit in (("open files", resource.RLIMIT_NOFILE), ("threads of this user", resource.RLIMIT_NPROC)):
            soft = resource.getrlimit(limit)[0]
            yield f"{name}: {'no limit' if soft == resource.RLIM_INFINITY else f'at most {soft}'}"


def _other_processes() -> Iterator[str]:
    """Yield the processes of this user that have loaded this package, on Linux. Arguments of programs are not shown."""
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda each: int(each.name)):
        if int(folder.name) == os.getpid() or "/aiointerpreters/_core." not in (_text(f"{folder}/maps") or ""):
            continue
        status = dict(line.split(":", 1) for line in (_text(f"{folder}/status") or "").splitlines() if ":" in line)
        try:
            megabytes = int(status["VmRSS"].split()[0]) / 1024
            yield f"{folder.name} ({status['Name'].strip()}, threads: {int(status['Threads'])}, memory: {megabytes:.0f} MB)"
        except (KeyError, ValueError):  # it has ended
            continue


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _versions() -> Iterator[str]:
    for name in _ASKED_FOR:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
