"""Draws what a terminal shows while programs run, for docs/examples.md: `make figures`.

Each picture is docs/images/terminal_NAME-light.svg and -dark.svg. Its text comes from docs/_sphinx/terminals/NAME.txt, or
from a page that shows the same output. `python docs/_sphinx/terminals.py --record` runs the programs in a terminal of their
own, presses Ctrl-C, and writes these files (Linux). The tests check that the pictures show what was recorded.
"""

import os
import pty
import re
import select
import signal
import sys
import sysconfig
import tempfile
import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
RECORDED = Path(__file__).parent / "terminals"
EXAMPLES = DOCS.parent / "examples"
THEMES = {
    "light": {"text": "#1f2328", "muted": "#59636e", "screen": "#f6f8fa", "line": "#d1d9e0", "mark": "#0969da"},
    "dark": {"text": "#e6edf3", "muted": "#9198a1", "screen": "#161b22", "line": "#3d444d", "mark": "#58a6ff"},
}
SIZE, CHARACTER, LINE, MARGIN = 13, 7.8, 18, 14
COLUMNS, ROWS = 80, 24
PATIENCE = 60.0  # seconds that a program may be silent

type Colors = dict[str, str]


@dataclass(frozen=True)
class Session:
    """A program in a terminal. Ctrl-C is pressed when its output matches `until`."""

    command: str
    arguments: Sequence[str]
    until: str


SESSIONS = {
    "file_pipeline": Session(
        "python examples/file_pipeline.py lib", [str(EXAMPLES / "file_pipeline.py"), "lib"], r"K150 files done"
    ),
    "bot": Session("python examples/bot.py", [str(EXAMPLES / "bot.py")], r"ben: I know"),
}


def screen_of(output: str) -> list[str]:
    """Returns the lines on a terminal after a program's output. It knows carriage returns and "delete to the end"."""
    lines, column = [""], 0
    for part in re.findall(r"\r|\n|\x1b\[K|[^\r\n\x1b]+|\x1b", output):
        if part == "\n":
            lines.append("")
            column = 0
        elif part == "\r":
            column = 0
        elif part == "\x1b[K":
            lines[-1] = lines[-1][:column]
        else:
            lines[-1] = lines[-1][:column].ljust(column) + part + lines[-1][column + len(part) :]
            column += len(part)
    return [line.rstrip() for line in lines]


def record(session: Session) -> list[str]:
    """Runs a program, presses Ctrl-C, and returns what the terminal shows in the end. Raises TimeoutError."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "lib").symlink_to(sysconfig.get_path("stdlib"))
        child, terminal = pty.fork()
        if child == 0:
            termios.tcsetwinsize(0, (ROWS, COLUMNS))
            os.chdir(folder)
            os.execv(sys.executable, [sys.executable, *session.arguments])
        output, pressed = "", False
        try:
            while select.select([terminal], [], [], PATIENCE)[0]:
                try:
                    output += os.read(terminal, 65536).decode()
                except OSError:  # the program has ended
                    break
                if not pressed and re.search(session.until, output):
                    os.write(terminal, b"\x03")
                    pressed = True
            else:
                raise TimeoutError(f"{session.command}: nothing for {PATIENCE:g} seconds")
        finally:
            os.close(terminal)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return [f"$ {session.command}", *screen_of(output.replace("\r\n", "\n"))]


def recorded(name: str) -> list[str]:
    """Returns the recorded lines of a session."""
    return (RECORDED / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def compared() -> list[str]:
    """Returns the first output of docs/compare.md: a command, its table, and what it recommends."""
    page = (DOCS / "compare.md").read_text(encoding="utf-8")
    table, advice = re.findall(r"^```(?:console|text)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)[:2]
    return [*table.splitlines(), "", *advice.splitlines()]


PICTURES: dict[str, Callable[[], list[str]]] = {
    "file_pipeline": lambda: recorded("file_pipeline"),
    "bot": lambda: recorded("bot"),
    "compare": compared,
}


def draw(lines: Sequence[str], colors: Colors) -> str:
    """Returns an SVG file with these lines. Commands are bold, and so is Ctrl-C."""
    width = round(max(map(len, lines)) * CHARACTER + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="ui-monospace, Consolas, Menlo, monospace" font-size="{SIZE}">',
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" fill="{colors["screen"]}" '
        f'stroke="{colors["line"]}"/>',
    ]
    for row, line in enumerate(lines):
        y = MARGIN + row * LINE + SIZE
        for found in re.finditer(r"\^C|(?:(?!\^C)\S| (?! ))+", line):
            text = found[0].strip()
            if text:
                x = MARGIN + (found.start() + len(found[0]) - len(found[0].lstrip())) * CHARACTER
                bold = line.startswith("$ ") or text == "^C"
                style = f'fill="{colors["mark" if bold else "text"]}"' + ' font-weight="bold"' * bold
                # The length keeps columns in place, whatever the width of the letters of a font.
                elements.append(
                    f'<text x="{x:g}" y="{y}" {style} textLength="{len(text) * CHARACTER:g}">{escape(text)}</text>'
                )
    return "\n".join([*elements, "</svg>"]) + "\n"


def files() -> dict[Path, str]:
    """Returns what belongs into which file."""
    return {
        DOCS / "images" / f"terminal_{name}-{theme}.svg": draw(lines(), colors)
        for name, lines in PICTURES.items()
        for theme, colors in THEMES.items()
    }


def main() -> None:
    if sys.argv[1:] == ["--record"]:
        RECORDED.mkdir(exist_ok=True)
        for name, session in SESSIONS.items():
            text = "\n".join(record(session)).rstrip() + "\n"
            (RECORDED / f"{name}.txt").write_text(text, encoding="utf-8")
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
