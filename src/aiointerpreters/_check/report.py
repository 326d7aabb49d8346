"""What the command prints: a table for people, or JSON."""

import importlib
import importlib.util
import platform
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

from .. import _core
from .targets import Skipped
from .verdict import DECLARED, PRIVATE, Outcome, Verdict

_HEADS = {DECLARED: "as it is", PRIVATE: 'extensions="private"'}
_COLOURS = {"works": "green", "falls back": "yellow", "partly": "yellow", "-": "dim"}
_MOST_SHOWN = 5  # modules of a target that are listed
_WIDTH = 100


def show(verdicts: Sequence[Verdict], skipped: Sequence[Skipped], ways: Sequence[str]) -> None:
    """Print the table and the reasons."""
    if not verdicts:
        print("nothing to check")
        _show_skipped(skipped)
        return
    heads = ["", *(_HEADS[way] for way in ways), "what to do"]
    rows = [[_printable(verdict.target.name), *(_cell(verdict, way) for way in ways), verdict.route] for verdict in verdicts]
    if sys.stdout.isatty() and importlib.util.find_spec("rich") is not None:
        _show_with_rich(heads, rows)
    else:
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        for row in [heads, *rows]:
            print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    for verdict in verdicts:
        lines = list(_reasons(verdict, ways))
        if lines:
            print(f"\n{verdict.target.name}")
            for indent, line in lines:
                print(_wrapped(line, " " * indent))
    _show_skipped(skipped)


def _show_skipped(skipped: Sequence[Skipped]) -> None:
    for each in skipped:
        print(_wrapped(f"{each.file}: not checked: {each.line} ({each.why})", ""))


def as_json(verdicts: Sequence[Verdict], skipped: Sequence[Skipped], ways: Sequence[str], status: int) -> dict[str, Any]:
    """Return everything that was found out."""
    return {
        "aiointerpreters": metadata.version("aiointerpreters"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "ways": list(ways),
        "private_copies": _core.why_no_copies() or "supported",
        "targets": [verdict.as_json() for verdict in verdicts],
        "skipped": [asdict(each) for each in skipped],
        "exit_status": status,
    }


def _cell(verdict: Verdict, way: str) -> str:
    if verdict.problem is not None:
        return "-"
    outcome = verdict.outcomes.get(way)
    return outcome.status if outcome is not None else "-"


def _reasons(verdict: Verdict, ways: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines about a target, with their indentation."""
    if verdict.problem is not None:
        yield 2, verdict.problem
    for way in ways:
        if (outcome := verdict.outcomes.get(way)) is None:
            continue
        lines = list(_reasons_of(outcome))
        if lines and len(verdict.outcomes) > 1:
            yield 2, f"{_HEADS[way]}:"
            yield from ((indent + 2, line) for indent, line in lines)
        else:
            yield from lines
    if verdict.unchecked:
        yield 2, "not checked, because the main interpreter cannot import them either:"
    for module, problem in verdict.unchecked[:_MOST_SHOWN]:
        yield 4, f"{module}: {problem}"
    if (more := len(verdict.unchecked) - _MOST_SHOWN) > 0:
        yield 4, f"{more} more"


def _reasons_of(outcome: Outcome) -> Iterator[tuple[int, str]]:
    if outcome.problem is not None:
        yield 2, outcome.problem
    for refusals, what in (
        (outcome.refused, "cannot be imported:"),
        (outcome.left_out, "left out without an error, so the package is slower, or fails later:"),
    ):
        if refusals:
            yield 2, what
        for refusal in refusals[:_MOST_SHOWN]:
            how = f" ({_chain(refusal.chain)})" if len(refusal.chain) > 1 else ""
            yield 4, f"{refusal.module}{how}: {refusal.reason}"
        if (more := len(refusals) - _MOST_SHOWN) > 0:
            yield 4, f"{more} more"


def _chain(chain: list[str]) -> str:
    """Return the chain with only the first and the last module of each package."""
    packages = [name.partition(".")[0] for name in chain]
    shown = [
        name
        for at, name in enumerate(chain)
        if at in {0, len(chain) - 1} or (packages[at] != packages[at - 1] and packages[at] != packages[-1])
    ]
    return " -> ".join(shown)


def _printable(text: str) -> str:
    """Return a text without control characters, which could do anything to a terminal."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _wrapped(line: str, indent: str) -> str:
    return textwrap.fill(
        _printable(line),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _show_with_rich(heads: list[str], rows: list[list[str]]) -> None:
    console, table, text = (importlib.import_module(f"rich.{name}") for name in ("console", "table", "text"))
    shown = table.Table(*heads, box=None, pad_edge=False, header_style="bold")
    for name, *statuses, route in rows:
        cells = [text.Text(each, _COLOURS.get(each, "red")) for each in statuses]
        shown.add_row(text.Text(name), *cells, text.Text(route))
    console.Console().print(shown)
