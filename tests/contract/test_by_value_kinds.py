"""Objects of many kinds in functions that cross by value: what a function returns in a worker is what it returns at home."""

from textwrap import dedent

import pytest

from support.by_value_kinds import KINDS
from support.scripts import run_python

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
