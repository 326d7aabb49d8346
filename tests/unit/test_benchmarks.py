"""Parts of the benchmarks: each pool's adapter, the statistics of comparisons, the service and its load generator."""

import argparse
import importlib
import importlib.util
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from support.scripts import environment, run_python

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

bench_memory: Any = importlib.import_module("bench_memory")
compare_revisions: Any = importlib.import_module("compare_revisions")
harness: Any = importlib.import_module("harness")
peers: Any = importlib.import_module("peers")
recorded: Any = importlib.import_module("recorded")

pytestmark = pytest.mark.once
HERE = [peer for peer in peers.ALL if not peer.python]
QUICK = json.dumps({"seconds": 0.001, "batch": 10, "numbers": 1000})
METRICS = {("b", "time"): harness.Metric("time", "us"), ("b", "rate"): harness.Metric("rate", "/s", higher_is_better=True)}
OLD = [10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 10.7]


@pytest.mark.parametrize("peer", HERE, ids=lambda peer: peer.name)
def test_each_pool_is_measured_through_its_adapter(peer: Any) -> None:
    if peer.missing():
        pytest.skip(peer.missing())
    finished = run_python(str(BENCHMARKS / "pool_sample.py"), peer.name, "calls", "2", QUICK)
    assert finished.code == 0, finished.stderr
    sample = json.loads(finished.stdout)
    assert len(sample) == 5
    assert min(sample.values()) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("program", bench_memory.IMPORTED)
@pytest.mark.parametrize("script", bench_memory.SCRIPTS.values())
def test_the_memory_of_a_script_is_measured(script: str, program: str) -> None:
    if "peer" in script and sys.version_info < (3, 14):
        pytest.skip("InterpreterPoolExecutor is new in Python 3.14")
    finished = run_python(str(BENCHMARKS / script), program, env=environment(**bench_memory.IMPORTED[program]))
    assert finished.code == 0, finished.stderr
    (memory,) = json.loads(finished.stdout).values()
    assert memory > 0


def test_each_pool_says_what_it_cannot_do() -> None:
    assert {peer.name for peer in peers.ALL} == peers.CANNOT.keys() | {peers.OURS, peers.OURS_AWAITED}


def test_a_pool_that_is_not_installed_says_so() -> None:
    peer = peers.Peer("nobody's", peers.no_pool, "no_such_package")
    assert peer.missing() == "no_such_package is not installed (the extra `rivals`)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rounds", "0"], "argument --rounds: must be a whole number above 0, not '0'"),
        (["--rounds", "-2", "cpu"], "argument --rounds: must be a whole number above 0, not '-2'"),
        (["--rounds", "few"], "argument --rounds: must be a whole number above 0, not 'few'"),
        (["--table", "--folder", "missing"], "there is no folder missing"),
        (["--table", "--folder", "empty"], "empty has no results for this version of Python"),
        (["--table", "--folder", "empty", "cpu"], "empty has no results of cpu for this version of Python"),
        (["--folder", "file"], "argument --folder: '{folder}/file' is not a folder"),
        (["--folder", "file/below"], "argument --folder: '{folder}/file' is not a folder"),
        (["cpuu"], "there is no benchmark 'cpuu': did you mean 'cpu'? --list names them all"),
        (["--everything"], "unrecognized arguments: --everything"),
    ],
)
def test_bad_options_of_the_benchmarks_are_told_at_once(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    finished = run_python(str(BENCHMARKS), *arguments, cwd=tmp_path)
    assert (finished.code, finished.stdout) == (2, "")
    assert finished.lines_of_errors[-1].endswith(f": {said.format(folder=tmp_path)}")
    assert "Traceback" not in finished.stderr


def test_a_folder_in_which_nothing_can_be_written_is_told_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        harness.place(str(tmp_path / "new" / "folder"))
    assert str(refused.value) == f"nothing can be written to {str(tmp_path)!r}"


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("bench_cpu.py", ["--workers", "0"], "argument --workers: must be a whole number above 0, not '0'"),
        ("bench_cpu.py", ["--numbers", "x"], "argument --numbers: must be a whole number above 0, not 'x'"),
        ("bench_codec.py", ["--part", "0"], "argument --part: must be a number above 0, not '0'"),
        ("bench_busy.py", ["--seconds", "nan"], "argument --seconds: must be a number above 0, not 'nan'"),
        ("bench_busy.py", ["--seconds", "x"], "argument --seconds: invalid amount value: 'x'"),
        ("bench_busy.py", ["--json", "/dev/null/x"], "argument --json: '/dev/null' is not a folder"),
        ("compare_revisions.py", ["HEAD", "--within", "0"], "argument --within: must be a whole number above 0, not '0'"),
    ],
)
def test_bad_options_of_one_benchmark_are_told_at_once(script: str, arguments: list[str], said: str) -> None:
    finished = run_python(str(BENCHMARKS / script), *arguments)
    assert (finished.code, finished.stdout) == (2, "")
    assert finished.lines_of_errors[-1].endswith(f": {said}")


