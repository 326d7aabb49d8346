"""Every example and every benchmark runs and shows what it promises. How fast is not a matter of tests."""

import importlib.util
import json
import re
import statistics
import sys
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import _core
from support.scripts import Finished, run_python

REPOSITORY = Path(__file__).parents[2]
BENCHMARKS = sorted(path.stem.removeprefix("bench_") for path in (REPOSITORY / "benchmarks").glob("bench_*.py"))
# CPython 3.13.0, and none after it, complains of `_DeleteDummyThreadOnDel` when interpreters end that imported `threading`.
ENDS_SILENTLY = sys.version_info[:3] != (3, 13, 0)
PEER_REFUSES = {
    "echo of the memoryview in a dict in a list",
    "gather of to_thread",
    "gather of to_thread beside a computing process",
    "loop held up by a SharedBuffer of 64 MB",
}
WITH_THEIR_OWN_TESTS = {"growth", "pools", "service"}  # test_benchmarks.py
WITHOUT_PEER = {"arrays", "packages", "interrupt", "asyncio_cancel", "many_threads"}
MAY_BE_NOTHING = {"memory left by one interpreter", "memory of an interpreter's first exception"}
MEASURES_MEMORY = Path("/proc/self/smaps_rollup").exists()

needs_extra = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("bs4", "httpx")), reason="needs the extra `examples`"
)


def run_example(name: str, *args: str) -> Finished:
    """Run an example; it ends well and has nothing to complain about."""
    finished = run_python(str(REPOSITORY / "examples" / name), *args)
    assert finished.code == 0, finished.stderr
    assert finished.stderr == "" or not ENDS_SILENTLY
    return finished


def rows(finished: Finished, pattern: str) -> list[str]:
    """The first group of the lines that match."""
    return [found[1] for line in finished.lines if (found := re.fullmatch(pattern, line))]


def test_sums_shows_three_ways_to_the_right_result_and_how_late_a_loop_is() -> None:
    finished = run_example("sums.py")
    ways = rows(finished, r"  (\S.*\S) +\d+\.\d\d s +\d+\.\d times as fast  [█#]*")
    assert [re.sub(r"\d+", "N", way) for way in ways] == ["in a loop", "in N threads", "in N interpreters"]
    assert rows(finished, r"  (\S+) +\d+\.\d ms +[█#]*") == ["threads", "interpreters"]

    (numbers,) = re.findall(r"Adding up ([\d,]+) squares", finished.stdout)
    (result,) = re.findall(r"The sum is ([\d,]+) each time\.", finished.stdout)
    n = int(numbers.replace(",", ""))
    assert int(result.replace(",", "")) == (n - 1) * n * (2 * n - 1) // 6


def test_a_service_stays_prompt_and_stops_what_takes_too_long() -> None:
    finished = run_example("service.py", "--clients", "4", "--requests", "2")
    row = r"  (\S.*\S) +\d+\.\d ms +\d+\.\d ms +\d+\.\d ms"
    assert rows(finished, row) == ["idle", "while every worker computes", "while requests are stopped"]
    assert "All 8 requests were answered alike: 1229 primes" in finished.stdout
    assert re.search(r"were stopped after \d+\.\d s, and the next one was answered in \d+\.\d ms", finished.stdout)


def test_mandelbrot_is_painted_in_shared_memory() -> None:
    finished = run_example("mandelbrot.py", "--width", "60", "--height", "21")
    *picture, said = finished.lines
    assert re.fullmatch(r"60 x 21 points in \d+\.\d\d s, painted in place by \d+ interpreters\.", said)
    assert len(picture) == 21
    assert picture[10].count("%") > 10  # the set itself
    assert picture[10].startswith(".....---")


@pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))
def test_blur_writes_the_same_picture_in_interpreters() -> None:
    finished = run_example("blur.py", "--size", "45", "--radius", "2", "--band", "10")
    *progress, times, said = finished.lines
    assert progress[-1] == "45 of 45 rows"
    assert len(progress) == 5
    assert re.fullmatch(r"In the main interpreter: .* In \d+ interpreters, which import NumPy first: \d+\.\d\d s\.", times)
    assert said == "Both pictures are the same."


@needs_extra
def test_crawl_reads_the_same_links_in_three_ways() -> None:
    finished = run_example("crawl.py", "--pages", "15", "--concurrency", "4", "--interpreters", "2")
    row = r"  (\S.*\S) +\d+\.\d +\d+\.\d ms +\d+\.\d ms +\d+\.\d ms"
    assert rows(finished, row) == ["on the loop's own thread", "in threads", "in interpreters"]
    assert re.search(r"All three read the same \d+ links in \d\.\d MB of HTML", finished.stdout)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what the benchmarks have written."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture(params=sorted(set(BENCHMARKS) - WITH_THEIR_OWN_TESTS), scope="module")
