"""README and docs: each program in them runs, and prints what its comments say."""

import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from aiointerpreters import _core
from support.scripts import run_python

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A program in a page, and the line that it begins in."""

    page: Path
    line: int
    source: str

    @property
    def name(self) -> str:
        """Where it is."""
        return f"{self.page.name}:{self.line}"

    @property
    def said(self) -> list[str]:
        """The values in the comments behind `print`: numbers, lists and the like, perhaps with more text behind them."""
        return re.findall(r"^\s*print\(.*\)  # ([\d\[({].*)$", self.source, re.MULTILINE)


def blocks_of(page: Path) -> list[Block]:
    """The programs in a page."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(page, text.count("\n", 0, match.start()) + 1, match[1]) for match in found]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def test_there_are_programs_in_readme_and_guides() -> None:
    with_programs = Counter(block.page.name for block in BLOCKS)
    assert with_programs.keys() >= {"README.md", "guide.md", "asyncio.md", "extensions.md"}
    assert any(block.said for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.name for block in BLOCKS])
def test_each_program_runs_and_prints_what_it_says(block: Block, tmp_path: Path) -> None:
    if "numpy" in block.source and _core.why_no_copies() is not None:
        pytest.skip(str(_core.why_no_copies()))
    script = tmp_path / "program.py"
    script.write_text(block.source, encoding="utf-8")
    (tmp_path / "README.md").write_text("A page that Programs read.\n", encoding="utf-8")
    finished = run_python(str(script), cwd=tmp_path)
    assert (finished.code, finished.stderr) == (0, "")
    for comment in block.said:
        assert any(line and comment.startswith(line) for line in finished.lines), (comment, finished.lines)


@pytest.mark.skipif(sys.version_info[:2] != (3, 14), reason="the figures are of that version")
def test_figures_in_readme_are_the_recorded_ones() -> None:
    finished = run_python(str(ROOT / "benchmarks" / "readme_figures.py"), "--check")
    assert (finished.code, finished.stderr) == (0, "")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"])
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text):
        path, _, heading = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if heading:
            assert heading in headings_of(found), target


def headings_of(page: Path) -> set[str]:
    """The anchors that a page's headings have."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.replace("`", "").lower()).strip().replace(" ", "-") for title in titles}
