"""The recommendation of `compare` for made-up measurements, and its parts."""

import math
import re
from concurrent.futures.process import BrokenProcessPool
from itertools import pairwise
from pickle import PicklingError
from typing import Any

import pytest

from aiointerpreters._compare import measuring, pools, report
from aiointerpreters._compare.findings import DIFFERENT, EQUAL, TITLES, UNKNOWN, Findings, Pool
from aiointerpreters._compare.target import Place, WrongTargetError, read_arguments
from aiointerpreters._compare.verdict import Verdict, duration, judge, nbytes
from aiointerpreters._other_load import Load
from support.pages import ROOT, Block, blocks_of

CALL = 0.010  # seconds, unless a test says otherwise


def pool(name: str, speed_up: float, *, adds: float = 5e-5, delay: float = 0.001, **more: Any) -> Pool:
    """A pool that was measured in three rounds."""
    rates = [speed_up * rate for rate in (90.0, 100.0, 110.0)]
    return Pool(name, rates=rates, round_trips=[CALL + adds] * 3, delays=[delay] * 3, results=EQUAL, **more)


def findings(
    *others: Pool, call: float = CALL, busy: float = 1.0, processors: int = 2, serial_delay: float = 0.001
) -> Findings:
    """These pools and a plain loop."""
    serial = pool("serial", 1.0, adds=0.0, delay=serial_delay)
    serial.round_trips = [call] * 3
    for other in others:
        other.round_trips = [trip - CALL + call for trip in other.round_trips]
    return Findings("f()", call, busy, 2, processors, [serial, *others])


def said(verdict: Verdict) -> str:
    """The reasons as one text."""
    return " ".join(verdict.reasons)


def test_python_code_that_holds_the_gil_goes_to_interpreters() -> None:
    processes = pool("processes", 1.95, adds=3e-4, memory=25e6, first_result=0.2)
    ours = pool("interpreters", 1.9, memory=3e6, first_result=0.015)
    verdict = judge(findings(pool("threads", 1.0, delay=0.05), ours, processes))
    assert verdict.use == "interpreters"
    assert said(verdict).startswith(
        "Use aiointerpreters: it is 1.9 times as fast as a plain loop. Threads are 1.0 times as fast"
    )
    assert "a call adds 50 µs instead of 300 µs; a worker takes 3.0 MB instead of 25 MB" in said(verdict)
    assert "a crash in C code" in said(verdict)
    assert verdict.remarks == []


def test_threads_that_are_somewhat_faster_do_not_hold_the_gil_most_of_the_time() -> None:
    text = said(judge(findings(pool("threads", 1.4), pool("interpreters", 1.9))))
    assert "Threads are 1.4 times as fast." in text


def test_of_processes_only_that_is_said_which_they_need_more_of() -> None:
    ours, processes = pool("interpreters", 1.9, memory=20e6, first_result=0.1), pool("processes", 1.9, memory=21e6)
    assert "costs less" not in said(judge(findings(ours, processes)))


def test_a_pool_that_is_a_little_faster_than_ours_is_named() -> None:
    assert "loky is a little faster here (2.0 times)" in said(judge(findings(pool("interpreters", 1.9), pool("loky", 2.0))))


def test_code_that_releases_the_gil_stays_in_threads() -> None:
    verdict = judge(findings(pool("threads", 1.9), pool("interpreters", 2.0), pool("processes", 1.9)))
    assert verdict.use == "threads"
    assert "releases the GIL" in said(verdict)
    assert "event loop" not in said(verdict)


def test_beside_an_event_loop_threads_may_be_too_late() -> None:
    verdict = judge(findings(pool("threads", 1.9, delay=0.020), pool("interpreters", 1.9, delay=0.001)))
    assert verdict.use == "threads"
    assert "use aiointerpreters: the loop is late by 1.0 ms with it, and by 20 ms with threads" in said(verdict)


def test_waiting_is_for_threads() -> None:
    verdict = judge(findings(pool("threads", 2.0), pool("interpreters", 2.0), busy=0.04))
    assert verdict.use == "threads"
    assert "waits most of the time" in said(verdict)
    assert "asyncio" in said(verdict)


def test_short_calls_stay_in_a_loop_and_the_cheapest_pool_is_named() -> None:
    others = pool("threads", 0.01, adds=2e-5), pool("interpreters", 0.1, adds=1e-6)
    verdict = judge(findings(*others, call=2e-7))
    assert verdict.use == "serial"
    assert said(verdict) == (
        "Use a plain loop: one call takes 200 ns, and the cheapest pool adds 1.0 µs to it. "
        "If you have many calls, write a function that does about 10,000 of them, and compare that one."
    )


def test_where_nothing_is_faster_a_pool_may_still_keep_an_event_loop_prompt() -> None:
    verdict = judge(findings(pool("threads", 1.0, delay=0.06), pool("interpreters", 1.1), serial_delay=0.1, processors=1))
    assert verdict.use == "serial"
    assert "no pool is clearly faster. aiointerpreters is 1.1 times as fast." in said(verdict)
    assert "late by 100 ms with plain calls, and by 1.0 ms with aiointerpreters" in said(verdict)
    assert verdict.remarks == ["This program can use only one processor, so no pool can compute in parallel."]


