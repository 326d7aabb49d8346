"""`extensions="private"` on systems without private copies: creating an executor fails immediately."""

import asyncio
import re

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, __main__, _core, interpreter
from aiointerpreters.runner import Runner
from support import work

REASON = "private copies of extension modules are available only on Linux with glibc on x86-64 and AArch64; this is macOS"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend to be on another system."""
    monkeypatch.setattr(_core, "why_no_copies", lambda: REASON)


def test_an_executor_refuses_at_once() -> None:
    with pytest.raises(NotImplementedError, match=f"^extensions='private' is not supported here: {re.escape(REASON)}$"):
        InterpreterThreadPoolExecutor(1, extensions="private")


def test_the_error_names_the_variable_that_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOINTERPRETERS_EXTENSIONS", "private")
    asked = "^the environment variable AIOINTERPRETERS_EXTENSIONS=private is not supported here: "
    with pytest.raises(NotImplementedError, match=asked + re.escape(REASON)):
        InterpreterThreadPoolExecutor(1)
    with pytest.raises(NotImplementedError, match=asked):
        asyncio.run(start_runner())


async def start_runner() -> None:
    """A runner has an executor, so the variable applies to it too."""
    async with Runner(workers=1):
        pass


def test_what_asks_for_none_works_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        assert pool.submit(interpreter(work.square), 3).result() == 9
    monkeypatch.setenv("AIOINTERPRETERS_EXTENSIONS", "private")
    with InterpreterThreadPoolExecutor(1, extensions="declared") as pool:
        assert pool.submit(interpreter(work.square), 3).result() == 9


def test_the_command_for_the_cache_says_that_there_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_core, "describe_copies", list)
    assert __main__.main(["cache"]) == 0
    assert capsys.readouterr().out == REASON + "\n"