def test_no_option_of_a_benchmark_takes_any_number() -> None:
    sources = {path.name: path.read_text(encoding="utf-8") for path in BENCHMARKS.glob("*.py")}
    assert [name for name, text in sources.items() if re.search(r'"--\w+", type=(int|float)\b', text)] == []


@pytest.mark.skipif(importlib.util.find_spec("uvicorn") is None, reason="needs the extra `rivals`")
def test_the_service_answers_every_request_whatever_its_pool(tmp_path: Path) -> None:
    finished = run_python(str(BENCHMARKS), "--quick", "--folder", str(tmp_path), "service")
    assert finished.code == 0, finished.stderr
    report = json.loads((tmp_path / harness.result_name("service")).read_text(encoding="utf-8"))
    rates = report["samples"]["computing requests answered, as fast as possible"]
    assert {"aiointerpreters, run", "ThreadPoolExecutor", "ProcessPoolExecutor", "no pool"} <= rates.keys()
    for metric, by_pool in report["samples"].items():
        for pool, values in by_pool.items():
            assert metric.startswith("requests that failed") or min(values) > 0, (metric, pool)


@pytest.mark.parametrize("path", sorted((BENCHMARKS / "results").glob("*.json")), ids=lambda path: path.stem)
def test_recorded_results_are_of_whole_runs(path: Path) -> None:
    assert recorded.Record(json.loads(path.read_text(encoding="utf-8"))).is_judged


@pytest.mark.skipif(sys.version_info[:2] != (3, 14), reason="the figures are of that version")
@pytest.mark.parametrize("script", ["readme_figures.py", "docs_figures.py", "cited_figures.py"])
def test_figures_in_the_docs_are_the_recorded_ones(script: str) -> None:
    finished = run_python(str(BENCHMARKS / script), "--check")
    assert (finished.code, finished.stderr) == (0, "")


@pytest.mark.skipif(sys.version_info[:2] != (3, 14), reason="the figures are of that version")
def test_a_figure_that_was_changed_by_hand_is_replaced() -> None:
    docs_figures: Any = importlib.import_module("docs_figures")
    text = docs_figures.PAGE.read_text(encoding="utf-8")
    by_hand = docs_figures.BLOCK.sub(r"\1by hand\n\3", text)
    assert "by hand" in by_hand
    assert docs_figures.written(by_hand) == text


@pytest.mark.skipif(sys.version_info[:2] != (3, 14), reason="the figures are of that version")
def test_a_sentence_gets_the_recorded_figure_and_must_stand_there_once() -> None:
    cited_figures: Any = importlib.import_module("cited_figures")
    cited = cited_figures.Cited("page", "late by {} or", "asyncio_delay", cited_figures.BUSY, cited_figures.THREADS)
    figure = cited_figures.recorded.read("asyncio_delay").cell(cited.metric, cited.contestant)
    assert cited.written("It is late by 3 ms or\n1,000.5 ms.") == f"It is late by 3 ms or\n{figure}."
    with pytest.raises(ValueError, match="stands there 0 times"):
        cited.written("It is late by hours or 3 ms.")


@pytest.mark.skipif(sys.version_info[:2] != (3, 14), reason="the figures are of that version")
def test_sentences_have_no_measured_figures_but_cited_ones() -> None:
    cited_figures: Any = importlib.import_module("cited_figures")
    found = {page: figures for page, text in cited_figures.pages().items() if (figures := cited_figures.uncited(page, text))}
    assert found == {}, "put them into CITED in cited_figures.py, or use words"
    everything = " ".join(" ".join(text.split()) for text in cited_figures.pages().values())
    assert [phrase for phrase in cited_figures.ALLOWED if phrase not in everything] == [], "nobody needs them any more"


