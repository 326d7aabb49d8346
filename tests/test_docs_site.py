"""The pages of the documentation lead to each other, and the reference has every public name."""

import re
from pathlib import Path

import pytest

from support.pages import DOCS, PAGES, ROOT, blocks_of, headings_of, prose_of

ALL_PAGES = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = prose_of(page)
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text):
        path, _, heading = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if heading:
            assert heading in headings_of(found), target


def test_every_page_can_be_reached_from_the_front_page() -> None:
    seen: set[Path] = set()
    ahead = [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page not in seen:
            seen.add(page)
            ahead += listed_in(page)
    assert sorted(str(page.relative_to(DOCS)) for page in {*DOCS.rglob("*.md")} - seen) == []


def listed_in(page: Path) -> list[Path]:
    """The pages in a page's lists (toctree)."""
    found = []
    for block in blocks_of(page):
        if block.language == "{toctree}":
            for line in block.source.splitlines():
                name = re.sub(r"^.*<(.*)>$", r"\1", line.strip())
                if name and not name.startswith(":") and name != "self":
                    found.append((page.parent / f"{name}.md").resolve())
                    assert found[-1].exists(), f"{page.name} lists {name}"
    return found
