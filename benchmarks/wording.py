"""The words with which the tables name what was measured, and how this package was used."""

import re

import bench_service
import harness
import pool_sample

CALLS = {
    pool_sample.NOOP: "one call of a function that does nothing",
    pool_sample.BATCH: "such calls, 1,000 at once",
    pool_sample.INTS: "10,000 ints there and back",
    pool_sample.BYTES: "1 MB of bytes there and back",
}
WORK = {
    pool_sample.CPU: "eight CPU-bound calls, 2 workers",
    pool_sample.FIRST: "first result, with the import of the library",
    pool_sample.MEMORY: "memory for each of 4 workers",
}
LOADS = {
    bench_service.PART: "30 requests a second",
    bench_service.MORE: "75 requests a second",
    bench_service.FULL: "eight clients",
}
PATTERNS = (
    (r"no-op calls in a batch", "calls of a function that does nothing, 1,000 at once"),
    (r"no-op calls, (\d+) in flight", r"calls a second, \1 in flight"),
    (r"no-op calls, (\d+) workers", r"calls a second, \1 workers"),
    (r"echo of (.+)", r"\1 there and back"),
    (r"encode \+ decode (.+)", r"encode and decode \1"),
    (r"loop held up by (.+) there and back", r"longest delay of the event loop, \1 there and back"),
    (r"loop held up by (.+)", r"longest delay of the event loop, \1 as argument"),
    (r"(p50|p99|maximum) of (.+?)(, .+)?", r"\2, \1\3"),
)
"""Names of metrics, and how tables write them. The first pattern that matches a whole name counts."""
WAYS = {
    "tagged": "`submit`",
    "untagged": "`submit`, untagged function",
    "run": "`run`",
    "run (uvloop)": "`run`, with uvloop",
    "Runner": "`Runner`",
    "to_thread": "`asyncio.to_thread`",
    "to_thread(submit)": "`submit` in `asyncio.to_thread`",
    "private": '`extensions="private"`',
    "declared": '`extensions="declared"`',
    "codec": "the codec alone",
}


def what(benchmark: str, metric: str) -> str:
    """Returns the words for a metric of a benchmark."""
    if benchmark == "pools" and metric in CALLS | WORK and metric != pool_sample.BATCH:
        return (CALLS | WORK)[metric]
    for load, words in LOADS.items():
        if metric.endswith(f", {load}"):
            return f"{words}: {what(benchmark, metric.removesuffix(f', {load}'))}"
    for pattern, words in PATTERNS:
        if found := re.fullmatch(pattern, metric):
            metric = re.sub(r"\b\d{4,}\b(?: bytes)?", _with_unit, found.expand(words))
            break
    return re.sub(r"\bno-op( call)?\b", "empty call", metric).replace("no-ops", "empty calls")


def way(contestant: str) -> str:
    """Returns how this package was used, as code that a user writes. Other contestants keep their names."""
    name = contestant.removeprefix(harness.OURS)
    return WAYS[name] if name != contestant else name


def size(value: int) -> str:
    """Returns a number of bytes as text."""
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= factor:
            return f"{value // factor} {unit}"
    return f"{value} B"


def _with_unit(found: re.Match[str]) -> str:
    """Returns a number of bytes with a larger unit, and another number with commas."""
    number, _, unit = found[0].partition(" ")
    return f"{size(int(number))} of bytes" if unit else f"{int(number):,}"
