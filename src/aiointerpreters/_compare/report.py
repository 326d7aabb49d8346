"""What the command prints: a table and the verdict for people, or JSON."""

import os
import platform
import textwrap
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from .._other_load import Load
from .findings import DIFFERENT, SERIAL, Findings, Pool
from .verdict import Verdict, duration, nbytes

_HEAD = ("", "calls/s", "speed-up", "one call adds", "first result", "memory/worker", "loop late by", "results")
_WIDTH = 100


def text(findings: Findings, verdict: Verdict, load: Load, shown: list[str]) -> Iterator[str]:
    """Yield the lines of the report. `shown`: the names of the requested pools."""
    rounds = max((len(pool.rates) for pool in findings.pools), default=0)
    yield f"{findings.title}: one call takes {duration(findings.call)}, and computes for {findings.busy:.0%} of it."
    yield (
        f"{platform.python_implementation()} {platform.python_version()}, {_counted(findings.processors, 'processor')}, "
        f"{_counted(findings.workers, 'worker')}, {_counted(rounds, 'round')}."
    )
    yield ""
    pools = [pool for pool in findings.pools if pool.name in shown]
    rows = [_HEAD, *(tuple(_cells(findings, pool)) for pool in pools if pool.works)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[0] = max(widths[0], *(len(pool.title) for pool in pools))
    for row in rows:
        cells = [f"{cell:{'<' if at in (0, len(row) - 1) else '>'}{widths[at]}}" for at, cell in enumerate(row)]
        yield "  ".join(cells).rstrip()
    for pool in pools:
        if not pool.works:
            yield f"{pool.title:<{widths[0]}}  cannot run it: {pool.problem}"
    yield ""
    yield from _wrapped(" ".join(verdict.reasons))
    again = ["Run this again on a quieter machine before you rely on it."] if load.is_heavy else []
    for remark in [*verdict.remarks, " ".join([*load.sentences(), *again])]:
        yield from _wrapped(remark)


def as_json(findings: Findings, verdict: Verdict, load: Load, shown: list[str], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return all measurements, in seconds and bytes."""
    return {
        "target": findings.title,
        "arguments": arguments,
        "aiointerpreters": metadata.version("aiointerpreters"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "processors": findings.processors,
        "workers": findings.workers,
        "call_seconds": findings.call,
        "call_busy_share": findings.busy,
        "pools": [_pool_as_json(findings, pool) for pool in findings.pools if pool.name in shown],
        "other_load": {
            "seconds": load.seconds,
            "other_programs_cpu_seconds": load.others,
            "stolen_cpu_seconds": load.stolen,
            "throttled_seconds": load.throttled,
            "cgroup_quota_processors": load.quota,
            "remarks": list(load.sentences()),
        },
        "verdict": {"use": verdict.use, "reasons": verdict.reasons, "remarks": verdict.remarks},
    }


def _pool_as_json(findings: Findings, pool: Pool) -> dict[str, Any]:
    return {
        "name": pool.name,
        "title": pool.title,
        "problem": pool.problem,
        "calls_per_second": pool.rate if pool.works else None,
        "speed_up": findings.speed_up(pool) if pool.works else None,
        "added_seconds_per_call": findings.added(pool) if pool.works else None,
        "first_result_seconds": pool.first_result,
        "memory_per_worker_bytes": pool.memory,
        "loop_delay_p99_seconds": pool.delay,
        "results": pool.results if pool.works and pool.name != SERIAL else None,
        "rounds": {"calls": pool.calls, "calls_per_second": pool.rates, "loop_delay_p99_seconds": pool.delays},
    }


def _cells(findings: Findings, pool: Pool) -> Iterator[str]:
    yield pool.title
    yield f"{pool.rate:,.0f}" if pool.rate >= 100 else f"{pool.rate:.3g}"
    speed_up = findings.speed_up(pool)
    yield f"{speed_up:.2f}x" if speed_up >= 0.1 else f"{speed_up:.1g}x"
    added = findings.added(pool)
    if added is None:
        yield "-"
    else:  # the difference of two measured times: if they are long, its digits are noise
        yield duration(added) if added > 0.03 * findings.call else "< 3%"
    yield "-" if pool.first_result is None else duration(pool.first_result)
    yield "-" if pool.memory is None else nbytes(pool.memory)
    yield "-" if pool.delay is None else duration(pool.delay)
    yield "-" if pool.name == SERIAL else pool.results.upper() if pool.results == DIFFERENT else pool.results


def _wrapped(paragraph: str) -> list[str]:
    return textwrap.wrap(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def processors() -> int:
    """Return the number of processors that this program may use."""
    return os.process_cpu_count() or 1
