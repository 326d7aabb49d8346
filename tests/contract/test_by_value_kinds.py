"""Objects of many kinds in functions that cross by value: what a function returns in a worker is what it returns at home."""

import sys
from textwrap import dedent

import pytest

from support import by_value_kinds, by_value_more_kinds
from support.scripts import run_python

KINDS = by_value_kinds.KINDS | by_value_more_kinds.KINDS

PROGRAM = """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

with InterpreterThreadPoolExecutor(1) as pool:
    for kind, source in KINDS.items():
        try:
            exec(compile(source, "<stdin>", "exec", dont_inherit=True), globals())
            there = pool.submit(interpreter(here)).result()
            expected = here()
            outcome = "the same" if there == expected else f"{there!r} instead of {expected!r}"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error} / {error.__cause__!r}"
        print(kind, outcome, sep=": ")
"""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    """What came of each kind, all of them in one program."""
    kinds = {kind: dedent(source) for kind, source in KINDS.items()}
    finished = run_python("-c", f"KINDS = {kinds!r}\n{PROGRAM}")
    assert (finished.code, finished.stderr) == (0, "")
    return dict(line.split(": ", 1) for line in finished.lines)


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_that_uses_it_returns_in_a_worker_what_it_returns_here(outcomes: dict[str, str], kind: str) -> None:
    assert outcomes[kind] == "the same"


EXCEPTIONS = """
from contextlib import contextmanager
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

def make():
    class Refused(Exception):
        def __init__(self, code, *, reason):
            super().__init__(code)
            self.reason = reason
        def __str__(self):
            return f"{self.args[0]}: {self.reason}"
    class Late(Refused, TimeoutError):
        pass
    class Reduced(Exception):
        def __init__(self, first, second):
            super().__init__(first)
            self.second = second
        def __reduce__(self):
            return type(self), (self.args[0], self.second)
    class Group(ExceptionGroup):
        def derive(self, members):
            return Group(self.message, members)
    return Refused, Late, Reduced, Group

Refused, Late, Reduced, Group = make()

class Typed(Refused):
    pass

def refuse():
    raise Refused(5, reason=[1, 2])

def late():
    raise Late(6, reason="late") from Refused(7, reason="cause")

def reduced():
    raise Reduced("a", "b")

def typed():
    raise Typed(8, reason="typed")

def born_there():
    class Born(Refused):
        pass
    raise Born(9, reason="born in the worker")

def group():
    inner = ExceptionGroup("inner", [Typed(1, reason=Refused(2, reason="x"))])
    raise Group("outer", [Late(3, reason=None), inner, ValueError(4)])

@contextmanager
def expecting(kind):
    try:
        yield
        print("nothing was raised")
    except kind as error:
        print(type(error) is kind, error, vars(error))

with InterpreterThreadPoolExecutor(1) as pool:
    run = lambda fn: pool.submit(interpreter(fn)).result()
    with expecting(Refused):
        run(refuse)
    with expecting(Late):
        run(late)
    print(type(pool.submit(interpreter(late)).exception().__cause__) is Refused)
    with expecting(Reduced):
        run(reduced)
    with expecting(Typed):
        run(typed)
    try:
        run(born_there)
    except Refused as error:
        print(type(error).__mro__[1] is Refused, error, vars(error))
    try:
        run(group)
    except* Late as some:
        print(type(some) is Group, some.exceptions)
    except* Typed as others:
        (error,) = others.exceptions[0].exceptions
        print(type(error) is Typed, type(error.reason) is Refused, error.reason)
    except* ValueError as rest:
        print(rest.exceptions)
"""


def test_exceptions_of_classes_by_value_are_caught_here_by_these_classes() -> None:
    run_python("-c", EXCEPTIONS).check(
        "True 5: [1, 2] {'reason': [1, 2]}",
        "True 6: late {'reason': 'late'}",
        "True",
        "True a {'second': 'b'}",
        "True 8: typed {'reason': 'typed'}",
        "True 9: born in the worker {'reason': 'born in the worker'}",
        "True (Late(3),)",
        "True True 2: x",
        "(ValueError(4),)",
    )


