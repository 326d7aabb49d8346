"""README and docs: each program runs and prints what its comments say. Blocks that claim to be from a file are in it.

CONTRIBUTING.md has the rules for blocks of code. The tests of links and of the site are in test_docs_site.py.
"""

import ast
import configparser
import contextlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import _core
from support.pages import PAGES, ROOT, Block, PageError, blocks_of, parse, server_of
from support.scripts import TIMEOUT, environment, run_python

LANGUAGES = {"", "console", "cpp", "dockerfile", "html", "ini", "json", "python", "sh", "text", "toml", "yaml"}
FRAMES = {"pandas", "polars", "pyarrow"}  # the extra `frames`, which may not be installed
NEW_IN_314 = re.compile(r"import InterpreterPoolExecutor|from concurrent(\.futures)? import (.*, )?interpreters")
FIGURE = re.compile(r"(?:< )?\d+(?:[.,]\d+)*(?: ?(?:ns|µs|ms|s|kB|MB|GB)\b| ?%|x\b)?")
PORT = "8000"  # of servers in the docs; the tests take a free one
IS_MAIN_VERSION = sys.version_info[:2] == (3, 14)

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
PROGRAMS = [block for block in BLOCKS if block.is_program]
LIKE = [block for block in BLOCKS if block.marker == "like"]
NOTEBOOKS = [page for page in PAGES if any(block.marker == "cell" for block in blocks_of(page))]
WITH_COMMANDS = [page for page in PAGES if any(block.marker == "run" for block in blocks_of(page))]


def ids(blocks: Iterable[Block]) -> list[str]:
    """Name the blocks for pytest."""
    return [block.name for block in blocks]


def expected_of(block: Block) -> list[str]:
    """The values in the comments after `print`: numbers, lists and the like. More text may follow them."""
    return re.findall(r"^\s*print\(.*\)  # ((?:[\d\[({'\"-]|True\b|False\b|None\b).*)$", block.source, re.MULTILINE)


def compare(expected: list[str], lines: list[str]) -> None:
    """Each comment is a line of its own in the output. Only words may follow the values."""
    left = list(lines)
    for comment in expected:
        said = [line for line in left if line and re.match(re.escape(line) + r"(?![\w.])", comment)]
        assert said, (comment, lines)
        left.remove(said[0])


def require(blocks: Iterable[Block]) -> None:
    """Skip the test if a package has no wheel for this Python, or if private copies do not exist on this system."""
    blocks = list(blocks)
    own = {Path(block.argument).parts[0].removesuffix(".py") for block in blocks if block.marker == "save"}
    imported = {name for block in blocks if block.language == "python" for name in imports_of(block.source)}
    missing = sorted(name for name in imported - own if importlib.util.find_spec(name) is None)
    if missing and (not IS_MAIN_VERSION or FRAMES.issuperset(missing)):
        pytest.skip(f"there is no {', '.join(missing)}")
    assert missing == [], "the extras `test` and `examples` bring what the pages import"
    if sys.version_info < (3, 14) and any(NEW_IN_314.search(block.source) for block in blocks):
        pytest.skip("concurrent.interpreters is new in 3.14")
    if any('"private"' in block.source for block in blocks) and _core.why_no_copies() is not None:
        pytest.skip(str(_core.why_no_copies()))


