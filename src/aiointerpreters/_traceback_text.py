"""The printed text of a worker's exception. The main interpreter produces it on first use, by Python's own `traceback`.

The worker sends a trace: everything that is to be printed, as plain data (core/codec/exception_trace.h). `traceback` formats
stand-ins for the exceptions, so the text is the same as if the worker had printed it.
"""

import linecache
import traceback
from typing import Any

type Entry = tuple[
    str, str, str, tuple[Any, ...], tuple[str, ...], int, int, int, tuple[int, ...] | None, tuple[Any, ...] | None
]
"""Module and qualified name of the type, text, frames, notes, cause, context, suppress, members, a SyntaxError's details."""

_FRAME_ITEMS = 8
_SYNTAX_FIELDS = ("filename", "lineno", "end_lineno", "text", "offset", "end_offset", "msg", "_metadata")
_MOST = 10_000_000
"""No statement has more lines, and no recursion has more frames."""
_NAMELESS = ("<string>", "<stdin>")
"""Any code may have these names, so the lines that the main interpreter knows by them belong to other code."""


def add_hint(kind: type[BaseException], exception: BaseException, text: str) -> str:
    """Return the text of an exception with the hint that Python prints after it: `Did you mean: 'name'?`.

    It is called in the worker, because finding the hint needs the objects and frames there. kind: the built-in base of the
    exception, which determines the kind of hint.
    """
    alike: Any = kind.__new__(kind)
    alike.args = (text,)
    for name in ("msg", "name", "name_from", "path", "obj"):
        if hasattr(alike, name):
            setattr(alike, name, text if name == "msg" else getattr(exception, name, None))
    return str(traceback.TracebackException(kind, alike, exception.__traceback__, limit=0, lookup_lines=False, compact=True))


def format_trace(trace: tuple[Entry, ...]) -> str:
    """Return the text of a trace. It starts with a newline, because it is printed after a type's name.

    Never raises an Exception. If `traceback` fails, the frames are listed in a simple form.
    """
    try:
        lines = list(_prepare(trace).format())
    except Exception as error:
        lines = _list_plainly(trace, error)
    return "\n" + "".join(lines).removesuffix("\n")


def _prepare(trace: tuple[Entry, ...]) -> traceback.TracebackException:
    stand_ins = _make_stand_ins(trace)
    prepared = traceback.TracebackException(type(stand_ins[0]), stand_ins[0], None, compact=True)
    for name in {frames[i] for entry in trace for frames in [entry[3]] for i in range(0, len(frames), _FRAME_ITEMS)}:
        linecache.checkcache(name)
    pairs: list[tuple[traceback.TracebackException, Any]] = [(prepared, stand_ins[0])]
    while pairs:
        shown, stand_in = pairs.pop()
        shown.stack = _make_stack(stand_in.frames)
        if shown.__cause__ is not None:
            pairs.append((shown.__cause__, stand_in.__cause__))
        if shown.__context__ is not None:
            pairs.append((shown.__context__, stand_in.__context__))
        if shown.exceptions is not None:
            pairs.extend(zip(shown.exceptions, stand_in.exceptions, strict=True))
    return prepared


class _StandIn(BaseException):
    """The part of an exception that `traceback` reads."""

    says = ""
    frames: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return self.says


class _StandInSyntaxError(_StandIn, SyntaxError):
    """The same for a syntax error."""


class _StandInGroup(_StandIn, BaseExceptionGroup[BaseException]):
    """The same for a group. Its members are set later, because a group may be created before its members."""

    exceptions: Any = ()


def _make_stand_ins(trace: tuple[Entry, ...]) -> list[Any]:
    kinds: dict[tuple[str, str, type[BaseException]], type[BaseException]] = {}
    stand_ins = []
    for module, qualname, text, frames, notes, *_, members, syntax in trace:
        base = _StandInGroup if members is not None else _StandInSyntaxError if syntax is not None else _StandIn
        key = (module, qualname, base)
        if key not in kinds:
            kinds[key] = type("StandIn", (base,), {"__module__": module, "__qualname__": qualname})
        stand_in: Any = kinds[key]("", [Exception()]) if members is not None else kinds[key]()
        stand_in.says, stand_in.frames = text, frames
        if notes:
            stand_in.__notes__ = list(notes)
        if syntax is not None:
            for name, value in zip(_SYNTAX_FIELDS, syntax, strict=True):
                setattr(stand_in, name, value)
        stand_ins.append(stand_in)
    for stand_in, (*_, cause, context, suppress, members, _syntax) in zip(stand_ins, trace, strict=True):
        if cause >= 0:
            stand_in.__cause__ = stand_ins[cause]
        if context >= 0:
            stand_in.__context__ = stand_ins[context]
        stand_in.__suppress_context__ = bool(suppress)
        if members is not None:
            stand_in.exceptions = tuple(stand_ins[member] for member in members)
    return stand_ins


def _make_stack(frames: tuple[Any, ...]) -> traceback.StackSummary:
    stack = []
    for i in range(0, len(frames), _FRAME_ITEMS):
        filename, name, line, last_line, column, last_column, source, repeats = frames[i : i + _FRAME_ITEMS]
        if source is None and filename in _NAMELESS:
            source = ""
        if max(last_line - line, repeats) > _MOST:
            raise ValueError("no such frame")
        frame = traceback.FrameSummary(
            filename,
            _known(line),
            name,
            lookup_line=False,
            line=source,
            end_lineno=_known(last_line),
            colno=_known(column),
            end_colno=_known(last_column),
        )
        stack += [frame] * (repeats + 1)
    return traceback.StackSummary.from_list(stack)


def _known(number: int) -> int | None:
    return None if number < 0 else number


def _list_plainly(trace: tuple[Entry, ...], error: Exception) -> list[str]:
    reason = f"({type(error).__name__} while the traceback was formatted)\n"
    try:
        module, qualname, text, frames, *_ = trace[0]
        lines = ["Traceback (most recent call last):\n"] if frames else []
        for filename, name, line, *_ in (frames[i : i + _FRAME_ITEMS] for i in range(0, len(frames), _FRAME_ITEMS)):
            lines.append(f'  File "{filename}", line {line}, in {name}\n')
        return [*lines, f"{module}.{qualname}: {text}\n", reason]
    except Exception:
        return [reason]
