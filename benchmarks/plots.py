"""Draws the pictures of README and docs from the recorded results: `make figures`; `--check` only compares.

Each picture is docs/images/NAME-light.svg and NAME-dark.svg, for light and dark pages. Needs matplotlib (the extra
`plots`). The pictures show the median of the rounds. A band goes from the lowest round to the highest one. The colors are
close to those of Okabe and Ito, which color-blind readers can distinguish. Lines also have different markers.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import awaiting
import bench_growth
import bench_service
import peers
import pool_sample
import recorded
from wording import size

plt: Any = importlib.import_module("matplotlib.pyplot")  # need not be installed when types are checked
DRAWN_WITH = f"matplotlib {importlib.import_module('matplotlib').__version__}"
"""Written into each picture, because other versions of matplotlib draw the same results differently."""
IMAGES = Path(__file__).parent.parent / "docs" / "images"
THEMES = {
    "light": {
        "text": "#1f2328",
        "muted": "#59636e",
        "grid": "#d1d9e0",
        "ours": "#0072b2",
        "threads": "#d55e00",
        "interpreters": "#007a5a",
        "processes": "#a64d85",
        "other": "#8c959f",
    },
    "dark": {
        "text": "#e6edf3",
        "muted": "#9198a1",
        "grid": "#3d444d",
        "ours": "#56b4e9",
        "threads": "#e69f00",
        "interpreters": "#2fc79a",
        "processes": "#e0a3c8",
        "other": "#848d97",
    },
}
KINDS = {
    peers.OURS: "ours",
    peers.OURS_AWAITED: "ours",
    "ThreadPoolExecutor": "threads",
    "InterpreterPoolExecutor": "interpreters",
    "ProcessPoolExecutor": "processes",
}
MARKS = {"ours": "o", "threads": "s", "interpreters": "^", "processes": "D"}
LABELS = {peers.OURS: "aiointerpreters", peers.OURS_AWAITED: "aiointerpreters, run"}
SETTINGS = {
    "svg.hashsalt": "aiointerpreters",  # the same results give the same file
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 12,
}
WIDTH = 6.4  # inches; on a phone 360 points wide, the letters are still 9 points high

type Colors = dict[str, str]


def draw_loop_delay(colors: Colors, path: Path) -> None:
    """Draws how late an event loop is: threads and interpreters, for each load."""
    record = recorded.read("asyncio_delay")
    bars = (("ThreadPoolExecutor", "ThreadPoolExecutor"), (peers.OURS_AWAITED, "aiointerpreters"))
    figure, axes = plt.subplots(figsize=(WIDTH, 2.9))
    for row, load in enumerate(awaiting.LOADS):
        for place, (contestant, label) in enumerate(bars):
            metric = awaiting.delay("p99", load)
            delay = record.median(metric, contestant) or 0.0
            at = row + (place - 0.5) * 0.38
            axes.barh(at, delay, height=0.32, color=colors[KINDS[contestant]], label=label if row == 0 else None)
            axes.text(delay + 0.5, at, record.cell(metric, contestant), va="center", color=colors["text"])
    axes.set_yticks(range(len(awaiting.LOADS)), [load.replace(" computing", "\ncomputing") for load in awaiting.LOADS])
    axes.set_xlabel("99th percentile of the event loop's delay, ms: less is better", color=colors["muted"], loc="right")
    axes.legend(loc="upper right", frameon=False, labelcolor=colors["text"])
    axes.invert_yaxis()
    axes.margins(x=0.14)
    finish(figure, axes, colors, path, record)


def ranked(record: recorded.Record, metric: str) -> dict[str, float]:
    """Returns the median of each contestant that was measured, the best one first."""
    higher = next(row["higher_is_better"] for row in record.report["metrics"] if row["name"] == metric)
    medians = {name: median for name in record.contestants if (median := record.median(metric, name))}
    return dict(sorted(medians.items(), key=lambda item: item[1], reverse=higher))


def draw_bars(colors: Colors, path: Path, record: recorded.Record, metric: str, xlabel: str) -> None:
    """Draws one bar for each pool, with the best one on top. Bars begin at zero."""
    medians = ranked(record, metric)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.34 * len(medians) + 1.0))
    most = max(medians.values())
    for row, (name, median) in enumerate(medians.items()):
        axes.barh(row, median, height=0.62, color=colors[KINDS.get(name, "other")])
        axes.text(median + most / 80, row, record.cell(metric, name), va="center", color=colors["text"])
    axes.set_xlim(0, most * 1.2)
    finish_rows(figure, axes, colors, path, record, list(medians), xlabel)


def draw_dots(colors: Colors, path: Path, record: recorded.Record, metric: str, xlabel: str) -> None:
    """Draws one dot for each pool on a logarithmic scale, with the best one on top. A line shows the range of the rounds.

    The scale has no zero at which a bar could begin.
    """
    medians = ranked(record, metric)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.34 * len(medians) + 1.2))
    axes.set_xscale("log")
    axes.minorticks_off()
    ranges = [record.range(metric, name) for name in medians]
    least, most = min(low for low, _ in ranges), max(high for _, high in ranges)
    for row, ((name, median), (low, high)) in enumerate(zip(medians.items(), ranges, strict=True)):
        color = colors[KINDS.get(name, "other")]
        axes.plot((low, high), (row, row), color=color, linewidth=2, solid_capstyle="round")
        axes.plot(median, row, color=color, marker=MARKS.get(KINDS.get(name, "other"), "o"), markersize=8)
        axes.annotate(
            record.cell(metric, name),
            (high, row),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            color=colors["text"],
        )
    axes.set_xlim(least / 1.6, most * (most / least) ** 0.2)
    ticks = powers_of_ten(*axes.get_xlim())
    axes.set_xticks(ticks, [recorded.tick(value, record.unit(metric)) for value in ticks])
    axes.grid(visible=True, color=colors["grid"], linewidth=0.6)
    axes.set_axisbelow(True)
    finish_rows(figure, axes, colors, path, record, list(medians), xlabel)


def finish_rows(
    figure: Any, axes: Any, colors: Colors, path: Path, record: recorded.Record, names: list[str], xlabel: str
) -> None:
    """Finishes a picture with one row for each contestant."""
    axes.set_yticks(range(len(names)), [_label(name) for name in names])
    axes.set_xlabel(xlabel, color=colors["muted"], loc="right")
    axes.invert_yaxis()
    finish(figure, axes, colors, path, record)


def powers_of_ten(low: float, high: float) -> list[float]:
    """Returns the powers of ten within a range of a logarithmic scale."""
    return [10.0**power for power in range(-6, 12) if low <= 10.0**power <= high]


def draw_pools(colors: Colors, path: Path) -> None:
    """Draws the cost of one call with each pool."""
    record = recorded.read("pools")
    draw_dots(
        colors, path, record, pool_sample.NOOP, "one call of a function that does nothing\nless is better (logarithmic)"
    )


def draw_service(colors: Colors, path: Path) -> None:
    """Draws how long a ping takes while the service computes."""
    metric = bench_service.answered("p99", "ping", bench_service.MORE)
    label = "p99 of a ping beside 75 computing requests a second\nless is better (logarithmic)"
    draw_dots(colors, path, recorded.read("service"), metric, label)


def draw_service_rate(colors: Colors, path: Path) -> None:
    """Draws how many computing requests the service answers."""
    metric, label = (
        bench_service.rate(bench_service.FULL),
        "computing requests answered a second: more is better",
    )
    draw_bars(colors, path, recorded.read("service"), metric, label)


def draw_growth(colors: Colors, path: Path, question: str, xlabel: str, ylabel: str, name_of: Callable[[int], str]) -> None:
    """Draws one line for each pool. Both scales are logarithmic."""
    record = recorded.read("growth")
    metric, points, unit = bench_growth.QUESTIONS[question]
    figure, axes = plt.subplots(figsize=(WIDTH, 3.9))
    for name in record.contestants:
        kind = KINDS[name]
        medians = [record.median(metric.format(point), name) for point in points]
        ranges = [record.range(metric.format(point), name) for point in points]
        axes.fill_between(points, *zip(*ranges, strict=True), color=colors[kind], alpha=0.18, linewidth=0)
        axes.plot(points, medians, color=colors[kind], marker=MARKS[kind], markersize=5, label=_label(name))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(points[:: 1 + len(points) // 8], [name_of(point) for point in points[:: 1 + len(points) // 8]])
    axes.minorticks_off()
    ticks = powers_of_ten(*axes.get_ylim())
    axes.set_yticks(ticks, [recorded.tick(tick, unit) for tick in ticks])
    axes.set_xlabel(xlabel, color=colors["muted"], loc="right")
    axes.set_title(ylabel, color=colors["muted"], fontsize=12, loc="left", pad=46)
    axes.grid(visible=True, color=colors["grid"], linewidth=0.6)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, frameon=False, labelcolor=colors["text"])
    finish(figure, axes, colors, path, record)


def finish(figure: Any, axes: Any, colors: Colors, path: Path, record: recorded.Record) -> None:
    """Gives a picture the colors of its theme, adds the source of the figures, and writes it."""
    axes.tick_params(which="both", colors=colors["muted"], length=0)
    axes.tick_params(axis="y", labelcolor=colors["text"])
    for side in axes.spines.values():
        side.set_visible(False)
    machine = record.report["machine"]
    origin = f"{machine['python']}, {machine['cores']} cores, aiointerpreters {machine['package']}, {machine['date'][:10]}"
    figure.text(0.99, 0.012, origin, ha="right", color=colors["muted"], fontsize=9.5)
    figure.tight_layout(rect=(0, 0.16 / figure.get_figheight(), 1, 1))
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": DRAWN_WITH})
    plt.close(figure)


def _label(name: str) -> str:
    return LABELS.get(name, name)


def _of_growth(question: str, xlabel: str, ylabel: str, name_of: Callable[[int], str]) -> Callable[[Colors, Path], None]:
    return lambda colors, path: draw_growth(colors, path, question, xlabel, ylabel, name_of)


PICTURES: dict[str, Callable[[Colors, Path], None]] = {
    "loop_delay": draw_loop_delay,
    "pools": draw_pools,
    "service": draw_service,
    "service_rate": draw_service_rate,
    "growth_size": _of_growth(
        "sizes", "bytes there and back", "time of one call: less is better", lambda value: size(value).replace("i", "")
    ),
    "growth_in_flight": _of_growth("in_flight", "calls in flight", "calls a second: more is better", "{:,}".format),
    "growth_workers": _of_growth("growing", "workers, on two cores", "calls a second: more is better", str),
}


def draw(names: Sequence[str], folder: Path) -> None:
    """Draws the pictures with these names, for light and dark pages."""
    plt.switch_backend("svg")
    folder.mkdir(exist_ok=True)
    with plt.rc_context(SETTINGS):
        for name in names:
            for theme, colors in THEMES.items():
                PICTURES[name](colors, folder / f"{name}-{theme}.svg")


def differing(folder: Path) -> list[str]:
    """Draws all pictures into a folder, and returns the names of those that differ in docs/images."""
    draw(list(PICTURES), folder)
    return [
        drawn.name
        for drawn in sorted(folder.iterdir())
        if not (IMAGES / drawn.name).exists() or (IMAGES / drawn.name).read_bytes() != drawn.read_bytes()
    ]


def drawn_with_another() -> bool:
    """Tells whether another version of matplotlib has drawn a picture in docs/images, so that they cannot be compared."""
    pictures = [path for name in PICTURES for path in IMAGES.glob(f"{name}-*.svg")]
    return any(f">{DRAWN_WITH}<" not in path.read_text(encoding="utf-8") for path in pictures)


def main() -> None:
    if sys.argv[1:] != ["--check"]:
        draw(sys.argv[1:] or list(PICTURES), IMAGES)
        return
    if drawn_with_another():
        print(f"pictures are not compared: they were not drawn with {DRAWN_WITH}")
        return
    with TemporaryDirectory() as folder:
        names = differing(Path(folder))
    if names:
        sys.exit(f"pictures that do not show the recorded results: {', '.join(names)}: make figures")


if __name__ == "__main__":
    main()