def imports_of(source: str) -> set[str]:
    """The packages that a program imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def save_all(page: Path, folder: Path) -> list[Block]:
    """Write the files of a page into a folder, and return their blocks."""
    saved = [block for block in blocks_of(page) if block.marker == "save"]
    for block in saved:
        path = folder / block.argument
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.source, encoding="utf-8")
    return saved


def test_there_are_programs_in_readme_and_guides() -> None:
    assert {block.page.name for block in PROGRAMS} >= {"README.md", "guide.md", "asyncio.md", "index.md"}
    assert any(expected_of(block) for block in PROGRAMS)


@pytest.mark.parametrize("block", PROGRAMS, ids=ids(PROGRAMS))
def test_each_program_runs_and_prints_what_it_says(block: Block, tmp_path: Path) -> None:
    require([block, *save_all(block.page, tmp_path)])
    script = tmp_path / "program.py"
    script.write_text(block.source, encoding="utf-8")
    (tmp_path / "README.md").write_text("A page that Programs read.\n", encoding="utf-8")
    finished = run_python(str(script), cwd=tmp_path)
    assert (finished.code, finished.stderr) == (0, "")
    compare(expected_of(block), finished.lines)


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_say_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    require(save_all(page, tmp_path))
    for block in blocks_of(page):
        if block.marker == "run":
            check_shown(block.source, run_command(block.argument, tmp_path), without_times)


@pytest.mark.once
@pytest.mark.skipif(not IS_MAIN_VERSION, reason="the outputs are of that version")
@pytest.mark.parametrize("block", LIKE, ids=ids(LIKE))
def test_output_looks_as_the_page_shows_it(block: Block, tmp_path: Path) -> None:
    require([block, *save_all(block.page, tmp_path)])
    with contextlib.ExitStack() as stack:
        server = server_of(block)
        port = stack.enter_context(serving(server, tmp_path)) if server is not None else ""
        for command, shown in commands_of(block):
            output = run_command(command.replace(PORT, port), tmp_path, must_succeed=not shown or block.argument != "$")
            check_shown(shown, output.replace(port or PORT, PORT), without_figures)


def commands_of(block: Block) -> Iterator[tuple[str, str]]:
    """The commands that a block of `like` runs, each with what the block shows of its output."""
    if block.argument != "$":
        yield block.argument, block.source
        return
    for part in re.split(r"^\$ ", block.source, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


@contextlib.contextmanager
def serving(block: Block, folder: Path) -> Iterator[str]:
    """Run the server of a block. Yields its port, once it has printed what the block shows."""
    source = [line for line in block.source.splitlines() if not line.startswith("$ ")]
    process = subprocess.Popen(
        words_of(block.argument),
        cwd=folder,
        env=environment(NO_COLOR="1", PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process:
        try:
            lines = iter(process.stdout.readline, "")
            found = next((match for line in lines if (match := re.search(r"http://127\.0\.0\.1:(\d+)", line))), None)
            assert found is not None, "the server has ended"
            assert [without_figures(line).strip() for line in source] == [without_figures(found.string).strip()]
            yield found[1]
        finally:
            process.kill()


@pytest.mark.once
@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: str(page.relative_to(ROOT)))
def test_cells_run_in_jupyter(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not all(importlib.util.find_spec(name) for name in ("ipykernel", "nbclient", "nbformat", "tqdm")):
        pytest.skip("needs the extra `examples`")
    nbformat: Any = importlib.import_module("nbformat")  # imported here, because the test is skipped if it is not installed
    nbclient: Any = importlib.import_module("nbclient")
    saved = {block.argument: block for block in save_all(page, tmp_path)}
    cells = [block for block in blocks_of(page) if block.marker == "cell"]
    sources = [saved[name].source for name in dict.fromkeys(cell.argument for cell in cells)]
    sources += [cell.source for cell in cells]
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbclient.NotebookClient(notebook, timeout=TIMEOUT, kernel_name="python3").execute()  # raises the error of a cell


def words_of(command: str) -> list[str]:
    """The words of a command. Python is the one that runs the tests, and examples are those of the repository."""
    words = [str(ROOT / word) if word.startswith("examples/") else word for word in shlex.split(command)]
    return [sys.executable, *words[1:]] if words[0] == "python" else words


def run_command(command: str, folder: Path, *, must_succeed: bool = True) -> str:
    """Run the command of a marker and return all its output. Variables of the environment may precede the command."""
    words = words_of(command)
    variables: dict[str, str] = {}
    while "=" in words[0]:
        name, _, variables[name] = words.pop(0).partition("=")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if words[0] == "python":  # after variables
        words[0] = sys.executable
    program = shutil.which(words[0], path=path)
    if words[0] == "curl":
        if program is None:
            pytest.skip("there is no curl")
        words.insert(1, "-sS")  # no progress, as in a terminal
    assert program is not None, f"there is no program {words[0]!r}"
    finished = subprocess.run(
        [program, *words[1:]],
        cwd=folder,
        env=environment(PATH=path, NO_COLOR="1", COLUMNS="80", **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert finished.returncode == 0 or not must_succeed, finished.stdout
    return finished.stdout


def check_shown(source: str, output: str, simplify: Callable[[str], str]) -> None:
    """The lines that a block shows are in the output, in this order; `...` stands for anything."""
    lines = iter(simplify(output).splitlines())
    for shown in simplify(source).splitlines():
        if shown.startswith("$ ") or shown.strip() in {"", "..."}:
            continue
        pattern = ".*".join(map(re.escape, shown.rstrip().split("...")))
        assert any(re.fullmatch(pattern, line.rstrip()) for line in lines), (shown, output)


def without_times(text: str) -> str:
    """Seconds differ from run to run."""
    return re.sub(r"\b\d+\.\d+ ?s\b", "N s", text)


def without_figures(text: str) -> str:
    """Figures differ from run to run, with their units, the spaces that align them, and the bars that show them."""
    return re.sub(r" +", " ", re.sub(r" *█+", "", FIGURE.sub("N", text)))


def test_shown_output_is_compared_line_by_line() -> None:
    source = "$ command\nfirst\n...\n2 passed in 0.01s\nid=...;\n"
    check_shown(source, "first\nmore\n2 passed in 12.50s\nid=7;\n", without_times)
    for other in ("more\n", "2 passed in 0.01s\nfirst\nid=7;\n", "first\n3 passed in 0.01s\nid=7;\n"):
        with pytest.raises(AssertionError):
            check_shown(source, other, without_times)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pool    1,234.5    0.07x  < 3%  12 µs", "pool 7   1.84x         2.5 ms  1 s"),
        ("  fast   12.00 s   2.0 times  ██████", "  fast    3 s   11.0 times"),
        ("29 files, 21% of 3 MB", "3 files, 100% of 800 kB"),
        ("71 x 839 sentences", "7 x 8,000 sentences"),
    ],
)
def test_figures_with_their_units_may_differ(one: str, other: str) -> None:
    assert without_figures(one) == without_figures(other)
    assert without_figures(one) != without_figures(f"{other} more")


def test_a_block_may_show_several_commands() -> None:
    block = Block(ROOT / "README.md", 1, "console", "$ one a\nfirst\n$ two\n$ three\nlast\n", "like", "$")
    assert list(commands_of(block)) == [("one a", "first\n"), ("two", ""), ("three", "last\n")]


def test_comments_are_compared_with_whole_lines() -> None:
    compare(["42, at once", "[1, 2]", "42"], ["more", "42", "[1, 2]", "42"])
    for lines in (["4"], ["421"], ["more"]):
        with pytest.raises(AssertionError):
            compare(["42"], lines)
    with pytest.raises(AssertionError):
        compare(["42", "42"], ["42"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_keep_the_rules(page: Path) -> None:
    blocks = blocks_of(page)
    assert [block.name for block in blocks if block.language not in LANGUAGES and not block.language.startswith("{")] == []
    saved = [block.argument for block in blocks if block.marker == "save"]
    assert len(saved) == len(set(saved)), "a file is saved twice"
    assert [name for name in saved if Path(name).is_absolute() or ".." in Path(name).parts] == []
    if any(name.endswith(".py") for name in saved):
        runs = any(block.is_program or block.marker in {"run", "like", "cell"} for block in blocks)
        assert runs, "nothing runs the files"
    for block in blocks:
        if block.marker in {"run", "like", "serve"}:
            assert block.language == "console", block.name
            assert re.match(r"\$ \S", block.source), f"{block.name} does not show the command"
        elif block.marker == "cell":
            assert (block.language, block.argument in saved) == ("python", True), block.name
        elif block.marker == "from":
            text = (ROOT / block.argument).read_text(encoding="utf-8")
            assert f"\n{block.source}" in f"\n{text}", f"{block.name} does not stand in {block.argument}"
        check_syntax(block)


def check_syntax(block: Block) -> None:
    """Blocks that are not run are at least parsed."""
    match block.language:
        case "python":
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if block.marker == "cell" else 0
            compile(textwrap.dedent(block.source), block.name, "exec", flags, dont_inherit=True)
        case "toml":
            tomllib.loads(block.source)
        case "ini":
            configparser.ConfigParser().read_string(block.source)
        case "json":
            json.loads(block.source)
        case "sh":
            subprocess.run(["sh", "-n"], input=block.source, text=True, check=True, timeout=TIMEOUT)
        case "yaml" if importlib.util.find_spec("yaml") is not None:  # the extra `docs` installs it
            importlib.import_module("yaml").safe_load(block.source)


MARKER_FORM = "write the marker as '<!-- name: argument -->', on a line of its own"
HIDDEN_BLOCK = "a block in a quotation, or behind the mark of a list, is not found by the tests"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- save: a.py -->\n\nText.\n\n```python\n```\n", "page.md:1: no block follows the marker 'save'"),
        ("```python\n```\n<!-- from: a.py -->\n", "page.md:3: no block follows the marker 'from'"),
        ("<!-- safe: a.py -->\n```python\n```\n", "page.md:1: unknown marker 'safe'"),
        (
            "<!-- save a.py -->\n```python\n```\n",
            "page.md:1: write the marker as '<!-- name: argument -->', on a line of its own",
        ),
        ("<!-- run: python\na.py -->\n```console\n```\n", f"page.md:1: {MARKER_FORM}"),
        (
            "> ```python\n> ```\n",
            "page.md:1: a block in a quotation, or behind the mark of a list, is not found by the tests",
        ),
        ("1. ```python\n   ```\n", f"page.md:1: {HIDDEN_BLOCK}"),
        ("<!-- save: a.py -->\n<!-- save: b.py -->\n```python\n```\n", "page.md:1: no block follows the marker 'save'"),
        ("Text.\n```python\n", "page.md:2: the block has no end"),
    ],
)
def test_a_page_that_breaks_the_rules_for_markers_is_refused(text: str, message: str) -> None:
    with pytest.raises(PageError) as refused:
        list(parse(Path("page.md"), text))
    assert str(refused.value) == message


def test_blocks_are_found_with_their_markers() -> None:
    text = """<!-- figures: by a script -->
1
<!-- /figures -->

- a list:

  <!-- save: a/b.py -->
  ```python
  if x:
      y
  ```
"""
    page = ROOT / "page.md"
    assert list(parse(page, text)) == [Block(page, 8, "python", "if x:\n    y\n", "save", "a/b.py")]


@pytest.mark.skipif(not IS_MAIN_VERSION, reason="the figures are of that version")
def test_figures_in_readme_are_the_recorded_ones() -> None:
    finished = run_python(str(ROOT / "benchmarks" / "readme_figures.py"), "--check")
    assert (finished.code, finished.stderr) == (0, "")
