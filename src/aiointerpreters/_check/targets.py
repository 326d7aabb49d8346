"""What the user wants to check: a module, a package, a script, a distribution, or a file that lists distributions."""

import contextlib
import importlib.util
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_NOT_ITS_API = {"test", "tests", "testing", "docs", "examples", "example", "benchmarks"}  # folders that got into a wheel
_OURS = "aiointerpreters"
UNKNOWN = "unknown"


class _UnknownTargetError(Exception):
    """There is no such target; the text is for the user."""


@dataclass(frozen=True)
class Target:
    """Modules that are imported together, or a script."""

    name: str
    kind: str  # "module", "script", "distribution" or UNKNOWN
    modules: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()  # further extension modules, which are imported one by one afterwards
    script: str | None = None
    path: tuple[str, ...] = field(default=())  # folders to import from, in addition to those of this process
    problem: str | None = None  # why there is nothing to import


@dataclass(frozen=True)
class Skipped:
    """A line of a file that names no distribution."""

    file: str
    line: str
    why: str


def find_targets(words: Iterable[str], everything: bool, skipped: list[Skipped]) -> list[Target]:
    """Return the targets that the words of the command line name, each once. Those that do not exist are UNKNOWN.

    skipped: receives the lines of files that are left out.
    """
    found = [target for word in words for target in _find_or_tell(word, skipped)]
    if everything:
        every = [_distribution(name) for name in sorted(installed()) if name != _OURS]
        found += [target for target in every if target.modules]
    return list({(target.kind, target.name): target for target in found}.values())


def search_path() -> list[str]:
    """Return the PYTHONPATH with which child processes find the same modules as this process."""
    here = [os.getcwd()] if sys.path and sys.path[0] in {"", os.getcwd()} else []
    return list(dict.fromkeys([*here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]))


def _find_or_tell(word: str, skipped: list[Skipped]) -> list[Target]:
    try:
        return _find(word, skipped)
    except _UnknownTargetError as error:
        return [Target(word, UNKNOWN, problem=str(error))]


def _find(word: str, skipped: list[Skipped]) -> list[Target]:
    path = Path(word)
    if path.is_dir() and (path / "pyproject.toml").is_file():
        path /= "pyproject.toml"
    if path.name == "pyproject.toml" or path.suffix in {".txt", ".in"}:
        is_project = path.suffix == ".toml"
        names = _names_in_project(path, skipped) if is_project else _names_in_requirements(path, set(), skipped)
        return [_distribution(name) for name in dict.fromkeys(names) if _normal(name) != _OURS]
    if path.suffix == ".py" or (os.sep in word and path.is_file()):
        if not path.is_file():
            raise _UnknownTargetError(f"there is no file {word}")
        parts, folder = _package_of(path.resolve().parent)
        if parts:
            return [_module(word, [*parts, path.stem] if path.stem != "__init__" else parts, folder)]
        return [Target(word, "script", script=str(path.resolve()), path=(str(folder),))]
    if path.is_dir() and (path / "__init__.py").is_file() and (os.sep in word or not _is_importable(word)):
        return [_module(word, *_package_of(path.resolve()))]
    if _is_importable(word):
        return [Target(word, "module", (word,))]
    if _normal(word) in installed():
        return [_distribution(word)]
    raise _UnknownTargetError(f"{word!r} is neither a module, nor a script, nor a distribution that is installed here")


def _module(word: str, parts: list[str], folder: Path) -> Target:
    return Target(word, "module", (".".join(parts),), path=(str(folder),))


def _is_importable(name: str) -> bool:
    """Whether there is such a module. Only the first part of the name is looked up, because this imports nothing."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return False
    try:
        spec = importlib.util.find_spec(parts[0])
    except (ImportError, ValueError):
        return False
    # A folder without __init__.py is a package too, but a distribution of that name is more likely meant.
    return spec is not None and (spec.origin is not None or len(parts) > 1 or _normal(name) not in installed())


def _package_of(folder: Path) -> tuple[list[str], Path]:
    """Return the parts of a package's name, and the folder to import it from. The package is empty outside of packages."""
    parts: list[str] = []
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return parts, folder


def _distribution(name: str) -> Target:
    """Return the distribution as a target, under the name that was given."""
    found = installed().get(_normal(name))
    if found is None:
        return Target(name, "distribution", problem="it is not installed")
    modules, compiled = _modules_in(found)
    own = [module for module in modules if module.partition(".")[0] not in _NOT_ITS_API] or modules
    public = [module for module in own if not any(part.startswith("_") for part in module.split("."))] or own
    problem = None if public else "it contains no modules"
    return Target(name, "distribution", tuple(public), parts=tuple(compiled), problem=problem)


