"""Imports a target, in the main interpreter and in workers, and describes what happened. Workers import this by name."""

import ast
import importlib
import importlib.util
import os
import re
import runpy
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from .. import _core

_LONGEST = 300  # characters of an error
_LONGEST_SHOWN = 200  # and of the line that says it
_LEFT_OUT = re.compile(r"(^|_)tests?(_|$)|^_?test|^conftest$|^__main__$")
_INSTALLED = {"site-packages", "dist-packages"}


def run(modules: Sequence[str], script: str | None, parts: Sequence[str], gate: Sequence[int] = ()) -> dict[str, Any]:
    """Import everything, and return what is loaded then, which errors there were, and which modules have refused.

    parts: modules that are imported one by one afterwards.
    gate: a pipe to write to when this begins, and a pipe to read from before it continues.
    """
    if gate:
        os.write(gate[0], b"x")
        os.read(gate[1], 1)
    before = set(sys.modules)
    errors = {module: error for module in modules if (error := _try(module)) is not None}
    if script is not None and (error := _try_script(script)) is not None:
        errors[script] = error
    loaded = {name: file for name, file in extensions().items() if name not in before}
    refused = list(_core.refused_imports())
    part_errors = {part: error for part in parts if (error := _try(part)) is not None}
    return {
        "errors": errors,
        "loaded": loaded,
        "refused": refused,
        "part_errors": part_errors,
        "part_refused": [each for each in _core.refused_imports() if each not in refused],
        "all_loaded": extensions(),
    }


def extensions() -> dict[str, str]:
    """Return the extension modules that are loaded and not part of Python or of this package, with their files."""
    found = {}
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        # Some packages publish a module under further names.
        if spec is None or spec.name != name or not isinstance(spec.loader, ExtensionFileLoader):
            continue
        if not _is_ours_or_pythons(name):
            found[name] = str(spec.origin)
    return found


def reasons(loaded: dict[str, str]) -> dict[str, str | None]:
    """Return why these modules refuse workers, as they declare. None: nothing is known. They have been imported here."""
    return {
        name: _core.declared_refusal(module, file)
        for name, file in loaded.items()
        if isinstance(module := sys.modules.get(name), ModuleType)
    }


def parts_of(modules: Sequence[str], everything: bool = False) -> list[str]:
    """Return further modules of packages that have been imported: extension modules, and all modules of the user's own code.

    everything: all modules of other packages too. Tests are left out.
    """
    found: list[str] = []
    for name in modules:
        for folder in getattr(sys.modules.get(name), "__path__", ()):
            is_own = not _INSTALLED & set(Path(folder).parts) and not folder.startswith(sys.base_prefix)
            takes_all = is_own or everything
            for file in sorted(Path(folder).rglob("*")):
                suffix = next((each for each in EXTENSION_SUFFIXES if file.name.endswith(each)), None)
                suffix = suffix or (".py" if takes_all and file.suffix == ".py" else None)
                if suffix is None:
                    continue
                inner = [*file.relative_to(folder).parts[:-1], file.name.removesuffix(suffix)]
                if inner[-1] == "__init__" and suffix == ".py":
                    inner.pop()
                if inner and all(part.isidentifier() and not _LEFT_OUT.search(part) for part in inner):
                    found.append(".".join([name, *inner]))
    return list(dict.fromkeys(found))


def guarded(modules: Sequence[str]) -> list[str]:
    """Return those of the extension modules that their packages import only if that is possible.

    That is, in a `try` statement that handles ImportError. The sources of the outermost package of each module are read.
    """
    found: set[str] = set()
    for package in {module.partition(".")[0] for module in modules}:
        names = [module for module in modules if module.partition(".")[0] == package]
        words = {name.rpartition(".")[2] for name in names}
        for folder in getattr(sys.modules.get(package), "__path__", ()):
            for file in Path(folder).rglob("*.py"):
                inner = [package, *file.relative_to(folder).with_suffix("").parts]
                found |= set(names) & _tried_imports(file, inner, words)
    return sorted(found)


def _tried_imports(file: Path, name: list[str], words: set[str]) -> set[str]:
    """Return the modules that a file imports in such `try` statements. Files without any of the words are not parsed."""
    try:
        text = file.read_text(encoding="utf-8")
        if "Error" not in text or not any(word in text for word in words):
            return set()
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError, RecursionError):
        return set()
    found = set()
    for statement in ast.walk(tree):
        if not isinstance(statement, ast.Try) or not any(map(_handles_import_error, statement.handlers)):
            continue
        for node in (inner for each in statement.body for inner in ast.walk(each)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = ".".join([*name[: len(name) - node.level], *(node.module or "").split(".")]).strip(".")
                base = base if node.level else node.module or ""
                found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def _handles_import_error(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def _try(module: str) -> dict[str, Any] | None:
    """Import a module. Return the error, or None."""
    try:
        importlib.import_module(module)
    except BaseException as error:  # a module may even raise SystemExit
        return _describe(error)
    return None


def _try_script(path: str) -> dict[str, Any] | None:
    """Run a script up to `if __name__ == "__main__"`, as workers do."""
    sys.argv = [path]
    try:
        runpy.run_path(path, run_name="__mp_main__")
    except BaseException as error:
        return _describe(error)
    return None


def _describe(error: BaseException) -> dict[str, Any]:
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or at.__context__
    lines = [line.strip() for line in _text_of(error).splitlines() if line.strip()]
    return {
        "type": type(error).__name__,
        "text": (lines[0] if lines else "")[:_LONGEST],
        "name": error.name if isinstance(error, ImportError) else None,
        "texts": [_text_of(each)[:_LONGEST] for each in chain if isinstance(each, ImportError)],
    }


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def text_of(error: dict[str, Any]) -> str:
    """Return an error as one short line."""
    text = f"{error['type']}: {error['text']}" if error["text"] else error["type"]
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 4]} ..."


def _is_ours_or_pythons(name: str) -> bool:
    package = name.partition(".")[0]
    return package == "aiointerpreters" or package in sys.stdlib_module_names
