"""The pages of the documentation: README and docs/, their blocks of code, headings and links."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

# Markers before a block: `from: FILE` (the block is part of that file), `save: NAME` (the block is that file, for the other
# blocks of the page), `run: COMMAND` (the block shows this command and lines of its output), `like: COMMAND` (the same, but
# figures may differ), `serve: COMMAND` (the command runs beside the following blocks of the section), `cell: NOTEBOOK` (the
# block is a cell of a notebook). CONTRIBUTING.md explains them.
MARKERS = {"from", "save", "run", "like", "serve", "cell"}

_FENCE = re.compile(r"^( *)(`{3,}|~{3,}|:{3,})([^`]*)$")
_ALMOST = re.compile(r"^ *<!-- *(?:from|save|run|like|serve|cell)\b")
_HIDDEN = re.compile(r"^ *(?:>|[-*+] |\d+[.)] )\s*(?:`{3}|~{3})")
_MARKER = re.compile(r"^ *<!-- ?(\w+): (.*?) ?-->$")


class PageError(ValueError):
    """A page breaks the rules for blocks."""


@dataclass(frozen=True)
class Block:
    """A block of code in a page."""

    page: Path
    line: int
    language: str
    source: str
    marker: str = ""  # one of MARKERS, or empty
    argument: str = ""

    @property
    def name(self) -> str:
        """The place of the block."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_program(self) -> bool:
        """Return whether it is a whole Python program that runs by itself."""
        return self.language == "python" and not self.marker


@cache
def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page. Raises PageError if a marker is unknown or has no block after it."""
    return list(parse(page, page.read_text(encoding="utf-8")))


def parse(page: Path, text: str) -> Iterator[Block]:
    """Yield the blocks of a text."""
    lines = text.splitlines()
    marker: tuple[int, str, str] | None = None
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if (found := _FENCE.match(line)) is not None:
            indent, fence, language = found[1], found[2], found[3].strip()
            opened = number
            while number < len(lines) and lines[number].strip() != fence:
                number += 1
            if number == len(lines):
                raise PageError(f"{page.name}:{opened}: the block has no end")
            source = "".join(f"{row}\n" for row in lines[opened:number])
            number += 1
            kind, argument = marker[1:] if marker is not None else ("", "")
            yield Block(page, opened, language, textwrap.dedent(source) if indent else source, kind, argument)
            marker = None
        elif marker is not None and line.strip():
            raise PageError(f"{page.name}:{marker[0]}: no block follows the marker '{marker[1]}'")
        elif (found := _MARKER.match(line)) is not None:
            if found[1] in MARKERS:
                marker = number, found[1], found[2]
            elif f"<!-- /{found[1]} -->" not in lines:  # a part that a script writes ends with such a marker
                raise PageError(f"{page.name}:{number}: unknown marker '{found[1]}'")
        elif _ALMOST.match(line) is not None:
            raise PageError(f"{page.name}:{number}: write the marker as '<!-- name: argument -->', on a line of its own")
        elif _HIDDEN.match(line) is not None:
            raise PageError(
                f"{page.name}:{number}: a block in a quotation, or behind the mark of a list, is not found by the tests"
            )
    if marker is not None:
        raise PageError(f"{page.name}:{marker[0]}: no block follows the marker '{marker[1]}'")


def server_of(block: Block) -> Block | None:
    """The server that runs beside a block: the last one before it, if there is no heading in between."""
    lines = block.page.read_text(encoding="utf-8").splitlines()
    servers = [other for other in blocks_of(block.page) if other.marker == "serve" and other.line < block.line]
    if not servers or any(re.match(r"#+ ", line) for line in lines[servers[-1].line : block.line]):
        return None
    return servers[-1]


def prose_of(page: Path) -> str:
    """The text of a page without its blocks, because comments in them look like headings."""
    kept, fence = [], ""
    for line in page.read_text(encoding="utf-8").splitlines():
        found = _FENCE.match(line)
        if fence:
            if line.strip() == fence:
                fence = ""
        elif found is not None:
            fence = found[2]
        else:
            kept.append(line)
    return "\n".join(kept)


@cache
def headings_of(page: Path) -> set[str]:
    """The anchors that a page's headings have on code hosts."""
    anchors: set[str] = set()
    for title in re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").lower()
        anchor = name = re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")
        count = 0
        while anchor in anchors:
            count += 1
            anchor = f"{name}-{count}"
        anchors.add(anchor)
    return anchors
