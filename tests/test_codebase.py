"""The rules of the tree, checked by text: layers, what must not be found in it, sizes, documentation."""

import importlib.metadata
import inspect
import pkgutil
import re
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import aiointerpreters
import conftest
from support import loops

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core"
PACKAGE = ROOT / "src" / "aiointerpreters"
LAYERS = ["base", "py", "extensions", "codec", "pool", "binding"]  # each includes itself and those before it


def cpp_files(*layers: str) -> list[Path]:
    """All C++ files of these layers, or of all layers if none is given."""
    return sorted(path for layer in layers or LAYERS for path in (CORE / layer).rglob("*") if path.suffix in {".h", ".cpp"})


def python_files(*folders: str) -> list[Path]:
    """All Python files that belong to the project in these folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py*") if path.suffix in {".py", ".pyi"})


def name_of(path: Path) -> str:
    """The name of a file in a failure message."""
    return str(path.relative_to(ROOT))


def code_of(path: Path) -> str:
    """A C++ file without comments and strings."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = "\n".join(
        line if line.lstrip().startswith("#include") else re.sub(r'"(\\.|[^"\\])*"', '""', line)
        for line in text.splitlines()
    )
    return re.sub(r"//.*", "", text)


def found(pattern: str, paths: list[Path]) -> list[str]:
    """The places where a pattern occurs in the code of these files."""
    return [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(code_of(path).splitlines(), 1)
        if re.search(pattern, line)
    ]


def except_for(paths: list[Path], *names: str) -> list[Path]:
    """The files without some of them."""
    return [path for path in paths if name_of(path) not in names]


def above_base() -> list[Path]:
    """The C++ files of all layers that know Python."""
    return cpp_files(*LAYERS[1:])


def test_the_layers_are_there() -> None:
    assert [layer for layer in LAYERS if not cpp_files(layer)] == []
    assert sorted(path.name for path in CORE.iterdir() if path.is_dir()) == sorted(LAYERS)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_includes_only_itself_and_lower_ones(layer: str) -> None:
    allowed = LAYERS[: LAYERS.index(layer) + 1]
    wrong = []
    for path in cpp_files(layer):
        for included in re.findall(r'#\s*include\s+"([^"]+)"', code_of(path)):
            folder, _, rest = included.partition("/")
            if not rest or folder not in allowed:
                wrong.append(f"{name_of(path)} includes {included}")
            elif not (CORE / included).is_file() and not included.endswith(".inc"):
                wrong.append(f"{name_of(path)} includes {included}, which is not there")
    assert wrong == []


def test_cmake_links_layers_only_downwards() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in [ROOT / "CMakeLists.txt", *CORE.rglob("CMakeLists.txt")])
    for layer in LAYERS:
        assert re.search(rf"\b{layer}\b", text), f"no word of {layer} in CMakeLists.txt"


def test_python_h_is_included_in_one_place() -> None:
    assert found(r"#\s*include\s*[<\"]Python\.h", except_for(cpp_files(), "core/py/python.h")) == []
    assert found(r"#\s*include\s*[<\"]Python\.h", [CORE / "py" / "python.h"]) != []


def test_the_base_layer_knows_no_python() -> None:
    assert found(r"\bPy[A-Z]\w*|\bPy_\w+", cpp_files("base")) == []


def test_headers_of_the_pool_know_no_python_objects() -> None:
    headers = [path for path in cpp_files("pool") if path.suffix == ".h"]
    assert found(r"\bPyObject\b|\bPyTypeObject\b", headers) == []


def test_versions_are_told_apart_in_one_place() -> None:
    elsewhere = except_for(cpp_files(), "core/py/compat.h")
    wrong = found(r"\bPY_(VERSION_HEX|MINOR_VERSION|MAJOR_VERSION)\b", elsewhere)
    assert [line for line in wrong if "static_assert" not in line or not line.startswith("core/py/python.h")] == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bPyGILState_",
        r"\bPyState_(Find|Add|Remove)Module",
        r"\b_Py[A-Z_]\w*",
        r"\bpycore_",
        r"Py_BUILD_CORE",
        r"\bPyEval_(Acquire|Release)Lock\b",
        r"\bPyMemoryView_FromBuffer\b",
    ],
)
def test_only_the_public_api_is_used(pattern: str) -> None:
    # PyState_*: other projects' extension modules with single-phase init are registered there, as CPython's loader does.
    # PyGILState_*: our replacement asks PyGILState for the thread state of a thread that Python has created.
    elsewhere = except_for(cpp_files(), "core/extensions/private_module.cpp", "core/py/foreign_threads.cpp")
    assert found(pattern, elsewhere) == []


