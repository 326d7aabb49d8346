"""The pages of the documentation lead to each other, and the reference has every public name."""

import asyncio
import concurrent.futures
import importlib
import importlib.util
import inspect
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

import aiointerpreters
from aiointerpreters import anyio, errors, executors, runner, types
from support.pages import DOCS, PAGES, ROOT, blocks_of, headings_of, prose_of
from support.scripts import run_python

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
    """The pages in the toctrees of a page."""
    found = []
    for block in blocks_of(page):
        if block.language == "{toctree}":
            for line in block.source.splitlines():
                name = re.sub(r"^.*<(.*)>$", r"\1", line.strip())
                if name and not name.startswith(":") and name != "self":
                    found.append((page.parent / f"{name}.md").resolve())
                    assert found[-1].exists(), f"{page.name} lists {name}"
    return found


def entries() -> dict[str, str]:
    """The names that have an entry in the reference, with the version that brought them."""
    text = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    found = re.findall(r"^\.\. api:: ([\w.]+)\n   :added: (\S+)$", text, re.MULTILINE)
    assert len(found) == len(dict(found)) == text.count(".. api::")
    return dict(found)


def test_every_public_name_has_an_entry_in_the_reference() -> None:
    documented = {id(object_named(name)) for name in entries()}
    public = {
        f"{module.__name__}.{name}"
        for module in (aiointerpreters, executors, runner, types, errors, anyio)
        for name in module.__all__
    }
    assert sorted(name for name in public if id(object_named(name)) not in documented) == []


# The parameters and methods that release 0.6.0 had.
RELEASE_0_6 = {
    "aiointerpreters.InterpreterThreadPoolExecutor": {
        *("max_workers", "thread_name_prefix", "initializer", "initargs"),
        *("submit", "map", "shutdown", "set_as_event_loop_default"),
    },
    "aiointerpreters.interpreter": {"fn"},
    "aiointerpreters.Runner": {"workers", "start", "run", "wrap", "run_module_function"},
}


@pytest.mark.parametrize("name", RELEASE_0_6)
def test_the_reference_says_which_parameters_and_methods_are_new(name: str) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    entry = re.search(rf"^\.\. api:: {re.escape(name)}\n   :added: 0\.6\n   :new: 1\.0 (.+)$", text, re.MULTILINE)
    assert entry
    described: Any = object_named(name)
    classes = [cls for cls in described.__mro__ if cls.__module__.startswith("aiointerpreters")]
    members = {member for cls in classes for member in vars(cls) if not member.startswith("_")}
    assert {*inspect.signature(described).parameters, *members} - RELEASE_0_6[name] == {*entry[1].split()}


@pytest.mark.parametrize(
    ("future", "base"), [("Future", concurrent.futures.Future), ("RunFuture", asyncio.Future)], ids=["submit", "run"]
)
def test_the_reference_names_the_methods_that_futures_inherit(future: str, base: type) -> None:
    text = (DOCS / "reference" / "futures.md").read_text(encoding="utf-8")
    table = text.partition(f"the methods that `{future}` inherits")[2].partition("```")[0]
    listed = {name for cell in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)\(", cell)}
    of_executors = {name for name in vars(base) if name.startswith("set_")}
    assert listed == {name for name in vars(base) if re.match("[a-z]", name)} - of_executors


@pytest.mark.skipif(importlib.util.find_spec("sphinx") is None, reason="needs the extra `docs`")
@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("It is an asyncio.Future.", "It is an `asyncio.Future`."),
        (
            "TaskInterrupted is raised in `run`, as TaskInterrupted",
            "`TaskInterrupted` is raised in `run`, as `TaskInterrupted`",
        ),
        (":raises RuntimeError: RuntimeError.", ":raises RuntimeError: `RuntimeError`."),
        (":type fn: asyncio.Future", ":type fn: asyncio.Future"),
        ("`asyncio.Future` and asyncio.Future.result", "`asyncio.Future` and asyncio.Future.result"),
        ("A Runner in a sentence. Iterable.", "A Runner in a sentence. Iterable."),
    ],
)
def test_names_in_sentences_of_the_reference_become_links(line: str, written: str) -> None:
    assert runpy.run_path(str(DOCS / "_sphinx" / "api.py"))["linked"](line) == written


