"""The text of `dump_traceback`: what each worker runs, for how long, and its Python stack.

The engine asks the interpreters (core/pool/glance.h) and answers with plain data. Source lines are read here.
"""

import linecache
import sys
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._core import _Activity, _Stack, _WorkerStacks
    from .executors import InterpreterThreadPoolExecutor

_MILLISECONDS = 1000
"""How long the interpreters have to answer. One that is in Python code answers within its switch interval, 5 ms."""
_NAMELESS = ("<string>", "<stdin>")
"""Any code may have these names, so the lines that this interpreter knows by them may belong to other code."""
_OF_ENGINE = "<aiointerpreters>"
_BELOW_CALLS = __file__.replace("_stacks", "_worker_thread")


def dump(executor: "InterpreterThreadPoolExecutor", file: Any) -> None:
    """Write the text to the file.

    Raises:
        TypeError: The file has no method `write`.
        RuntimeError: No file is given, and `sys.stderr` is None.
    """
    if file is None:
        file = sys.stderr
        if file is None:
            raise RuntimeError("sys.stderr is None")
    if not callable(getattr(file, "write", None)):
        raise TypeError(f"file must have a method write(), as sys.stderr has, but {file!r} has none")
    names = {thread.ident: thread.name for thread in list(executor._threads)}
    pool = executor._pool
    census, workers = pool.stacks(_MILLISECONDS) if pool.is_here else ((0, 0, 0, 0), [])
    workers.sort(key=lambda worker: _in_order(names.get(worker[0], "")))
    linecache.checkcache()
    elsewhere = executor._elsewhere
    lines = [*_describe(executor._describe(census), workers, names), *(elsewhere.lines() if elsewhere is not None else ())]
    file.write("".join(lines))
    if callable(getattr(file, "flush", None)):
        file.flush()


def _in_order(name: str) -> tuple[str, int, str]:
    """Return a key that sorts names with numbers at their ends by these numbers."""
    start = name.rstrip("0123456789")
    digits = name[len(start) :]
    return start, int(digits[:9] or 0), name


def _describe(title: str, workers: "list[_WorkerStacks]", names: dict[int | None, str]) -> Iterator[str]:
    yield f"{title}\n"
    idle = []
    for worker in workers:
        ident, _, interpreter, *_ = worker
        name = f'"{names.get(ident, ident)}"'
        parts = list(_describe_worker(worker))
        if parts:
            where = "" if interpreter is None else f", interpreter {interpreter}"
            yield f"Thread {name}{where}: "
            yield from parts
        else:
            idle.append(name if interpreter is None else f"{name} (interpreter {interpreter})")
    if idle:
        yield f"Idle: {', '.join(idle)}\n"
    elif not workers:
        yield "No threads\n"


def _describe_worker(worker: "_WorkerStacks") -> Iterator[str]:
    """Return the lines about a worker: the rest of the first one, then its stacks. None at all: it is idle."""
    _, state, _, call, activities, stack = worker
    at_home = _without_engine(stack)
    own = [each for each in activities or () if each[0] in ("call", "upkeep")]
    others = [each for each in activities or () if each[0] not in ("call", "upkeep")]
    if call is not None and not call[2]:
        yield f"runs {_name_at_home(at_home)} (untagged) for {call[1]:.1f} s\n"
        yield from _format(at_home)
    elif activities is None:
        runs = f"runs {call[0] or 'a function'} (tagged) for {call[1]:.1f} s" if call is not None else "runs something"
        yield f"{runs}\n"
        yield f"  No stack: no answer within {_MILLISECONDS} ms. It is probably in C code that holds the interpreter's GIL\n"
    elif own:
        for kind, name, seconds, frames in own:
            yield f"runs {name or 'a function'} (tagged) for {seconds:.1f} s\n" if kind == "call" else f"{name}\n"
            yield from _format(frames)
    elif at_home:
        yield "runs code in this interpreter\n"
        yield from _format(at_home)
    elif state == "making":
        yield "creates its interpreter\n"
    elif state == "ending":
        yield "ends its interpreter\n"
    elif others:
        yield "idle\n"
    for activity in others:
        yield from _describe_other(activity)


def _describe_other(activity: "_Activity") -> Iterator[str]:
    kind, name, seconds, frames = activity
    match kind:
        case "thread":
            yield f'  Thread "{name}" of a call:\n'
        case "loop":
            yield "  Event loop, between calls:\n"
        case "waiting":
            yield f"  Event loop: {name or 'a function'} (tagged) waits, began {seconds:.1f} s ago\n"
        case _:
            yield f"  Event loop: {name or 'a function'} (tagged) runs, began {seconds:.1f} s ago\n"
    yield from _format(frames, "  ")


def _without_engine(stack: "_Stack") -> "_Stack":
    """Return the frames of a worker's thread above those that lead to its calls."""
    for place in reversed(range(len(stack))):
        if stack[place][0] == _BELOW_CALLS:
            return stack[place + 1 :]
    return stack


def _name_at_home(stack: "_Stack") -> str:
    return stack[0][2] if stack else "a function in C"


def _format(stack: "_Stack", indent: str = "") -> Iterator[str]:
    frames = [
        traceback.FrameSummary(file, line, name, lookup_line=False, line="" if file in _NAMELESS else None)
        for file, line, name in stack
        if file != _OF_ENGINE
    ]
    if not frames:
        yield f"{indent}  No Python frames\n"
    for entry in traceback.StackSummary.from_list(frames).format():
        yield from (f"{indent}{line}" for line in entry.splitlines(keepends=True))