def test_the_exceptions_use_no_more_than_they_need() -> None:
    needed = r"\bPyGILState_(?!GetThisThreadState\b)|\bPyState_(?!FindModule\b|AddModule\b)"
    never = r"\b_Py[A-Z_]\w*|\bpycore_|Py_BUILD_CORE"
    exceptions = [CORE / "extensions" / "private_module.cpp", CORE / "py" / "foreign_threads.cpp"]
    assert found(f"{needed}|{never}", exceptions) == []


def test_thread_states_are_touched_in_one_layer() -> None:
    others = cpp_files("base", "extensions", "codec", "pool", "binding")
    assert found(r"\bPyThreadState_|\bPyEval_(Save|Restore|Acquire|Release)Thread\b|Py_(BEGIN|END)_ALLOW", others) == []
    assert found(r"\bPyThreadState\s*\*", others) == []


def test_interpreters_are_made_and_ended_in_one_layer() -> None:
    others = cpp_files("base", "extensions", "codec", "pool", "binding")
    assert found(r"\bPy_(NewInterpreter|EndInterpreter|NewInterpreterFromConfig)\b", others) == []


def test_there_are_no_static_types_and_no_global_objects() -> None:
    assert found(r"^\s*(static\s+)?PyTypeObject\s+\w+\s*[={]", cpp_files()) == []
    assert found(r"^\s*(static|inline|thread_local)\s+(PyObject|PyTypeObject)\s*\*\s*\w+\s*(=|;)", cpp_files()) == []
    assert found(r"PyVarObject_HEAD_INIT|PyType_Ready", cpp_files()) == []


def test_memory_is_owned_by_types_of_the_base_layer_alone() -> None:
    assert found(r"\bnew\s+\w|\bdelete\s+\w|\bdelete\[\]|\b(m|re|c)alloc\(|\bfree\(", above_base()) == []


def test_nobody_sleeps() -> None:
    assert found(r"sleep_(for|until)|\busleep\(|\bnanosleep\(", cpp_files()) == []


