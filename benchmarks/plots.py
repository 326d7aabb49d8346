"""Draws the pictures of README and docs from the recorded results: `make figures`.

Each picture is docs/images/NAME-light.svg and NAME-dark.svg, for readers' two kinds of pages. Needs matplotlib (the extra
`plots`). What is drawn is the median of the rounds.
"""

import importlib
import json
import statistics
from pathlib import Path
from typing import Any

import awaiting
import harness

plt: Any = importlib.import_module("matplotlib.pyplot")  # it need not be installed where types are checked
IMAGES = Path(__file__).parent.parent / "docs" / "images"
THEMES = {
    "light": {"text": "#1f2328", "muted": "#59636e", "threads": "#cf222e", "ours": "#0969da"},
    "dark": {"text": "#e6edf3", "muted": "#9198a1", "threads": "#ff7b72", "ours": "#58a6ff"},
}
SETTINGS = {
    "svg.hashsalt": "aiointerpreters",  # the same results give the same file
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 11,
}


def draw_loop_delay(colors: dict[str, str], path: Path) -> None:
    """Draws by how much an event loop is late: threads beside interpreters, for each load."""
    report = json.loads((harness.RESULTS / harness.result_name("asyncio_delay")).read_text(encoding="utf-8"))
    bars = (
        ("ThreadPoolExecutor", "ThreadPoolExecutor", colors["threads"]),
        ("aiointerpreters, run", "aiointerpreters", colors["ours"]),
    )
    figure, axes = plt.subplots(figsize=(7.4, 2.7))
    for row, load in enumerate(awaiting.LOADS):
        for place, (contestant, label, color) in enumerate(bars):
            delay = statistics.median(report["samples"][awaiting.delay("p99", load)][contestant])
            at = row + (place - 0.5) * 0.38
            axes.barh(at, delay, height=0.32, color=color, label=label if row == 0 else None)
            axes.text(delay + 0.5, at, f"{delay:.2g} ms", va="center", color=colors["text"])
    axes.set_yticks(range(len(awaiting.LOADS)), awaiting.LOADS)
    axes.set_xlabel("the event loop is late by (99th percentile, ms; less is better)", color=colors["muted"])
    axes.legend(loc="upper right", frameon=False, labelcolor=colors["text"])
    finish(figure, axes, colors, path, report["machine"])


def finish(figure: Any, axes: Any, colors: dict[str, str], path: Path, machine: dict[str, str]) -> None:
    """Gives a picture the colors of its theme, says where the figures are from, and writes it."""
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.tick_params(colors=colors["muted"], length=0)
    axes.tick_params(axis="y", labelcolor=colors["text"])
    for side in axes.spines.values():
        side.set_visible(False)
    origin = f"{machine['python']}, {machine['cores']} cores, {machine['date'][:10]}"
    figure.text(0.99, 0.01, origin, ha="right", color=colors["muted"], fontsize=8)
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def main() -> None:
    plt.switch_backend("svg")
    IMAGES.mkdir(exist_ok=True)
    with plt.rc_context(SETTINGS):
        for theme, colors in THEMES.items():
            draw_loop_delay(colors, IMAGES / f"loop_delay-{theme}.svg")


if __name__ == "__main__":
    main()
