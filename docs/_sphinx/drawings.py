"""Draws the drawings of docs/how_it_works.md and the site's logo: `make figures`.

Each drawing is docs/images/NAME-light.svg and NAME-dark.svg. They are narrow, because on a phone a page is 350 points wide
and letters have to stay readable there. The tests check that the files are what this script writes.
"""

import sys
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
THEMES = {
    "light": {
        "text": "#1f2328",
        "muted": "#59636e",
        "line": "#8c959f",
        "main": "#f6f8fa",
        "worker": "#ddf4ff",
        "shared": "#fff8c5",
        "arrow": "#0969da",
        "wake": "#bc4c00",
    },
    "dark": {
        "text": "#e6edf3",
        "muted": "#9198a1",
        "line": "#656c76",
        "main": "#21262d",
        "worker": "#10304f",
        "shared": "#3b300f",
        "arrow": "#58a6ff",
        "wake": "#f0883e",
    },
}
WIDTH = 480
LINE = 19  # from one line of text to the next

type Colors = dict[str, str]


class Drawing:
    """The elements of one SVG file."""

    def __init__(self, colors: Colors, height: int) -> None:
        self.colors = colors
        tips = "".join(
            f'<marker id="{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0 0L10 5L0 10z" fill="{colors[kind]}"/></marker>'
            for kind in ("arrow", "wake")
        )
        self.elements = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'font-family="sans-serif" font-size="14">',
            f"<defs>{tips}</defs>",
        ]

    def box(self, x: int, y: int, width: int, height: int, kind: str, title: str, lines: Sequence[str] = ()) -> None:
        """Draw a box with a title in bold letters, and further lines. The text stands in its middle."""
        self.elements.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{self.colors[kind]}" '
            f'stroke="{self.colors["line"]}"/>'
        )
        top = y + (height - LINE * (1 + len(lines))) / 2 + 14
        for number, line in enumerate((title, *lines)):
            self.text(x + width / 2, top + LINE * number, line, bold=number == 0)

    def text(
        self, x: float, y: float, text: str, *, bold: bool = False, color: str = "text", anchor: str = "middle"
    ) -> None:
        """Write one line."""
        weight = ' font-weight="bold"' if bold else ""
        self.elements.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{weight} fill="{self.colors[color]}">{escape(text)}</text>'
        )

    def arrow(self, path: str, *, kind: str = "arrow", dashed: bool = False) -> None:
        """Draw an arrow along a path."""
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self.elements.append(
            f'<path d="{path}" fill="none" stroke="{self.colors[kind]}" stroke-width="2"{dashes} marker-end="url(#{kind})"/>'
        )

    def file(self) -> str:
        """Return the whole file."""
        return "\n".join([*self.elements, "</svg>"]) + "\n"


def draw_one_call(colors: Colors) -> str:
    """Draw the way of a tagged call and of its result."""
    drawing = Drawing(colors, 398)
    drawing.box(10, 10, 460, 84, "main", "main interpreter", ["your program, event loops, futures", "its own GIL"])
    drawing.box(30, 158, 160, 62, "shared", "queue", ["encoded calls"])
    drawing.box(290, 158, 160, 62, "shared", "finished calls", ["encoded results"])
    for number, x in ((1, 10), (2, 250)):
        drawing.box(x, 290, 220, 98, "worker", f"worker {number}", ["a thread", "an interpreter", "its own GIL"])
    drawing.arrow("M110 94V154")
    drawing.text(120, 130, "submit, run", anchor="start", color="muted")
    drawing.arrow("M370 158V98")
    drawing.text(360, 130, "result, await", anchor="end", color="muted")
    drawing.arrow("M90 220V286")
    drawing.arrow("M130 220C130 256 300 250 300 286")
    drawing.arrow("M180 290C180 254 350 260 350 224")
    drawing.arrow("M390 290V224")
    return drawing.file()