def test_a_short_call_does_not_make_a_loop_late_whatever_was_measured() -> None:
    verdict = judge(findings(pool("threads", 0.1), call=1e-6, serial_delay=0.1))
    assert "event loop" not in said(verdict)


def test_processes_are_recommended_where_they_are_clearly_faster() -> None:
    verdict = judge(findings(pool("threads", 1.0), pool("interpreters", 1.3), pool("processes", 1.9)))
    assert verdict.use == "processes"
    assert said(verdict).endswith("1.9 times as fast as a plain loop. aiointerpreters is 1.3 times as fast.")


def test_a_pool_that_cannot_run_the_function_is_not_recommended() -> None:
    ours = Pool("interpreters", problem="numpy cannot be imported in a subinterpreter; try --extensions private")
    verdict = judge(findings(ours, pool("processes", 1.8)))
    assert verdict.use == "processes"
    assert "aiointerpreters cannot run the function: numpy cannot be imported" in said(verdict)
    assert verdict.remarks == ["Run this again with --extensions private: most compiled packages work in that way."]


def test_where_no_pool_can_a_loop_remains() -> None:
    verdict = judge(findings(Pool("processes", problem="a worker process died")))
    assert (verdict.use, verdict.reasons) == ("serial", ["Use a plain loop: none of these pools can run the function."])


def test_a_pool_with_other_results_is_named_and_not_recommended() -> None:
    wrong = pool("interpreters", 2.0)
    wrong.results = DIFFERENT
    verdict = judge(findings(wrong, pool("threads", 1.5)))
    assert verdict.use == "threads"
    assert [remark.partition(" gave ")[0] for remark in verdict.remarks] == ["aiointerpreters"]


@pytest.mark.parametrize(("carrying", "is_said"), [(0.009, True), (0.0002, False)])
def test_copying_is_said_where_it_takes_a_good_part_of_the_call(carrying: float, is_said: bool) -> None:
    ours = pool("interpreters", 1.3, adds=0.009, carrying=[0.1, carrying, 0.2])
    remarks = judge(findings(ours)).remarks
    assert (
        any("its arguments and its result take 9.0 ms more, because they are copied" in each for each in remarks) is is_said
    )


def test_durations_and_sizes_are_shown_in_units_that_fit() -> None:
    assert [duration(s) for s in (2.0, 0.9999, 0.0123, 4.5e-5, 1.2e-7)] == ["2.0 s", "1.0 s", "12 ms", "45 µs", "120 ns"]
    assert [nbytes(n) for n in (2.5e7, 3.04e6, 4e4)] == ["25 MB", "3.0 MB", "40 kB"]


@pytest.mark.parametrize(
    ("rate", "inputs", "calls"),
    [(1000.0, 1, 100), (1001.0, 1, 104), (0.5, 1, 4), (1e9, 1, 20_000), (1000.0, 30, 90), (1.0, 7, 7)],
)
def test_a_batch_has_as_many_calls_for_each_worker_and_all_inputs_equally_often(
    rate: float, inputs: int, calls: int
) -> None:
    assert measuring.number_of_calls(rate, 0.1, 4, inputs) == calls


def test_percentiles() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (measuring.percentile(values, 0.99), measuring.percentile(values, 0.5), measuring.percentile([], 0.5)) == (
        100,
        51,
        0,
    )


class Elements:
    """Compares element by element, as an array does."""

    def __init__(self, *values: object) -> None:
        self.values = values

    def __eq__(self, other: object) -> "Elements":  # type: ignore[override]
        assert isinstance(other, Elements)
        return Elements(*map(lambda one, two: one == two, self.values, other.values))

    __hash__ = None  # type: ignore[assignment]

    def all(self) -> bool:
        return all(self.values)


def test_results_are_compared_also_by_element() -> None:
    assert measuring.sameness([1, 2], [1, 2]) == EQUAL
    assert measuring.sameness(math.nan, math.nan) == DIFFERENT
    assert measuring.sameness(Elements(1, 2), Elements(1, 2)) == EQUAL
    assert measuring.sameness(Elements(1, 2), Elements(1, 3)) == DIFFERENT
    assert measuring.sameness(Elements(1), 1) == UNKNOWN


def test_arrays_are_compared_by_their_elements() -> None:
    numpy = pytest.importorskip("numpy")
    assert measuring.sameness(numpy.arange(6).reshape(2, 3), numpy.arange(6).reshape(2, 3)) == EQUAL
    assert measuring.sameness(numpy.arange(3), numpy.array([0, 1, 3])) == DIFFERENT
    assert measuring.sameness(numpy.float64(1), numpy.float64(1)) == EQUAL
    assert measuring.sameness(numpy.bool_(True), numpy.bool_(False)) == DIFFERENT
    assert measuring.sameness(numpy.arange(3), numpy.arange(4)) == UNKNOWN


