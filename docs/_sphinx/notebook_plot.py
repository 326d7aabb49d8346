"""Draws the plot of examples/notebook.ipynb for light and dark pages: `make figures`. Needs matplotlib (the extra `plots`).

The files are docs/images/collatz-light.png and collatz-dark.png. The code of the plot is that of the notebook's cell.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
THEMES = {"light": ("#1f2328", "#0072b2"), "dark": ("#e6edf3", "#56b4e9")}  # letters and points, as in benchmarks/plots.py


def cell_with(text: str) -> str:
    """Return the source of the notebook's only cell of code that contains this text."""
    notebook = json.loads((ROOT / "examples" / "notebook.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    (found,) = [source for source in sources if text in source]
    return found


def draw(folder: Path) -> None:
    """Write both files into a folder."""
    plt: Any = importlib.import_module("matplotlib.pyplot")  # need not be installed when types are checked
    pillow: Any = importlib.import_module("PIL.Image")  # which matplotlib requires
    plt.switch_backend("svg")  # shows nothing
    names: dict[str, Any] = {"plt": plt}
    exec("from aiointerpreters import interpreter\n" + cell_with("def collatz_steps"), names)
    names["steps"] = names["collatz_steps"](1, 40_001)
    for theme, (letters, points) in THEMES.items():
        colors = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), letters)
        with plt.rc_context(colors | {"axes.prop_cycle": f"cycler(color=[{points!r}])", "savefig.transparent": True}):
            exec(cell_with("axes.scatter"), names)
            file = folder / f"collatz-{theme}.png"
            names["figure"].savefig(file, bbox_inches="tight", dpi=180)
        plt.close("all")
        with pillow.open(file) as image:  # few colours: a palette makes the file three times as small
            palette = image.quantize(64)
        palette.save(file, optimize=True)


def main() -> int:
    """Write the files."""
    draw(ROOT / "docs" / "images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