@cache
def installed() -> dict[str, metadata.Distribution]:
    """The installed distributions by their normalized names. The first one of a name is the one that is imported."""
    found: dict[str, metadata.Distribution] = {}
    for each in metadata.distributions():
        found.setdefault(_normal(each.metadata["Name"] or ""), each)
    found.pop("", None)
    return found


def _modules_in(found: metadata.Distribution) -> tuple[list[str], list[str]]:
    """Return the outermost packages and modules of a distribution, and all its extension modules."""
    outermost: dict[str, None] = {}
    compiled: list[str] = []
    files = [file for file in found.files or [] if file.parts[0] != ".." and "__pycache__" not in file.parts]
    packages = {file.parent.parts for file in files if file.name == "__init__.py"}
    for file in files:
        suffix = next((each for each in (*EXTENSION_SUFFIXES, ".py") if file.name.endswith(each)), None)
        if suffix is None:
            continue
        parts = (*file.parent.parts, file.name.removesuffix(suffix))
        if not all(part.isidentifier() for part in parts):  # mypyc's libraries have names of digits
            continue
        if suffix != ".py":
            compiled.append(".".join(parts))
        inside = next((parts[:length] for length in range(1, len(parts)) if parts[:length] in packages), parts)
        outermost[".".join(inside)] = None
    if not outermost:  # as for editable installs
        outermost = dict.fromkeys((found.read_text("top_level.txt") or "").split())
    return sorted(outermost), compiled


def _normal(name: str) -> str:
    """Return the name of a distribution as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _names_in_requirements(path: Path, seen: set[Path], skipped: list[Skipped]) -> Iterator[str]:
    """Yield the names in a file for pip, and in the files that it includes."""
    if path.resolve() in seen:
        return
    seen.add(path.resolve())
    text = _read(path).replace("\\\n", " ")
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if included := re.match(r"(?:-r|--requirement)[\s=]+(\S+)", line):
            yield from _names_in_requirements(path.parent / included[1], seen, skipped)
        elif re.match(r"(?:-e|--editable)\b", line):
            skipped.append(Skipped(str(path), line, "it is a folder: check the modules in it"))
        elif line and not line.startswith("-"):
            yield from _name_in(line.split(" --")[0].strip(), path, skipped)


def _names_in_project(path: Path, skipped: list[Skipped]) -> Iterator[str]:
    """Yield the names of the dependencies in a pyproject.toml."""
    try:
        content: dict[str, Any] = tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise _UnknownTargetError(f"{path}: {error}") from None
    project, tool = content.get("project"), content.get("tool", {})
    poetry = tool.get("poetry", {}).get("dependencies") if isinstance(tool, dict) else None
    if not isinstance(project, dict) and not isinstance(poetry, dict):
        raise _UnknownTargetError(f"{path} has no table [project], so it lists no dependencies")
    listed = project.get("dependencies", []) if isinstance(project, dict) else []
    if not isinstance(listed, list) or not all(isinstance(line, str) for line in listed):
        raise _UnknownTargetError(f"{path}: project.dependencies must be a list of strings, not {listed!r}")
    if isinstance(project, dict) and "dependencies" in project.get("dynamic", []):
        skipped.append(Skipped(str(path), "dependencies", "they are dynamic: name the file that lists them"))
    for line in listed:
        yield from _name_in(line, path, skipped)
    for name in poetry if isinstance(poetry, dict) else ():
        if name != "python":
            yield name


def _name_in(requirement: str, path: Path, skipped: list[Skipped]) -> Iterator[str]:
    """Yield the name in a requirement, unless its marker excludes this Python or system."""
    is_place = re.match(r"[^@\s]*[/\\]|[^@\s]*://|\.", requirement) is not None
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        if not is_place and (found := _REQUIREMENT.match(requirement)) is not None:
            yield found[1]
            return
    else:
        with contextlib.suppress(InvalidRequirement):
            parsed = Requirement(requirement)
            if parsed.marker is None or parsed.marker.evaluate():
                yield parsed.name
            return
    why = "it is a path or an address: name the distribution" if is_place else "it is not a valid requirement"
    skipped.append(Skipped(str(path), requirement, why))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise _UnknownTargetError(f"{path} cannot be read: {reason}") from None
