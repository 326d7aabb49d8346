"""The engine's list of packages that work as private copies agrees with the packages that `make extensions` has tried."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMESPACES = {"google", "zope"}  # other distributions have modules there too


def loaded(function: ast.FunctionDef) -> Iterator[str]:
    """The modules outside of the standard library that a use loads."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "load":
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else ""
            if isinstance(name, str) and name and name.partition(".")[0] not in sys.stdlib_module_names:
                yield name


def names_of(function: ast.FunctionDef) -> list[str]:
    """The distributions that it is a use of."""
    calls = [each for each in function.decorator_list if isinstance(each, ast.Call)]
    return [re.split(r"==|\[", ast.literal_eval(call.args[0]))[0] for call in calls]


def test_the_modules_of_all_packages_that_work_are_listed_and_no_others() -> None:
    table = (ROOT / "docs" / "extensions.md").read_text(encoding="utf-8")
    works = set(re.findall(r"^\| (\S+) \| \d[^|]*\|[^|]*\| works", table, re.MULTILINE))
    tried: set[str] = set()
    for file in (ROOT / "tests" / "extensions" / "uses").glob("*.py"):
        for each in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(each, ast.FunctionDef) and works & set(names_of(each)):
                tried |= {name.partition(".")[0] for name in loaded(each)}
    source = (ROOT / "core" / "extensions" / "tried.cpp").read_text(encoding="utf-8")
    listed = set(re.findall(r'"([^"]+)"', source.partition("kTried =")[2].partition("});")[0]))
    assert len(tried) > 100
    assert tried - NAMESPACES == {name for name in listed if name.partition(".")[0] not in NAMESPACES}