def object_named(name: str) -> object:
    module, _, short = name.rpartition(".")
    return getattr(importlib.import_module(module), short)


def test_the_reference_has_every_command_and_every_environment_variable() -> None:
    commands = (DOCS / "reference" / "command_line.md").read_text(encoding="utf-8")
    helped = run_python("-m", "aiointerpreters", "--help").stdout
    found = re.findall(r"^    (\w+) ", helped, re.MULTILINE)
    assert "info" in found
    assert [name for name in found if f"\n## {name}\n" not in commands] == []

    variables = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "core").rglob("*.cpp")]
    names = {name for path in sources for name in re.findall(r'"(AIOINTERPRETERS_\w+)"', path.read_text(encoding="utf-8"))}
    assert "AIOINTERPRETERS_CACHE" in names
    assert sorted(name for name in names if f"| `{name}` |" not in variables) == []


def test_the_site_leads_to_the_repository_if_it_has_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCS_REPOSITORY", "https://host.example/owner/name/blob/abc")
    options = runpy.run_path(str(DOCS / "conf.py"))["html_theme_options"]
    assert options["source_view_link"] == "https://host.example/owner/name/blob/abc/docs/{filename}"
    addresses = [icon["url"] for icon in options["footer_icons"]]
    assert addresses == ["https://host.example/owner/name", "https://host.example/owner/name/issues"]

    monkeypatch.delenv("DOCS_REPOSITORY")
    assert "html_theme_options" not in runpy.run_path(str(DOCS / "conf.py"))


def test_drawings_and_logo_are_what_the_script_draws() -> None:
    files = runpy.run_path(str(DOCS / "_sphinx" / "drawings.py"))["files"]()
    assert len(files) > 2
    assert [path.name for path, text in files.items() if path.read_text(encoding="utf-8") != text] == [], "run make figures"


@pytest.mark.skipif(sys.platform == "win32", reason="the script can use a terminal of Unix")
def test_pictures_of_terminals_show_what_was_recorded() -> None:
    script = runpy.run_path(str(DOCS / "_sphinx" / "terminals.py"))
    files = script["files"]()
    assert {path.name for path in files} == {path.name for path in (DOCS / "images").glob("terminal_*")}
    assert [path.name for path, text in files.items() if path.read_text(encoding="utf-8") != text] == [], "run make figures"
    assert any("^C" in line for line in script["recorded"]("file_pipeline"))


@pytest.mark.skipif(sys.platform == "win32", reason="the script can use a terminal of Unix")
def test_a_terminal_overwrites_a_line_of_progress() -> None:
    screen_of = runpy.run_path(str(DOCS / "_sphinx" / "terminals.py"))["screen_of"]
    assert screen_of("\r\x1b[Kten files\r\x1b[Ktwo^C\nend\n") == ["two^C", "end", ""]
    assert screen_of("abc\rX\n") == ["Xbc", ""]


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs the extra `examples`")
def test_the_plot_of_the_notebook_is_drawn_for_light_and_dark_pages(tmp_path: Path) -> None:
    runpy.run_path(str(DOCS / "_sphinx" / "notebook_plot.py"))["draw"](tmp_path)
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(drawn) == sorted(path.name for path in (DOCS / "images").glob("collatz*"))
    assert len(set(drawn.values())) == 2
    assert {content[:8] for content in drawn.values()} == {b"\x89PNG\r\n\x1a\n"}


def test_each_picture_for_dark_pages_has_one_for_light_pages() -> None:
    themes = {
        theme: {path.name.replace(f"-{theme}", "") for path in (DOCS / "images").glob(f"*-{theme}.*")}
        for theme in ("light", "dark")
    }
    assert themes["light"] == themes["dark"]


def test_lines_of_the_changelog_have_120_columns_at_most() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 120] == []


def test_each_group_of_the_changelog_stands_between_empty_lines() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^.*\S.*\n\*\*.+\*\*$|^\*\*.+\*\*\n.*\S.*$", text, re.MULTILINE) == []