@pytest.mark.skipif(sys.version_info[:2] != (3, 14), reason="the figures are of that version")
@pytest.mark.parametrize("figure", ["9 µs", "about 10 ms", "1,000.5 MB", "3x", "15 times faster"])
def test_a_figure_that_is_neither_cited_nor_allowed_is_found(figure: str) -> None:
    cited_figures: Any = importlib.import_module("cited_figures")
    assert cited_figures.uncited("docs/guide.md", f"A call takes {figure} now. A loop stops after about 5 ms.") == [
        f"A call takes {figure}"
    ]


@pytest.mark.skipif(sys.version_info[:2] != (3, 14), reason="the figures are of that version")
def test_every_picture_is_drawn_for_light_and_dark_pages(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra `plots`")
    plots: Any = importlib.import_module("plots")
    plots.draw(list(plots.PICTURES), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}-{theme}.svg" for name in plots.PICTURES for theme in ("light", "dark")
    }
    for picture in tmp_path.iterdir():
        assert "CPython 3.14" in picture.read_text(encoding="utf-8")
    assert {">1 µs<", ">1 ms<"} <= set(re.findall(r">1 \w+<", (tmp_path / "pools-light.svg").read_text(encoding="utf-8")))


@pytest.mark.skipif(sys.version_info[:2] != (3, 14), reason="the figures are of that version")
def test_the_pictures_in_the_docs_show_the_recorded_results(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra `plots`")
    plots: Any = importlib.import_module("plots")
    if plots.drawn_with_another():
        pytest.skip(f"the pictures were drawn with another version than {plots.DRAWN_WITH}")
    assert plots.differing(tmp_path) == []


def test_the_list_of_benchmarks_says_what_each_one_measures() -> None:
    finished = run_python("-S", str(BENCHMARKS / "listing.py"))
    assert (finished.code, finished.stderr) == (0, "")
    listed = dict(re.split(r" {2,}", line) for line in finished.stdout.splitlines())
    assert listed.keys() == {path.stem.removeprefix("bench_") for path in BENCHMARKS.glob("bench_*.py")}
    assert all(question.startswith(("How ", "What ")) for question in listed.values())
    assert run_python(str(BENCHMARKS), "--list").stdout == finished.stdout


def record_of(rounds: dict[str, list[float]], *, quick: bool = False, higher_is_better: bool = False) -> Any:
    recorded: Any = importlib.import_module("recorded")
    count = len(next(iter(rounds.values())))
    metric = {"name": "one no-op call", "unit": "us", "higher_is_better": higher_is_better}
    machine = dict.fromkeys(("cpu", "cores", "system", "python", "package", "date"), "x")
    samples = {"one no-op call": rounds}
    return recorded.Record(
        {"title": "calls", "metrics": [metric], "samples": samples, "rounds": count, "quick": quick, "machine": machine}
    )


@pytest.mark.parametrize(
    ("ours", "rival", "lost"),
    [
        ([2, 2, 2], [1, 1, 1], True),
        ([2, 2, 9], [1, 1, 1], True),  # in all rounds, whatever the size of the difference
        ([2, 2, 1], [1, 1, 1.1], False),  # one round says the opposite
        ([2, 2, 1], [1, 1, 1], False),  # one round shows no difference
        ([1.03, 1.03, 1.03], [1, 1, 1], False),  # less than 5 %
        ([2, 2], [1, 1], False),  # too few rounds
        ([1, 1, 1], [2, 2, 2], False),
    ],
)
def test_a_loss_is_a_difference_that_every_round_shows(ours: list[float], rival: list[float], lost: bool) -> None:
    docs_figures: Any = importlib.import_module("docs_figures")
    rounds = {peers.OURS: ours, "loky": rival}
    assert ("loky" in docs_figures.lost("pools", record_of(rounds))) is lost
    assert docs_figures.lost("pools", record_of(rounds, quick=True)) == ""
    upside_down = {name: [1 / value for value in values] for name, values in rounds.items()}
    assert ("loky" in docs_figures.lost("pools", record_of(upside_down, higher_is_better=True))) is lost


def test_a_loss_is_named_as_in_the_other_tables() -> None:
    docs_figures: Any = importlib.import_module("docs_figures")
    text = docs_figures.lost("pools", record_of({peers.OURS: [2, 4, 2], "loky": [1, 1, 1], "no pool": [0.1, 0.1, 0.1]}))
    row = "| one call of a function that does nothing | `submit` | 2.0 µs | loky | 1.0 µs | 0.5x (0.25x to 0.5x) |"
    assert [line for line in text.splitlines() if "µs" in line] == [row]


@pytest.mark.skipif(sys.version_info[:2] != (3, 14), reason="the figures are of that version")
def test_every_recorded_loss_is_listed_and_each_way_has_words() -> None:
    docs_figures: Any = importlib.import_module("docs_figures")
    listed = docs_figures.losses()
    for benchmark in docs_figures.recorded.recorded():
        record = docs_figures.recorded.read(benchmark)
        assert record.is_judged is (f"`{benchmark}`" not in listed.splitlines()[-1])
        assert docs_figures.lost(benchmark, record) in f"\n{listed}"
        ways = {name.removeprefix(harness.OURS) for name in filter(record.is_ours, record.contestants)}
        assert ways <= docs_figures.wording.WAYS.keys()


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("one no-op call", "one empty call"),
        ("echo of 262144 bytes", "256 KiB of bytes there and back"),
        ("echo of 16 bytes", "16 bytes there and back"),
        ("echo of 10 k ints", "10 k ints there and back"),
        ("no-op calls, 4096 in flight", "calls a second, 4,096 in flight"),
        ("loop held up by None", "longest delay of the event loop, None as argument"),
        ("loop held up by 1 M ints there and back", "longest delay of the event loop, 1 M ints there and back"),
        ("p99 of a ping, more than one core", "75 requests a second: a ping, p99"),
        ("p99 of the loop's delay, idle", "the loop's delay, p99, idle"),
    ],
)
def test_metrics_have_words_in_the_tables(metric: str, words: str) -> None:
    wording: Any = importlib.import_module("wording")
    assert wording.what("growth", metric) == words
    assert wording.what("pools", "CPU-bound work") != wording.what("cpu", "CPU-bound work")


