"""Every example and every benchmark runs and shows what it promises. These tests do not measure speed."""

import importlib.util
import json
import math
import re
import signal
import statistics
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aiointerpreters import _core
from support.scripts import TIMEOUT, Finished, environment, run_python

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
BENCHMARKS = sorted(path.stem.removeprefix("bench_") for path in (REPOSITORY / "benchmarks").glob("bench_*.py"))
# CPython 3.13.0 alone complains about `_DeleteDummyThreadOnDel` when interpreters end that have imported `threading`.
ENDS_SILENTLY = sys.version_info[:3] != (3, 13, 0)
PEER_REFUSES = {
    "echo of the memoryview in a dict in a list",
    "gather of to_thread",
    "gather of to_thread beside a computing process",
    "loop held up by a SharedBuffer of 64 MB",
}
WITH_THEIR_OWN_TESTS = {"growth", "pools", "service"}  # test_benchmarks.py
WITHOUT_PEER = {
    "arrays",
    "asyncio_cancel",
    "by_value",
    "interrupt",
    "logging",
    "many_threads",
    "packages",
    "process_lane",
    "warm",
}
OURS = ("codec", "private", "tagged", "run", 'lane="process"', "preloaded")
MAY_BE_NOTHING = {"memory left by one interpreter", "memory of an interpreter's first exception"}
MEASURES_MEMORY = Path("/proc/self/smaps_rollup").exists()

needs_extra = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("bs4", "httpx")), reason="needs the extra `examples`"
)


def run_example(name: str, *args: str) -> Finished:
    """Run an example. It must end well and report no problem."""
    finished = run_python(str(EXAMPLES / name), *args)
    assert finished.code == 0, finished.stderr
    assert finished.stderr == "" or not ENDS_SILENTLY
    return finished


def test_the_gallery_names_every_example() -> None:
    page = (REPOSITORY / "docs" / "examples.md").read_text(encoding="utf-8")
    names = {path.name for pattern in ("*.py", "*.ipynb") for path in EXAMPLES.glob(pattern)}
    assert names - set(re.findall(r"`([\w.]+)`", page)) == set()


