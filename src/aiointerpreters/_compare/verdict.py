"""Rules that recommend a way to run the function, with reasons, from the measurements."""

from collections.abc import Iterator
from dataclasses import dataclass

from .findings import DIFFERENT, OURS, PROCESSES, SERIAL, THREADS, Findings, Pool

_GAIN = 1.2  # speed-up over a plain loop; a smaller one is not worth a pool
_AS_GOOD = 0.9  # share of the best speed-up; less is clearly slower
_LATE = 0.005  # seconds of delay of an event loop that users do not notice
_SHORT = 1e-4  # seconds; shorter calls should not be sent one by one


@dataclass(frozen=True)
class Verdict:
    """The recommended pool, a sentence with the reasons, and further remarks."""

    use: str
    reasons: list[str]
    remarks: list[str]


def judge(findings: Findings) -> Verdict:
    """Recommend a pool or a plain loop."""
    usable = [pool for pool in findings.pools if pool.name != SERIAL and pool.works and pool.results != DIFFERENT]
    remarks = list(_remarks(findings, usable))
    if not usable:
        return Verdict(SERIAL, ["Use a plain loop: none of these pools can run the function."], remarks)
    best = max(usable, key=findings.speed_up)
    if findings.speed_up(best) < _GAIN:
        return Verdict(SERIAL, list(_why_no_pool(findings, usable, best)), remarks)
    good = [pool for pool in usable if findings.speed_up(pool) >= _AS_GOOD * findings.speed_up(best)]
    threads, ours = (next((pool for pool in good if pool.name == name), None) for name in (THREADS, OURS))
    if threads is not None:
        return Verdict(THREADS, list(_why_threads(findings, threads)), remarks)
    if ours is not None:
        return Verdict(OURS, list(_why_ours(findings, ours, best)), remarks)
    return Verdict(best.name, list(_why_another(findings, best)), remarks)


def _why_no_pool(findings: Findings, usable: list[Pool], best: Pool) -> Iterator[str]:
    if findings.call < _SHORT:
        added = min((cost for pool in usable if (cost := findings.added(pool)) is not None), default=None)
        more = "" if added is None else f", and the cheapest pool adds {duration(added)} to it"
        yield f"Use a plain loop: one call takes {duration(findings.call)}{more}."
        many = max(2, round(0.002 / findings.call)) if findings.call > 0 else 1000
        yield f"If you have many calls, write a function that does about {_round(many):,} of them, and compare that one."
    else:
        yield f"Use a plain loop: no pool is clearly faster. {best.title} is {times(findings.speed_up(best))} as fast."
    prompt = [pool for pool in usable if pool.delay is not None]
    late = findings.serial.delay
    if findings.call > _LATE and late is not None and late > 2 * _LATE and prompt:
        least = min(prompt, key=lambda pool: pool.delay or 0.0)
        if (least.delay or 0.0) < late / 3:
            yield (
                f"With asyncio, a pool still helps: the event loop is late by {duration(late)} with plain calls, and by "
                f"{duration(least.delay or 0.0)} with {least.title}."
            )


def _why_threads(findings: Findings, threads: Pool) -> Iterator[str]:
    speed_up = times(findings.speed_up(threads))
    because = (
        "the function waits most of the time" if findings.busy < 0.5 else "the function releases the GIL most of the time"
    )
    yield f"Use ThreadPoolExecutor: it is {speed_up} as fast as a plain loop, and no other pool is clearly faster."
    yield f"The reason is that {because}. Threads need no copies of arguments and results."
    if findings.busy < 0.5:
        yield "With more threads than processors, or with asyncio, the program can be even faster."
    ours = findings.pool(OURS)
    if ours is None or not ours.works or ours.delay is None or threads.delay is None:
        return
    if threads.delay > _LATE and ours.delay < threads.delay / 3:
        yield (
            f"If your program has an event loop, use aiointerpreters: the loop is late by {duration(ours.delay)} with it, "
            f"and by {duration(threads.delay)} with threads."
        )


def _why_ours(findings: Findings, ours: Pool, best: Pool) -> Iterator[str]:
    yield f"Use aiointerpreters: it is {times(findings.speed_up(ours))} as fast as a plain loop."
    threads, processes = findings.pool(THREADS), findings.pool(PROCESSES)
    if threads is not None and threads.works:
        held = ", so the function holds the GIL most of the time" if findings.speed_up(threads) < _GAIN else ""
        yield f"Threads are {times(findings.speed_up(threads))} as fast{held}."
    if best is not ours and findings.speed_up(best) > 1.03 * findings.speed_up(ours):
        yield f"{best.title} is a little faster here ({times(findings.speed_up(best))})."
    if processes is not None and processes.works:
        less = list(_less(findings, ours, processes))
        if less:
            yield f"It costs less than processes: {'; '.join(less)}."
        yield "Use processes instead if a crash in C code must not end the whole program."


def _less(findings: Findings, ours: Pool, processes: Pool) -> Iterator[str]:
    """Yield the points in which this package is clearly cheaper than processes."""
    pairs = [
        ("a call adds", findings.added(ours), findings.added(processes), duration),
        ("a worker takes", ours.memory, processes.memory, nbytes),
        ("the first result takes", ours.first_result, processes.first_result, duration),
    ]
    for what, one, other, show in pairs:
        if one is not None and other is not None and one < other / 1.5:
            least = show(one) if one > other / 100 else "next to nothing"
            yield f"{what} {least} instead of {show(other)}"


def _why_another(findings: Findings, best: Pool) -> Iterator[str]:
    yield f"Use {best.title}: it is {times(findings.speed_up(best))} as fast as a plain loop."
    ours = findings.pool(OURS)
    if ours is None:
        return
    if ours.problem is not None:
        yield f"aiointerpreters cannot run the function: {ours.problem}."
    elif ours.works:
        yield f"aiointerpreters is {times(findings.speed_up(ours))} as fast."


def _remarks(findings: Findings, usable: list[Pool]) -> Iterator[str]:
    for pool in findings.pools:
        if pool.works and pool.results == DIFFERENT:
            yield f"{pool.title} gave a different result. The result may depend on state that workers do not share."
    ours = findings.pool(OURS)
    if ours in usable and ours is not None:
        copying = min(ours.carrying, default=0.0)
        if copying > max(_SHORT, findings.call / 4):
            yield (
                f"The function takes {duration(findings.call)}. In aiointerpreters, its arguments and its result take "
                f"{duration(copying)} more, because they are copied. "
                "Pass a memoryview, a SharedBuffer or an array, or return less."
            )
    if ours is not None and ours.problem is not None and "--extensions private" in ours.problem:
        yield "Run this again with --extensions private: most compiled packages work in that way."
    if findings.processors < 2:
        yield "This program can use only one processor, so no pool can compute in parallel."


def duration(seconds: float) -> str:
    """Return a duration as text, in a suitable unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size * 0.9995:
            return f"{_digits(seconds / size)} {unit}"
    return f"{_digits(seconds / 1e-9)} ns"


def nbytes(number: float) -> str:
    """Return a number of bytes in MB or kB."""
    return f"{_digits(number / 1e6)} MB" if number >= 1e5 else f"{_digits(number / 1e3)} kB"


def times(ratio: float) -> str:
    """Return a ratio in words."""
    return f"{_digits(ratio)} times"


def _digits(value: float) -> str:
    """Return a number with at least two significant digits."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 0.95 else f"{value:.2f}"


def _round(number: int) -> int:
    """Return a number with one significant digit."""
    size = int(10.0 ** (len(str(number)) - 1))
    return round(number / size) * size