@pytest.mark.parametrize("path", cpp_files(), ids=name_of)
def test_a_cpp_file_opens_with_a_comment_and_stays_small(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("// "), "no comment at its top"
    assert len(lines) < (200 if path.suffix == ".h" else 500)
    if path.suffix == ".h":
        assert "#pragma once" in lines


def test_cpp_comments_end_where_code_ends() -> None:
    """clang-format does not change comments, so it does not apply its limit to them."""
    limit = 125  # ColumnLimit in .clang-format
    native = [path for path in (ROOT / "tests" / "native").rglob("*") if path.suffix in {".h", ".cpp"}]
    lines = [line for path in cpp_files() + native for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if line.lstrip().startswith("//") and len(line) > limit] == []


@pytest.mark.parametrize("path", python_files("src", "tests", "examples", "benchmarks"), ids=name_of)
def test_a_python_file_opens_with_a_docstring(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(('"""', "#!", "# ")) or not text.strip(), "no docstring at its top"
    assert len(text.splitlines()) < 700


@pytest.mark.parametrize("path", python_files("src", "tests", "examples", "benchmarks"), ids=name_of)
def test_ignored_type_errors_and_lints_are_named(path: Path) -> None:
    if path == Path(__file__):
        return
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"#\s*type:\s*ignore(?!\[)", text) == []
    assert re.findall(r"#\s*noqa(?!:)", text) == []


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
    assert (PACKAGE / "_core.pyi").is_file()


def test_the_version_stands_in_one_place() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert version == importlib.metadata.version("aiointerpreters")
    files = [ROOT / "CMakeLists.txt", *cpp_files(), *python_files("src")]
    assert [name_of(path) for path in files if re.search(rf'["\s]{re.escape(version)}["\s]', path.read_text())] == []


def test_python_files_of_the_package_hold_no_locks_and_no_threads() -> None:
    for path in python_files("src"):
        assert not re.search(r"^\s*(import|from) (_thread|queue|pickle|ctypes)\b", path.read_text(), re.MULTILINE), path
        assert not re.search(r"threading\.(Lock|RLock|Condition|Event)\(", path.read_text()), path


def public_objects() -> Iterator[tuple[str, Any]]:
    """All names in the package's modules, with the public members of the classes."""
    for info in [None, *pkgutil.iter_modules(aiointerpreters.__path__)]:
        if info is not None and info.name.startswith("_"):
            continue
        module = importlib.import_module("aiointerpreters" if info is None else f"aiointerpreters.{info.name}")
        yield module.__name__, module
        for name in module.__all__:
            value = getattr(module, name)
            yield f"{module.__name__}.{name}", value
            if isinstance(value, type):
                for member, attribute in vars(value).items():
                    if not member.startswith("_") and (callable(attribute) or isinstance(attribute, property)):
                        yield f"{module.__name__}.{name}.{member}", attribute


def test_every_public_name_is_documented() -> None:
    undocumented = []
    for name, value in public_objects():
        has_own_text = isinstance(value, type | types.ModuleType | property) or callable(value)
        if has_own_text and not (value.__doc__ or "").strip():
            undocumented.append(name)
    assert undocumented == []


def test_every_public_name_can_be_imported_from_the_root() -> None:
    wanted = {
        "InterpreterError",
        "InterpreterThreadPoolExecutor",
        "NotTransferableError",
        "Shareable",
        "SharedBuffer",
        "interpreter",
    }
    assert wanted <= set(aiointerpreters.__all__)
    assert sorted(aiointerpreters.__all__) == sorted(set(aiointerpreters.__all__))
    for name in aiointerpreters.__all__:
        assert getattr(aiointerpreters, name) is not None


def test_errors_are_related_as_documented() -> None:
    assert issubclass(aiointerpreters.NotTransferableError, aiointerpreters.InterpreterError)
    assert issubclass(aiointerpreters.NotTransferableError, TypeError)
    assert issubclass(aiointerpreters.InterpreterError, Exception)


def test_public_classes_say_where_they_are_from() -> None:
    for name in aiointerpreters.__all__:
        value = getattr(aiointerpreters, name)
        if inspect.isclass(value):
            assert value.__module__.startswith("aiointerpreters"), name
            assert not value.__module__.endswith("_core"), name


def test_what_one_version_shows_is_there() -> None:
    named = (*conftest.ONCE, *conftest.PROGRAMS, *conftest.LONGEST)
    assert [name for name in named if not (ROOT / "tests" / name).exists()] == []
    assert set(loops.LOOPS) - set(conftest.ONCE_LOOPS) == {loops.selector, loops.eager_tasks}, "asyncio's own"


DESIGN = sorted((ROOT / "docs" / "design").glob("*.md"))


@pytest.mark.parametrize("page", DESIGN, ids=name_of)
def test_files_and_names_in_the_design_docs_exist(page: Path) -> None:
    folders = [ROOT, CORE, PACKAGE, *(CORE / layer for layer in LAYERS), ROOT / "benchmarks", ROOT / "tests"]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in [*cpp_files(), *python_files("src", "tests")])
    sources += "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "native").glob("*.cpp"))
    text = page.read_text(encoding="utf-8")
    files = re.findall(r"`([\w/]+\.(?:h|cpp|py))`", text)
    names = re.findall(r"`(\w+(?:(?:::|\.)\w+)+)(?:\(\))?`", text)
    links = re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text)
    ours = [
        name
        for name in names
        if name not in files and re.search(rf"\b(class|struct|enum|namespace) {name.split('::')[0]}\b", sources)
    ]
    assert [file for file in files if not any((folder / file).is_file() for folder in folders)] == []
    assert [name for name in ours if not re.search(rf"\b{re.split(r'::|[.]', name)[-1]}\b", sources)] == []
    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_every_design_page_names_code() -> None:
    assert len(DESIGN) >= 8
    assert [
        name_of(page) for page in DESIGN if not re.search(r"`[\w/]+\.(?:h|cpp|py)`", page.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.parametrize("names", ["import aiointerpreters", "from aiointerpreters import Shareable, interpreter"])
def test_importing_the_package_is_light(names: str) -> None:
    assert modules_after(names) & {"cloudpickle", "asyncio"} == set()


def test_the_tag_alone_is_lighter() -> None:
    names = modules_after("from aiointerpreters import interpreter")
    assert names & {"typing", "functools", "collections", "logging", "inspect", "multiprocessing"} == set()


def modules_after(source: str) -> set[str]:
    """The modules that this code imports in a process of its own. Each worker imports the same."""
    from support.scripts import run_python

    finished = run_python("-I", "-c", f"import sys; before = set(sys.modules); {source}; print(*set(sys.modules) - before)")
    assert (finished.code, finished.stderr) == (0, "")
    modules = set(finished.stdout.split())
    assert "aiointerpreters" in modules
    return modules


def test_make_help_names_every_command_in_one_short_line() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE))
    described = dict(re.findall(r"^([a-z-]+):.*## (.*)$", text, re.MULTILINE))
    assert {name for names in commands for name in names.split()} == described.keys()
    assert [name for name, words in described.items() if len(words) > 60] == []