def test_frames_are_compared_by_their_elements() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": [3.0, 4.0]})
    assert measuring.sameness(frame, frame.copy()) == EQUAL
    assert measuring.sameness(frame, frame + 1) == DIFFERENT


@pytest.mark.parametrize(
    ("error", "name", "text"),
    [
        (PicklingError("no way"), "processes", "the function, an argument or the result cannot be pickled (no way)"),
        (BrokenProcessPool("abruptly"), "processes", "a worker process died"),
        (ValueError("first\nsecond"), "threads", "ValueError: first"),
        (ValueError(""), "threads", "ValueError: no text"),
        (ImportError("long\nmodule numpy._core._x does not support loading in subinterpreters"), "InterpreterPoolExecutor",
         "numpy cannot be imported in a subinterpreter"),
        (ImportError("module lxml.etree does not support loading in subinterpreters"), "interpreters",
         "lxml cannot be imported in a subinterpreter; try --extensions private"),
    ],
)  # fmt: skip
def test_why_a_pool_cannot_is_said_in_words(error: Exception, name: str, text: str) -> None:
    assert pools.describe(error, name, None) == text


def test_targets_are_read_without_importing_them() -> None:
    assert Place.parse("no.such.module:Class.method") == Place("no.such.module", "Class.method")
    with pytest.raises(WrongTargetError, match="is not of the form"):
        Place.parse("module:1st")


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("--args", "[1, 'a']", (1, "a")),
        ("--args", "(2,)", (2,)),
        ("--args", "[true, null]", (True, None)),
        ("--kwargs", '{"limit": 3}', {"limit": 3}),
    ],
)
def test_arguments_are_python_literals_or_json(option: str, text: str, value: object) -> None:
    assert read_arguments(option, text) == value


PAGE = ROOT / "docs" / "compare.md"
SHOWN = [
    (table, advice)
    for table, advice in pairwise(blocks_of(PAGE))
    if (table.marker, advice.language) == ("like", "text")  # the output in two parts
]
UNITS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "kB": 1e3, "MB": 1e6}


def number(text: str) -> float | None:
    """The number in a cell of a table."""
    if text == "-":
        return None
    value, _, unit = text.removesuffix("x").partition(" ")
    return float(value.replace(",", "")) * (UNITS[unit] if unit else 1)


def findings_of(table: str, advice: str) -> Findings:
    """The measurements that a table shows."""
    title, call, busy, processors, workers, rounds = re.search(  # type: ignore[union-attr]
        r"^(.*): one call takes (.*), and computes for (\d+)% of it\.\n.*, (\d+) processors?, (\d+) workers?, (\d+) rounds?",
        table,
        re.MULTILINE,
    ).groups()
    direct = number(call) or 0.0
    added = re.search(r"a call adds ([\d.,]+ \S+) instead of", advice)  # the table says only that it is little
    little = number(added[1]) if added is not None else 0.0
    names = {TITLES.get(name, name): name for name in pools.NAMES}
    found = []
    for line in table[table.index("calls/s") :].splitlines()[1:]:
        cells = re.split(r"  +", line)
        if cells[0] not in names:
            continue
        if cells[1].startswith("cannot run it: "):
            found.append(Pool(names[cells[0]], problem=cells[1].removeprefix("cannot run it: ")))
            continue
        adds = little if cells[3] == "< 3%" else number(cells[3])
        found.append(
            Pool(
                names[cells[0]],
                rates=[number(cells[1]) or 0.0] * int(rounds),
                round_trips=[direct + (adds or 0.0)],
                first_result=number(cells[4]),
                memory=number(cells[5]),
                delays=[number(cells[6]) or 0.0],
                results=cells[7] if cells[7] != "-" else UNKNOWN,
            )
        )
    return Findings(title, direct, int(busy) / 100, int(workers), int(processors), found)


@pytest.mark.once
@pytest.mark.parametrize(("table", "advice"), SHOWN, ids=[table.name for table, _ in SHOWN])
def test_the_page_shows_the_advice_that_follows_from_its_table(table: Block, advice: Block) -> None:
    measured = findings_of(table.source, advice.source)
    others = re.search(r"Other programs used ([\d.]+) of the (\d+) processors", advice.source)
    load = Load(1.0, 2, 2, others=float(others[1])) if others is not None else Load(1.0, 2, 2)
    lines = list(report.text(measured, judge(measured), load, [pool.name for pool in measured.pools]))
    at = max(number for number, line in enumerate(lines) if not line)  # an empty line precedes the advice
    assert lines[at + 1 :] == advice.source.splitlines()
    head = table.source.splitlines()[1]
    assert lines[0] == head


def test_every_table_of_the_page_has_its_advice() -> None:
    assert len(SHOWN) == len([block for block in blocks_of(PAGE) if block.marker == "like"]) > 3