CACHED = """
from functools import cache
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

@cache
def square(x):
    return x * x, square.cache_info().misses

with InterpreterThreadPoolExecutor(1) as pool:
    tagged = interpreter(square)
    print([pool.submit(tagged, x).result() for x in (1, 2, 1)])
    print(square.cache_info().currsize)
"""


def test_a_worker_keeps_the_cache_of_a_cached_function() -> None:
    run_python("-c", CACHED).check("[(1, 1), (4, 2), (1, 1)]", "0")


def test_objects_of_these_kinds_come_back_as_those_that_home_has() -> None:
    source = """
import typing
from contextvars import ContextVar
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

class Local: pass
UserId = typing.NewType("UserId", int)
T = typing.TypeVar("T")
variable = ContextVar("variable")

def both():
    return lambda: (Local, UserId, T, variable)

with InterpreterThreadPoolExecutor(1) as pool:
    back = pool.submit(interpreter(both)).result()()
    print([one is other for one, other in zip(back, both()(), strict=True)])
"""
    run_python("-c", source).check("[True, True, True, True]")


def test_a_class_stays_as_it_is_here_when_its_objects_come_back() -> None:
    source = """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

class Counter:
    made = 0
    def __init__(self):
        Counter.made += 1

def make():
    counter = Counter()
    return counter, Counter.made

method = Counter.__init__
with InterpreterThreadPoolExecutor(1) as pool:
    for _ in range(2):
        counter, there = pool.submit(interpreter(make)).result()
        print(type(counter) is Counter, there, Counter.made, Counter.__init__ is method)
        Counter.made = 10
"""
    run_python("-c", source).check("True 1 0 True", "True 11 10 True")


def test_annotations_that_cannot_be_pickled_are_left_out() -> None:
    source = """
import threading
from typing import Annotated
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

LOCK = threading.Lock()

def f(a: Annotated[int, LOCK]) -> int:
    return a, f.__annotations__

class Local:
    field: Annotated[int, LOCK]
    def method(self, b: Annotated[int, LOCK]):
        return 5

with InterpreterThreadPoolExecutor(1) as pool:
    print(pool.submit(interpreter(f), 3).result())
    print(pool.submit(interpreter(lambda: (Local().method(1), Local.__annotations__))).result())
"""
    run_python("-c", source).check("(3, {})", "(5, {})")


LAZY = """
import sys
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

lazy import colorsys
lazy from fractions import Fraction

def half(used):
    if used:
        colorsys, Fraction
    return [name in sys.modules for name in ("colorsys", "fractions")]

with InterpreterThreadPoolExecutor(1) as pool:
    for used in (False, True):
        print(pool.submit(interpreter(half), used).result(), [name in sys.modules for name in ("colorsys", "fractions")])
"""


@pytest.mark.skipif(sys.version_info < (3, 15), reason="Python has no lazy imports before 3.15")
def test_a_lazy_import_stays_lazy_here_and_in_the_worker() -> None:
    run_python("-c", LAZY).check("[False, False] [False, False]", "[True, True] [False, False]")


@pytest.mark.skipif(sys.version_info < (3, 15), reason="Python has no lazy imports before 3.15")
def test_all_imports_of_a_program_may_be_lazy() -> None:
    source = LAZY.replace("lazy ", "")
    run_python("-X", "lazy_imports=all", "-c", source).check("[False, False] [False, False]", "[True, True] [False, False]")


def test_a_worker_imports_little_for_functions_and_classes_by_value() -> None:
    source = """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

class Local:
    def method(self):
        import sys
        return [name for name in ("cloudpickle", "typing", "inspect", "dataclasses") if name in sys.modules]

with InterpreterThreadPoolExecutor(1) as pool:
    print(pool.submit(interpreter(lambda: Local().method())).result())
"""
    run_python("-c", source).check("[]")