def test_examples_use_public_names_only() -> None:
    for path in (*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.ipynb")):
        private = re.findall(
            r"\baiointerpreters\._\w+|from aiointerpreters import .*\b_\w+", path.read_text(encoding="utf-8")
        )
        assert private == [], path.name


@contextmanager
def running_example(name: str, *args: str) -> Iterator[subprocess.Popen[str]]:
    """Run an example while the test goes on."""
    command = [sys.executable, "-u", str(EXAMPLES / name), *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def filters(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the example."""
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("filters")


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
    finished = run_example("service.py", "--clients", "4", "--requests", "2", "--patience", "10")
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
def test_filters_make_the_same_pictures_in_interpreters(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    finished = run_example("filters.py", "--size", "45", "--band", "10", "--save", str(picture))
    row = r"  (\w+) +\d+\.\d\d s +\d+\.\d\d s"
    assert rows(finished, row) == ["smooth", "median", "sharpen", "edges"]
    assert "All pictures are the same on one core and on all." in finished.lines
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture.read_bytes()[16:24]) == (5 * 45, 45)


def test_filters_find_and_remove_what_they_say(filters: ModuleType) -> None:
    import numpy as np  # imported here, because it is installed on Linux only

    flat = np.full((filters.WIDTH, 10 + 2 * filters.RADIUS), 0.5)
    spot = flat.copy()
    spot[filters.RADIUS, filters.RADIUS + 4] = 1
    step = flat.copy()
    step[:, filters.RADIUS + 5 :] = 1
    out = np.empty(10)
    for each in filters.FILTERS.values():
        each(flat, out)
        assert out == pytest.approx(0 if each is filters.edges else 0.5)
    filters.median(spot, out)
    assert out == pytest.approx(0.5)  # a single point is gone
    filters.smooth(step, out)
    assert out == pytest.approx(step[0, filters.RADIUS : -filters.RADIUS], abs=0.05)  # the edge is still sharp
    filters.edges(step, out)
    assert np.flatnonzero(out).tolist() == [4, 5]
    filters.sharpen(spot, out)
    assert out.argmax() == 4


def test_a_file_pipeline_reports_what_takes_too_long_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "once.txt").write_text("a\nb\nc\n", encoding="utf-8")
    (tmp_path / "repeats.txt").write_text("a\nb\nx\na\nb\ny\n", encoding="utf-8")
    (tmp_path / "slow.txt").write_text("the same\n" * 1_000_000, encoding="utf-8")
    finished = run_example("file_pipeline.py", str(tmp_path), "--pattern", "*.txt", "--workers", "2", "--seconds", "3")
    assert re.search(r"^ +12 +\d+%   2 lines  repeats.txt:4$", finished.stdout, re.MULTILINE)
    assert re.search(r"^ +6 +\d+%   0 lines  once.txt$", finished.stdout, re.MULTILINE)
    assert finished.lines[-2:] == [
        "2 files, 2 of them different.",
        f"Skipped: {tmp_path / 'slow.txt'}: takes more than 3 s",
    ]


def test_ctrl_c_stops_a_file_pipeline_and_shows_what_was_done(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\nb\nc\n", encoding="utf-8")
    (tmp_path / "slow.txt").write_text("the same\n" * 1_000_000, encoding="utf-8")
    options = [str(tmp_path), "--pattern", "*.txt", "--workers", "1", "--seconds", str(TIMEOUT)]
    with running_example("file_pipeline.py", *options) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1 files done, 0 skipped: a.txt\n"
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, stderr) == (130, "")
    assert stdout.splitlines()[-2:] == ["1 files, 1 of them different.", "Stopped."]


def test_a_bot_answers_stops_commands_and_says_goodbye() -> None:
    finished = run_example("bot.py", "--seconds", "5", "--grace", "0.1")
    replies = rows(finished, " +bot to (.*)")
    assert sorted(replies) == [
        "ana: I have stopped that after 5 s.",
        "ana: One at a time, please.",
        "ben: 71 x 839 x 1471 x 6857",
        "ben: I know !ping and !factor NUMBER.",
        "ben: pong",
        "cem: I have to go. Please ask me again later.",
    ]
    assert re.fullmatch(r"\d+ heartbeats, one every 20 ms, at most -?\d+\.\d ms late\.", finished.lines[-1])


def test_ctrl_c_ends_a_bot_in_good_order() -> None:
    with running_example("bot.py", "--seconds", str(TIMEOUT), "--grace", "0.1") as process:
        assert process.stdout is not None
        while "One at a time" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, stderr) == (0, "")
    assert "     bot to ana: I have to go. Please ask me again later." in stdout.splitlines()


def test_a_gateway_ends_after_a_bot_that_broke_the_connection() -> None:
    """It hung if the connection was reset, which happens if the bot leaves before it has read everything."""
    source = """
import asyncio, socket, struct
from bot_gateway import Gateway

async def main():
    async with Gateway() as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b'{"op": "heartbeat"}\\n')
        while not gateway.summary().startswith("1 "):
            await asyncio.sleep(0)
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()  # resets the connection
    print("ended")

asyncio.run(main())
"""
    finished = run_python("-c", source, cwd=REPOSITORY / "examples")
    assert (finished.code, finished.lines[-1:], finished.stderr) == (0, ["ended"], "")


@needs_extra
def test_crawl_reads_the_same_links_in_three_ways() -> None:
    finished = run_example("crawl.py", "--pages", "15", "--concurrency", "4", "--interpreters", "2")
    row = r"  (\S.*\S) +\d+\.\d +\d+\.\d ms +\d+\.\d ms +\d+\.\d ms"
    assert rows(finished, row) == ["on the loop's own thread", "in threads", "in interpreters"]
    assert re.search(r"All three read the same \d+ links in \d\.\d MB of HTML", finished.stdout)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the output of the benchmarks."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture(params=sorted(set(BENCHMARKS) - WITH_THEIR_OWN_TESTS), scope="module")
def report(request: pytest.FixtureRequest, results: Path) -> dict[str, Any]:
    """The output of a quick run of one benchmark."""
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
        ours = by_contestant.keys() & {f"aiointerpreters, {what}" for what in OURS}
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
        better = [pair if higher_is_better[verdict["metric"]] else pair[::-1] for pair in pairs]
        ratios = [one / other if other else math.inf for one, other in better]  # a memory that does not grow is nothing
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
    listed = dict(line.split(maxsplit=1) for line in finished.lines)
    assert sorted(listed) == BENCHMARKS
    assert listed["cpu"].startswith("How much faster CPU-bound Python code gets with two workers")


def test_an_unknown_benchmark_is_refused_with_the_nearest_name() -> None:
    finished = run_python(str(REPOSITORY / "benchmarks"), "--quick", "cpu", "latencies")
    assert finished.code == 2
    assert finished.stdout == ""
    assert "there is no benchmark 'latencies': did you mean 'latency'?" in finished.stderr


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("ipykernel", "matplotlib", "nbclient", "tqdm")),
    reason="needs the extra `examples`",
)
def test_the_notebook_gives_the_results_that_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat: Any = importlib.import_module("nbformat")  # imported here, because the test is skipped if it is not installed
    from nbclient import NotebookClient

    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    kept = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    run = nbformat.from_dict(kept)
    NotebookClient(run, timeout=TIMEOUT, kernel_name="python3").execute()
    shown = [results_of(cell) for cell in kept.cells if cell.cell_type == "code"]
    assert [results_of(cell) for cell in run.cells if cell.cell_type == "code"] == shown
    assert sum(len(results) for results in shown) > 5


def results_of(cell: Any) -> list[str]:
    """The output and the value of a cell, without stderr: progress, and notes about a busy machine."""
    outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return [output.get("text") or output["data"]["text/plain"] for output in outputs]
