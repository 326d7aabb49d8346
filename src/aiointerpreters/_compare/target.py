"""The function that the user wants to measure, which can be found by name, and the arguments of its calls."""

import ast
import importlib
import inspect
import itertools
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MOST_INPUTS = 1000
_NO_GENERATOR = "A generator cannot be returned from an interpreter or a process. Return a list"

type Call = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional and keyword arguments."""


class WrongTargetError(Exception):
    """There is nothing to measure; the text is for the user."""


@dataclass(frozen=True)
class Place:
    """Where a function is: `name` in the module `module`. `root`: the folder to import it from, if a file was given."""

    module: str
    name: str
    root: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read `module:function` or `folder/file.py:function`; imports nothing. Raises WrongTargetError."""
        module, colon, name = text.rpartition(":")
        if not (colon and module and all(part.isidentifier() for part in name.split("."))):
            raise WrongTargetError(f"{text!r} is not of the form module:function or path/to/file.py:function")
        if not (module.endswith(".py") or os.sep in module):
            if not all(part.isidentifier() for part in module.split(".")):
                raise WrongTargetError(f"{module!r} is not the name of a module")
            return cls(module, name)
        file = Path(module).resolve()
        if not file.is_file():
            raise WrongTargetError(f"there is no file {module}")
        parts, folder = [file.stem] if file.stem != "__init__" else [], file.parent
        while (folder / "__init__.py").exists():
            parts.insert(0, folder.name)
            folder = folder.parent
        if "." in file.stem:
            raise WrongTargetError(f"{file.name} cannot be imported: its name contains a dot")
        if parts[0] in sys.stdlib_module_names:
            raise WrongTargetError(f"rename {parts[0]}: a module of the standard library has this name")
        return cls(".".join(parts), name, str(folder))

    def find(self) -> Any:
        """Import the module and return the object. Raises WrongTargetError, or any error of the module's code."""
        try:
            module = importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            if error.name is not None and (self.module == error.name or self.module.startswith(f"{error.name}.")):
                raise WrongTargetError(f"there is no module {self.module!r}") from None
            raise
        if self.root is not None:
            found = getattr(module, "__file__", None)
            wanted = Path(self.root, *self.module.split("."))
            if found is None or Path(found).resolve() not in {wanted.with_suffix(".py"), wanted / "__init__.py"}:
                other = found or "it is built into Python"
                raise WrongTargetError(f"rename the file: another module is also named {self.module!r} ({other})")
        value: Any = module
        for part in self.name.split("."):
            if not hasattr(value, part):
                raise WrongTargetError(f"module {self.module!r} has no {self.name!r}")
            value = getattr(value, part)
        return value


def find_function(place: Place) -> Callable[..., Any]:
    """Return the function to measure. Raises WrongTargetError if it cannot be called, or returns no result."""
    function = place.find()
    if not callable(function):
        raise WrongTargetError(f"{place.module}:{place.name} is not a function, but {_a(function)}")
    plain = getattr(function, "__wrapped__", function)
    if inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain):
        raise WrongTargetError(f"{place.name} is an async function; compare measures plain functions")
    if inspect.isgeneratorfunction(plain):
        raise WrongTargetError(f"{place.name} is a generator function. {_NO_GENERATOR}")
    found: Callable[..., Any] = function
    return found


def check_result(place: Place, result: object) -> None:
    """Raise WrongTargetError if the function has returned an object that still has to compute the result."""
    if isinstance(result, Generator | map | filter | zip):
        raise WrongTargetError(f"{place.name} returned {_a(result)}. {_NO_GENERATOR}")
    if isinstance(result, Coroutine | AsyncGenerator):
        raise WrongTargetError(f"{place.name} returned {_a(result)}; compare measures plain functions")


def read_arguments(option: str, text: str) -> Any:
    """Return the value of `--args` (a tuple) or `--kwargs` (a dict), a Python literal or JSON. Raises WrongTargetError."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise WrongTargetError(f"{option}: {text!r} is neither a Python literal nor JSON") from None
    if option == "--args":
        if not isinstance(value, list | tuple):
            raise WrongTargetError(f"--args must be a list of the arguments, such as '[{text}]', not {text!r}")
        return tuple(value)
    if not (isinstance(value, dict) and all(isinstance(key, str) for key in value)):
        raise WrongTargetError(f"--kwargs must be a dict of names and values, such as '{{\"limit\": 10}}', not {text!r}")
    return value


def make_calls(args: str | None, kwargs: str | None, inputs: str | None) -> list[Call]:
    """Return the arguments of the calls, which are made in turn.

    inputs: a function that returns or yields them. A tuple holds the arguments of one call; any other value is one argument.
    """
    keywords = read_arguments("--kwargs", kwargs) if kwargs is not None else {}
    if inputs is None:
        return [(read_arguments("--args", args) if args is not None else (), keywords)]
    made = find_function_of_inputs(Place.parse(inputs))()
    if not isinstance(made, Iterable):
        raise WrongTargetError(f"{inputs} returned {_a(made)}, but it must return the arguments of several calls")
    items = list(itertools.islice(made, _MOST_INPUTS))
    if not items:
        raise WrongTargetError(f"{inputs} returned no arguments")
    return [(item if isinstance(item, tuple) else (item,), keywords) for item in items]


def find_function_of_inputs(place: Place) -> Callable[[], Any]:
    """Return the function that creates the arguments."""
    function = place.find()
    if not callable(function):
        raise WrongTargetError(f"{place.module}:{place.name} is not a function, but {_a(function)}")
    found: Callable[[], Any] = function
    return found


def search_path(*places: Place) -> list[str]:
    """Return the PYTHONPATH with which other processes and interpreters find the same modules as this one."""
    roots = [place.root for place in places if place.root is not None]
    here = [os.getcwd()] if sys.path and sys.path[0] in {"", os.getcwd()} else []
    given = os.environ.get("PYTHONPATH", "")
    return list(dict.fromkeys([*roots, *here, *filter(None, given.split(os.pathsep))]))


def _a(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"