def draw_interpreters(colors: Colors) -> str:
    """Draw who runs what in an executor with three threads and two interpreters."""
    drawing = Drawing(colors, 404)
    drawing.box(10, 10, 290, 46, "shared", "queue of tagged calls")
    drawing.box(320, 10, 150, 46, "shared", "untagged calls")
    for number, x in ((1, 10), (2, 165)):
        drawing.box(x, 106, 135, 46, "worker", f"thread {number}")
        drawing.arrow(f"M{x + 67} 56V102")
        drawing.box(
            x, 202, 135, 104, "worker", f"interpreter {number}", ["its own GIL,", "its own modules,", "kept until the end"]
        )
        drawing.arrow(f"M{x + 67} 152V198", dashed=True)
        drawing.text(x + 76, 180, "creates", anchor="start", color="muted")
    drawing.box(320, 106, 150, 46, "main", "thread 3")
    drawing.arrow("M395 56V102")
    drawing.arrow("M395 152V338")
    drawing.text(386, 246, "runs", anchor="end", color="muted")
    drawing.text(386, 265, "calls in", anchor="end", color="muted")
    drawing.box(10, 342, 460, 52, "main", "main interpreter", ["your program, its own GIL"])
    return drawing.file()


def draw_mailbox(colors: Colors) -> str:
    """Draw how three results reach an event loop with one wake-up."""
    drawing = Drawing(colors, 400)
    for number, x in ((1, 10), (2, 170), (3, 330)):
        drawing.box(x, 10, 140, 46, "worker", f"worker {number}", ["finishes a call"])
    drawing.box(170, 150, 300, 62, "shared", "mailbox of the event loop", ["encoded results, no lock"])
    drawing.arrow("M120 56C120 120 210 90 210 146")
    drawing.arrow("M240 56C240 100 310 100 310 146")
    drawing.arrow("M400 56V146")
    drawing.arrow("M40 56V296", kind="wake", dashed=True)
    for number, line in enumerate(("wakes the loop", "if the mailbox", "was empty")):
        drawing.text(52, 166 + LINE * number, line, color="wake", anchor="start")
    drawing.arrow("M320 212V296")
    drawing.text(330, 260, "all results at once", color="muted", anchor="start")
    drawing.box(
        10,
        300,
        460,
        90,
        "main",
        "event loop, in the main interpreter",
        ["decodes the results and completes the futures;", "other callbacks get their turn every millisecond"],
    )
    return drawing.file()


def draw_private_copies(colors: Colors) -> str:
    """Draw what interpreters share of an extension module, and what each has of its own."""
    drawing = Drawing(colors, 350)
    columns = (
        (10, "main", "main interpreter", "original file"),
        (170, "worker", "interpreter 1", "copy 1"),
        (330, "worker", "interpreter 2", "copy 2"),
    )
    for x, kind, who, file in columns:
        drawing.box(x, 10, 140, 84, kind, who, ["its own GIL,", "Python objects"])
        drawing.box(x, 144, 140, 84, kind, file, ["its own", "static variables"])
        drawing.arrow(f"M{x + 70} 94V140")
        drawing.text(x + 79, 122, "loads", anchor="start", color="muted")
        drawing.arrow(f"M{x + 70} 228V274", dashed=True)
    drawing.box(10, 278, 460, 62, "shared", "code and constants", ["in memory once, from the original file"])
    return drawing.file()


DRAWINGS: dict[str, Callable[[Colors], str]] = {
    "one_call": draw_one_call,
    "interpreters": draw_interpreters,
    "mailbox": draw_mailbox,
    "private_copies": draw_private_copies,
}


def logo() -> str:
    """Draw the event loop's circle around four interpreters, in colors that fit light and dark pages."""
    squares = "".join(
        f'<rect x="{x}" y="{y}" width="13" height="13" rx="3" fill="{color}"/>'
        for x, y, color in ((18, 18, "#2f81f7"), (33, 18, "#e69f00"), (18, 33, "#e69f00"), (33, 33, "#2f81f7"))
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">\n'
        '<path d="M57.5 36A26 26 0 1 1 51.5 14.6" fill="none" stroke="#2f81f7" stroke-width="6" stroke-linecap="round"/>\n'
        f'<path d="M58 6V22H42z" fill="#2f81f7"/>\n{squares}\n</svg>\n'
    )


def files() -> dict[Path, str]:
    """Return what belongs into which file."""
    drawn = {
        DOCS / "images" / f"{name}-{theme}.svg": draw(colors)
        for name, draw in DRAWINGS.items()
        for theme, colors in THEMES.items()
    }
    return drawn | {DOCS / "_static" / "logo.svg": logo()}


def main() -> int:
    """Write the files."""
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