@pytest.mark.parametrize(
    ("smaller", "greater", "chance"),
    [
        ([1, 2], [3, 4], 1 / 6),  # one of the six orders
        ([3, 4], [1, 2], 1),
        ([1, 3], [2, 4], 2 / 6),
        ([1, 2, 3], [4, 5, 6], 1 / 20),
        ([1, 2, 4], [3, 5, 6], 2 / 20),
        ([5, 5], [5, 5], 1),  # ties do not count as greater
    ],
)
def test_chance_counts_the_orders_that_are_as_extreme(smaller: list[float], greater: list[float], chance: float) -> None:
    assert compare_revisions.chance(smaller, greater) == pytest.approx(chance)


def found(metric: str, old: list[float], new: list[float]) -> tuple[str, list[Any]]:
    key = ("b", metric, "aiointerpreters, tagged")
    report: tuple[str, list[Any]] = compare_revisions.report(compare_revisions.changes({key: old}, {key: new}, METRICS))
    return report


def test_what_is_slower_in_every_round_is_named() -> None:
    table, slower = found("time", OLD, [value * 1.2 for value in OLD])
    assert [change.ratio for change in slower] == [pytest.approx(1.2)]
    assert "slower" in table


def test_a_lower_rate_is_slower_and_a_shorter_time_is_faster() -> None:
    assert [change.ratio for change in found("rate", OLD, [value / 2 for value in OLD])[1]] == [pytest.approx(2)]
    table, slower = found("time", OLD, [value / 2 for value in OLD])
    assert not slower
    assert "faster" in table


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        [value * 1.03 for value in OLD],  # less than 5 %, although it is certain
        [5, 6, 20, 21, 7, 8, 22, 23],  # the median is far away, but the order is not clear
    ],
)
def test_noise_and_small_changes_are_not_named(new: list[float]) -> None:
    table, slower = found("time", OLD, new)
    assert not slower
    assert "slower" not in table


def test_more_figures_need_more_rounds() -> None:
    assert compare_revisions.least_rounds(1) == 5  # 1 / comb(10, 5) is 0.004
    assert compare_revisions.least_rounds(100) == 8  # 1 / comb(16, 8) is below 0.0001


def test_an_unknown_revision_is_refused() -> None:
    if not (BENCHMARKS.parent / ".git").exists():
        pytest.skip("this is no clone")
    finished = run_python(str(BENCHMARKS / "compare_revisions.py"), "no-such-revision", "latency")
    assert finished.code == 1
    assert "there is no revision 'no-such-revision'" in finished.stderr


def test_the_current_commit_is_not_compared_with_itself() -> None:
    if not (BENCHMARKS.parent / ".git").exists():
        pytest.skip("this is no clone")
    finished = run_python(str(BENCHMARKS / "compare_revisions.py"), "HEAD", "latency")
    assert finished.code == 1
    assert "'HEAD' is the current commit: there is nothing to compare" in finished.stderr