def report(request: pytest.FixtureRequest, results: Path) -> dict[str, Any]:
    """What a quick run of one benchmark wrote."""
    if request.param in {"memory", "packages"} and not MEASURES_MEMORY:
        pytest.skip("needs /proc/self/smaps_rollup")
    finished = run_python(str(REPOSITORY / "benchmarks" / f"bench_{request.param}.py"), "--quick", "--json", str(results))
    assert finished.code == 0, finished.stderr
    path = results / f"{request.param}-{sys.version_info.major}.{sys.version_info.minor}.json"
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def test_each_benchmark_measures_every_contestant_in_every_round(report: dict[str, Any]) -> None:
    in_process = report["benchmark"] == "codec"
    peer = "pickle" if in_process else "InterpreterPoolExecutor"
    for metric, by_contestant in report["samples"].items():
        ours = by_contestant.keys() & {f"aiointerpreters, {what}" for what in ("codec", "private", "tagged", "run")}
        assert ours, metric
        if metric not in PEER_REFUSES and report["benchmark"] not in WITHOUT_PEER:
            assert (peer in by_contestant) == (in_process or sys.version_info >= (3, 14)), metric
        for values in by_contestant.values():
            assert len(values) == report["rounds"]
            assert min(values) > 0 or metric in MAY_BE_NOTHING


def test_each_ratio_is_the_median_of_the_rounds(report: dict[str, Any]) -> None:
    higher_is_better = {metric["name"]: metric["higher_is_better"] for metric in report["metrics"]}
    for verdict in report["verdicts"]:
        samples = report["samples"][verdict["metric"]]
        pairs = zip(samples[verdict["ours"]], samples[verdict["rival"]], strict=True)
        ratios = [ours / rival if higher_is_better[verdict["metric"]] else rival / ours for ours, rival in pairs]
        assert verdict["ratio"] == pytest.approx(statistics.median(ratios))


def test_each_excess_is_the_median_of_the_rounds(report: dict[str, Any]) -> None:
    for excess in report["excesses"]:
        metric = report["samples"][excess["metric"]][excess["ours"]]
        base = report["samples"][excess["base"]][excess["ours"]] if excess["base"] else [0.0] * len(metric)
        differences = [one - other for one, other in zip(metric, base, strict=True)]
        assert excess["excess"] == pytest.approx(statistics.median(differences))


def test_the_summary_has_every_claim(report: dict[str, Any], results: Path) -> None:
    printed = run_python(str(REPOSITORY / "benchmarks"), "--table", "--folder", str(results))
    assert printed.code == 0, printed.stderr
    summary = printed.stdout.rpartition("====\n")[2]
    for verdict in report["verdicts"]:
        claim = f"{verdict['metric']}, {verdict['ours'].removeprefix('aiointerpreters, ')}"
        assert re.search(rf"{re.escape(claim)} .* {re.escape(verdict['rival'])} .*{verdict['ratio']:.2f}x", summary)
    for excess in report["excesses"]:
        claim = f"{excess['metric']}, {excess['ours'].removeprefix('aiointerpreters, ')}"
        more = rf"{re.escape(excess['base'])} .* more +" if excess["base"] else ""
        assert re.search(rf"{re.escape(claim)} .* {more}<= {excess['limit']:g}", summary)


def test_benchmarks_run_one_after_the_other(tmp_path: Path) -> None:
    finished = run_python(str(REPOSITORY / "benchmarks"), "--quick", "--folder", str(tmp_path), "cpu", "cycles")
    assert finished.code == 0, finished.stderr
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"cpu", "cycles"}
    assert "CPU" in finished.stdout.rpartition("====\n")[2]


def test_benchmarks_are_listed_with_what_they_measure() -> None:
    finished = run_python(str(REPOSITORY / "benchmarks"), "--list")
    assert (finished.code, finished.stderr) == (0, "")
    listed = dict(line.split(maxsplit=1) for line in finished.lines[2:])
    assert sorted(listed) == BENCHMARKS
    assert listed["cpu"].startswith("How much faster CPU-bound pure Python gets with two workers")


def test_an_unknown_benchmark_is_refused_with_the_nearest_name() -> None:
    finished = run_python(str(REPOSITORY / "benchmarks"), "--quick", "cpu", "latencies")
    assert finished.code == 2
    assert finished.stdout == ""
    assert "there is no benchmark 'latencies': did you mean 'latency'?" in finished.stderr
